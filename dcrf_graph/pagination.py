"""
Pages of a list (upstream's module and name).

Upstream's paginator reads ``limit`` and ``offset`` from the call's arguments;
DRF's own paginators read a request's query. Both work on a consumer: one
paginator is made per call, never shared.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from rest_framework.pagination import LimitOffsetPagination

from dcrf_graph.settings import api_settings


def positive_int(value: Any, *, strict: bool = False, cutoff: int | None = None) -> int:
    """A number from a client as an ``int``, at least 0, or with ``strict`` 1.

    Raises:
        ValueError: if it is none of that.
    """
    number = int(value)
    if number < 0 or (number == 0 and strict):
        raise ValueError(f"expected a positive number, got {value!r}")
    return min(number, cutoff) if cutoff else number


class WebsocketLimitOffsetPagination(LimitOffsetPagination):
    """
    ``{"count", "results", "limit", "offset"}`` for ``limit`` and ``offset`` in the frame.

    Source: upstream's ``pagination.WebsocketLimitOffsetPagination``.
    """

    default_limit: int | None = api_settings.PAGE_SIZE
    count: int
    limit: int
    offset: int

    def get_paginated_response(self, data: Any) -> Any:
        return OrderedDict(count=self.count, results=data, limit=self.limit, offset=self.offset)

    def paginate_queryset(  # type: ignore[override]
        self, queryset: Any, scope: Any, view: Any = None, **kwargs: Any
    ) -> list[Any] | None:
        """The page's rows; None without a limit, which means all rows."""
        limit = self.get_limit(**kwargs)
        if limit is None:
            return None
        self.limit, self.offset = limit, self.get_offset(**kwargs)
        self.count = self.get_count(queryset)
        if self.count == 0 or self.offset > self.count:
            return []
        # No database counts as far as a client can.
        return list(queryset[self.offset : min(self.offset + self.limit, self.count)])

    def get_limit(self, **kwargs: Any) -> int | None:  # type: ignore[override]
        """``limit`` where it is a positive number, at most ``max_limit``; else the default."""
        try:
            return positive_int(
                kwargs.get("limit", self.default_limit), strict=True, cutoff=self.max_limit
            )
        except (TypeError, ValueError):
            return self.default_limit

    def get_offset(self, **kwargs: Any) -> int:  # type: ignore[override]
        """``offset`` where it is a number, else 0."""
        try:
            return positive_int(kwargs.get("offset", 0))
        except (TypeError, ValueError):
            return 0
