"""Every scenario, one module per part of the native face; importing this registers them all."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from tests.comparison.scenario import SCENARIOS

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["SCENARIOS"]
