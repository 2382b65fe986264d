"""
The arguments of a list: its pages, and what its filter backends read.

Pages by limit and offset are native arguments. All else is what DRF's backends
read from a request's query, so natively it travels in ``"query": {...}``, as
text. The result of a paginated list is a page type by the kind of paginator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from rest_framework import filters, pagination

from dcrf_graph.configured import configured
from dcrf_graph.graphql.definitions import (
    EnumDefinition,
    EnumValue,
    FieldDefinition,
    TypeDefinition,
)
from dcrf_graph.graphql.naming import camel, constant, pascal
from dcrf_graph.graphql.query_arguments import QueryArgument
from dcrf_graph.graphql.relay import connection_arguments, connection_type
from dcrf_graph.graphql.sources import model_of
from dcrf_graph.graphql.types import RENAME, Types
from dcrf_graph.mixins import PaginatedModelListMixin, StreamedPaginatedListMixin
from dcrf_graph.pagination import WebsocketLimitOffsetPagination

OURS = ("rest_framework.", "dcrf_graph.")
PAGE_FIELDS = {
    "count": "How many there are in all.",
    "next": "The address of the next page.",
    "previous": "The address of the page before.",
}


@dataclass(frozen=True)
class Pages:
    """How a consumer's list is paged.

    ``keys`` are those of a page beside its results, with their types;
    ``arguments`` ask for a page, in the native ``query`` if ``in_query``, else
    as arguments of the call.
    """

    kind: str
    keys: tuple[tuple[str, str], ...]
    arguments: tuple[QueryArgument, ...]
    in_query: bool = True
    connection: bool = False


def pages_of(consumer: Any) -> Pages | None:
    """By the consumer's paginator; None when its list comes whole."""
    paginator = configured(consumer, "pagination_class")
    if paginator is None or not issubclass(consumer, PaginatedModelListMixin):
        return None
    if not is_plain(paginator):
        return Pages("an unknown shape", (), ())
    links = (("count", "Int!"), ("next", "String"), ("previous", "String"))
    if issubclass(paginator, WebsocketLimitOffsetPagination):
        keys = (("count", "Int!"), ("limit", "Int"), ("offset", "Int"))
        return Pages("limit and offset", keys, limit_and_offset("limit", "offset"), in_query=False)
    if issubclass(paginator, pagination.LimitOffsetPagination):
        names = (paginator.limit_query_param, paginator.offset_query_param)
        return Pages("limit and offset, with links", links, limit_and_offset(*names))
    if issubclass(paginator, pagination.PageNumberPagination):
        return Pages("number", links, tuple(page_number(paginator)))
    if issubclass(paginator, pagination.CursorPagination):
        if issubclass(consumer, StreamedPaginatedListMixin):
            where = QueryArgument(
                "cursor", "String", "Where to go on: from `next`.", paginator.cursor_query_param
            )
            return Pages("cursor", links[1:], (where,))
        return Pages("cursor", (), tuple(connection_arguments(paginator)), connection=True)
    return Pages("an unknown shape", (), ())


def is_plain(paginator: Any) -> bool:
    """Whether the shape of a paginator's pages is the one that it inherits."""
    return str(paginator.get_paginated_response.__module__).startswith(OURS)


def limit_and_offset(limit: str, offset: str) -> tuple[QueryArgument, ...]:
    return (
        QueryArgument("limit", "Int", "How many to give at most.", limit),
        QueryArgument("offset", "Int", "How many to leave out at the start.", offset),
    )


def page_number(paginator: Any) -> Iterator[QueryArgument]:
    yield QueryArgument("page", "Int", "Which page, from 1.", paginator.page_query_param)
    size = paginator.page_size_query_param
    if size:
        yield QueryArgument(camel("page_size"), "Int", "How many are on a page.", size)


def page_type(types: Types, pages: Pages, item: str) -> str:
    """The type of a page of ``item``; ``JSON`` for a paginator of unknown shape."""
    if pages.connection:
        return connection_type(types, item)
    if not pages.keys:
        return "JSON"
    name = f"{item}Page"
    if types.definitions.reserve(
        name,
        ("page", item, pages.kind),
        f"the pages of {item} by {pages.kind}",
        "The lists of one type have to be paged in one way: give one of them another serializer.",
    ):
        results = "[JSON]!" if item == "JSON" else f"[{item}!]!"
        fields = [
            FieldDefinition(key, text, key, PAGE_FIELDS.get(key, "")) for key, text in pages.keys
        ]
        fields.insert(fields[0].name == "count", FieldDefinition("results", results, "results"))
        description = f"A part of a list, by {pages.kind}."
        types.definitions.add(TypeDefinition("type", name, tuple(fields), description))
    return name


def backend_arguments(
    types: Types, consumer: Any, serializer: Any, singular: str, breadcrumb: str
) -> Iterator[QueryArgument]:
    """``filter``, ``ordering`` and ``search``, as far as the consumer's backends read them."""
    for backend in configured(consumer, "filter_backends") or ():
        if is_django_filter(backend):
            from dcrf_graph.graphql.filtersets import filter_input

            found = filter_input(types, consumer, backend, serializer, singular, breadcrumb)
            if found is not None:
                yield QueryArgument(
                    "filter", found.name, "What the list is narrowed to.", None, found.commas
                )
        elif issubclass(backend, filters.OrderingFilter):
            name = ordering_enum(types, consumer, serializer, singular)
            if name is not None:
                yield QueryArgument(
                    "ordering",
                    f"[{name}!]",
                    "What to sort by, first things first.",
                    backend.ordering_param,
                    frozenset({backend.ordering_param}),
                )
        elif issubclass(backend, filters.SearchFilter) and getattr(consumer, "search_fields", None):
            yield QueryArgument("search", "String", "Words to look for.", backend.search_param)


def is_django_filter(backend: Any) -> bool:
    """Whether a backend is django-filter's, which may not be installed."""
    if find_spec("django_filters") is None:
        return False
    from django_filters.rest_framework import DjangoFilterBackend

    return issubclass(backend, DjangoFilterBackend)


def ordering_enum(types: Types, consumer: Any, serializer: Any, singular: str) -> str | None:
    """``CardOrdering { TITLE_ASC TITLE_DESC }``; None when nothing can be sorted by."""
    names = list(ordering_fields(consumer, serializer))
    if not names:
        return None
    name = f"{pascal(singular)}Ordering"
    described = f"the ordering of {consumer.__module__}.{consumer.__qualname__}"
    if types.definitions.reserve(name, (consumer, "ordering"), described, RENAME):
        values = {}
        for field in names:
            values[f"{constant(field)}_ASC"] = field
            values[f"{constant(field)}_DESC"] = f"-{field}"
        types.definitions.add(
            EnumDefinition(name, tuple(EnumValue(key, raw) for key, raw in values.items()))
        )
    return name


def ordering_fields(consumer: Any, serializer: Any) -> Iterator[str]:
    """What ``OrderingFilter`` allows: ``ordering_fields``, else what the serializer shows."""
    given = configured(consumer, "ordering_fields")
    queryset = configured(consumer, "queryset")
    model = getattr(queryset, "model", None) or model_of(serializer)
    if given == "__all__":
        if model is not None:
            yield from (column.name for column in model._meta.fields)
    elif given is not None:
        yield from (item if isinstance(item, str) else item[0] for item in given)
    elif serializer is not None:
        for field in serializer().fields.values():
            source = str(field.source)
            if not field.write_only and source != "*":
                yield source.replace(".", "__")
