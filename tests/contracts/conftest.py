"""The rows that recordings begin with are those of the parity suite."""

from __future__ import annotations

from tests.parity.conftest import before

__all__ = ["before"]
