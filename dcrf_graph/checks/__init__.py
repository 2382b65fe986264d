"""
Django's system checks: what a developer should know before the first client connects.

What deriving a schema finds (``dcrf_graph.graphql.problems``) becomes messages
here, and what is wrong with the installation is found here. ``docs/checks.md``
is the manual of both. Checked is the router of ``DCRF_GRAPH["ROUTER"]``; without
that setting, each router that the URL configuration, or whatever else is loaded,
has made.

Nothing imports this room but the app, and nothing else needs it.
"""

from __future__ import annotations

from dcrf_graph.checks.layers import check_channel_layer
from dcrf_graph.checks.observed import (
    check_abstract,
    check_bulk_writes,
    check_lists,
    check_managers,
    check_triggers,
)
from dcrf_graph.checks.problems import KINDS
from dcrf_graph.checks.schemas import check_schemas
from dcrf_graph.checks.users import check_authentication
from dcrf_graph.checks.values import check_settings

__all__ = ["CHECKS", "DEPLOYMENT_CHECKS", "KINDS"]

CHECKS = (
    check_settings,
    check_schemas,
    check_channel_layer,
    check_authentication,
    check_managers,
    check_abstract,
    check_triggers,
    check_lists,
)
DEPLOYMENT_CHECKS = (check_bulk_writes,)
