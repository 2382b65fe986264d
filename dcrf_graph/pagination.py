"""
Pages of a list (upstream's module and name).

Upstream's paginator reads ``limit`` and ``offset`` from the call's arguments;
DRF's own paginators read a request's query. Both work on a consumer: one
paginator is made per call, never shared.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from rest_framework.pagination import Cursor as DRFCursor
from rest_framework.pagination import LimitOffsetPagination

from dcrf_graph.settings import api_settings

MAXIMA = ("max_limit", "max_page_size")
"""What DRF's paginators call the most that a client may ask for."""


def positive_int(value: Any, *, strict: bool = False, cutoff: int | None = None) -> int:
    """A number from a client as an ``int``, at least 0, or with ``strict`` 1.

    Raises:
        ValueError: if it is none of that.
    """
    number = int(value)
    if number < 0 or (number == 0 and strict):
        raise ValueError(f"expected a positive number, got {value!r}")
    return min(number, cutoff) if cutoff else number


def largest_page(paginator: Any) -> int | None:
    """How many rows a client may ask a paginator for: its own maximum, else ``MAX_PAGE_SIZE``."""
    for name in MAXIMA:
        if (own := getattr(paginator, name, None)) is not None:
            return int(own)
    maximum = api_settings.MAX_PAGE_SIZE
    return None if maximum is None else int(maximum)


def usual_page(paginator: Any) -> int | None:
    """How many rows a page has where the client does not say; None where that is all of them."""
    size = getattr(paginator, "default_limit", None) or getattr(paginator, "page_size", None)
    return None if size is None else int(size)


def bounded(paginator: Any) -> Any:
    """Give a paginator ``MAX_PAGE_SIZE`` where it has no maximum; what is beyond is cut, by DRF."""
    for name in MAXIMA:
        if getattr(paginator, name, 0) is None:
            setattr(paginator, name, largest_page(paginator))
    return paginator


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


# -- the next page --------------------------------------------------------------------------------

OWN_PARAMETERS = (
    "page_query_param",
    "page_size_query_param",
    "limit_query_param",
    "offset_query_param",
    "cursor_query_param",
)


def following_page(
    paginator: Any, page: Any, arguments: Mapping[str, Any]
) -> dict[str, Any] | None:
    """What to change in a call's arguments to get the page after this one; None after the last.

    Args:
        page: as it was answered, for upstream's paginator; DRF's know their next link.
    """
    next_link = getattr(paginator, "get_next_link", None)
    if next_link is None or isinstance(paginator, WebsocketLimitOffsetPagination):
        found = page if isinstance(page, Mapping) else {}
        following = found.get("offset", 0) + (found.get("limit") or 0)
        is_last = not found.get("limit") or following >= found.get("count", 0)
        return None if is_last else {"offset": following}
    link = next_link()
    if link is None:
        return None
    own = {getattr(paginator, name, None) for name in OWN_PARAMETERS}
    given = {key: value for key, value in parse_qsl(urlsplit(link).query) if key in own}
    return {"query": {**(arguments.get("query") or {}), **given}}


# -- cursors of single rows ---------------------------------------------------------------------


def cursors_of(paginator: Any) -> tuple[tuple[str, str], ...]:
    """For each row of the page that a paginator made, the cursors after it and before it.

    The paginator reads them like those of its own links. Rows that are alike in
    what the list is ordered by are told apart by an offset, as DRF does.
    """
    places = [
        paginator._get_position_from_instance(row, paginator.ordering) for row in paginator.page
    ]
    return tuple(
        (
            token(paginator, after_row(paginator, places, number)),
            token(paginator, before_row(paginator, places, number)),
        )
        for number in range(len(places))
    )


def cursor_at(offset: int, reverse: bool, position: str | None) -> Any:
    # The stubs take a position for a number.
    return DRFCursor(offset, reverse, position)  # type: ignore[arg-type]


def after_row(paginator: Any, places: list[Any], number: int) -> Any:
    """Where the rows after one begin: after the last row that is unlike its follower."""
    turned = paginator.cursor is not None and paginator.cursor.reverse
    skipped = 0 if paginator.cursor is None else paginator.cursor.offset
    # The row after the page is not the cursor's, if that has skipped some.
    known = paginator.has_next and not (turned and skipped)
    following = [*places[1:], paginator.next_position if known else None]
    if paginator.has_next and not known:
        following[-1] = places[-1]
    for at in range(number, -1, -1):
        if places[at] is not None and places[at] != following[at]:
            return cursor_at(number - at, False, places[at])
    if not paginator.has_previous:
        return cursor_at(number + 1, False, None)
    return cursor_at((0 if turned else skipped) + number + 1, False, paginator.previous_position)


def before_row(paginator: Any, places: list[Any], number: int) -> Any:
    """Where the rows before one end: before the first row that is unlike its predecessor."""
    turned = paginator.cursor is not None and paginator.cursor.reverse
    skipped = 0 if paginator.cursor is None else paginator.cursor.offset
    known = paginator.has_previous and (turned or not skipped)
    leading = [paginator.previous_position if known else None, *places[:-1]]
    if paginator.has_previous and not known:
        leading[0] = places[0]
    for at in range(number, len(places)):
        if places[at] is not None and places[at] != leading[at]:
            return cursor_at(at - number, True, places[at])
    left = len(places) - number
    if not paginator.has_next:
        return cursor_at(left, True, None)
    return cursor_at((skipped if turned else 0) + left, True, paginator.next_position)


def token(paginator: Any, cursor: Any) -> str:
    """A cursor as its paginator writes it into a link."""
    link = urlsplit(paginator.encode_cursor(cursor))
    return str(parse_qs(link.query)[paginator.cursor_query_param][0])
