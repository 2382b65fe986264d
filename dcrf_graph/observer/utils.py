"""An observer as it looks from a consumer (upstream's module and name)."""

from __future__ import annotations

from functools import partial
from typing import Any


class ObjPartial(partial[Any]):
    """An observer bound to a consumer: its methods get the consumer without being told."""

    def __getattribute__(self, name: str) -> Any:
        try:
            return super().__getattribute__(name)
        except AttributeError:
            attribute = getattr(self.func, name)
            if not callable(attribute):
                return attribute
            return partial(attribute, *self.args, **self.keywords)
