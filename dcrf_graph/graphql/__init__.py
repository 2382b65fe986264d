"""
The derived schema: GraphQL as a typed client of the native dispatch.

``schema.derive`` turns registered consumers into SDL and a bound schema,
``execution.Executor`` runs operations against it. Nothing here knows a socket,
and no resolver here does an action's work: each makes a native call
(docs/decisions; design: "the one rule").
"""

from __future__ import annotations
