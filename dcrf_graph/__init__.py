"""One definition, two protocols: Channels consumers that answer native JSON and GraphQL clients."""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["__version__"]
