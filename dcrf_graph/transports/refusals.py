"""
What a client is told of an error, and of a refusal to let it in.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from dcrf_graph.graphql.errors import expected, internal
from dcrf_graph.protocols.effects import Close

logger = logging.getLogger(__name__)


INTERNAL_ERROR = Close(1011, "Internal server error")
"""RFC 6455's code, for a socket that speaks no protocol with codes of its own."""


def told(error: Exception, user: Any) -> dict[str, Any]:
    """An error as GraphQL clients get it: a refusal in its words, a failure without."""
    known = expected(error, user)
    return internal(error) if known is None else dict(known.formatted)


def refusal_of(error: Exception) -> str | None:
    """Why an authenticator refuses, in its own words; None, and a log, if it failed instead."""
    known = expected(error, None)
    if known is None or (known.extensions or {})["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("The authenticator failed", exc_info=error)
        return None
    return known.message
