"""Every scenario, one module per part of the native face; importing this registers them all."""

from tests.comparison.scenario import SCENARIOS
from tests.comparison.scenarios import (
    actions,
    configured,
    connections,
    detaching,
    instances,
    mixins,
    model_observers,
    paginated,
    permissions,
    signals,
    transactions,
    views,
)

__all__ = [
    "SCENARIOS",
    "actions",
    "configured",
    "connections",
    "detaching",
    "instances",
    "mixins",
    "model_observers",
    "paginated",
    "permissions",
    "signals",
    "transactions",
    "views",
]
