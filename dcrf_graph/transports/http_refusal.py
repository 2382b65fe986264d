"""
Why no GraphQL request can be made of an HTTP request: a status, and a result that says so.

Source: https://graphql.github.io/graphql-over-http/draft/#sec-Status-Codes
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RequestRefused(Exception):
    """No GraphQL request can be made of this: the status and the headers that say so."""

    def __init__(
        self, status: int, message: str, code: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers or {}

    def as_result(self) -> dict[str, Any]:
        """Say it in the shape of a GraphQL response."""
        extensions = {"code": self.code, "status": self.status}
        return {"errors": [{"message": self.message, "extensions": extensions}]}


def too_large(field: str, expected: str, got: str) -> RequestRefused:
    """A refusal with 413."""
    return RequestRefused(413, f"{field}: expected {expected}, got {got}", "PAYLOAD_TOO_LARGE")
