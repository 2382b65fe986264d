"""This library: the same handler, in native streams and in GraphQL."""

from __future__ import annotations

from typing import Any

from benchmarks.apps.cards import router
from benchmarks.world.changes import event

application: Any = router.as_asgi()
commands = {"event": event}
