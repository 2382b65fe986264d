"""
How answers become JSON: as DRF encodes, and what DRF does not know.

Dataclasses are objects of their fields, enum members their values.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from rest_framework.utils import encoders


class JSONEncoder(encoders.JSONEncoder):
    """DRF's encoder, with dataclasses and enums."""

    def default(self, obj: Any) -> Any:
        if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
            return {field.name: getattr(obj, field.name) for field in dataclasses.fields(obj)}
        if isinstance(obj, enum.Enum):
            return obj.value
        return super().default(obj)
