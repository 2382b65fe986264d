"""What actions answer and observers say, as JSON Schema: the ``data`` of a frame."""

from __future__ import annotations

from typing import Any

from rest_framework import pagination

from dcrf_graph.configured import configured
from dcrf_graph.contracts.definitions import Schemas
from dcrf_graph.contracts.keywords import Schema, any_of, array, nullable, opened
from dcrf_graph.graphql.annotations import is_serializer, streamed
from dcrf_graph.graphql.derivation import returned
from dcrf_graph.graphql.lists import is_plain
from dcrf_graph.graphql.registered import STANDARD, RegisteredConsumer
from dcrf_graph.live_lists import is_live_list
from dcrf_graph.mixins import PaginatedModelListMixin
from dcrf_graph.observer.base_observer import BaseObserver
from dcrf_graph.pagination import WebsocketLimitOffsetPagination

NOTHING: Schema = {"type": "null"}
COUNT: Schema = {"type": "integer", "description": "How many there are in all."}
LINK: Schema = {"type": ["string", "null"]}
WITHOUT_DATA = (
    "delete",
    "subscribe_instance",
    "unsubscribe_instance",
    "unsubscribe_list",
    "list_cancel",
)


def reply_data(registered: RegisteredConsumer, action: str, schemas: Schemas) -> Schema:
    """What a successful action answers: as declared, by its serializer, or by its annotation."""
    output = registered.option(action, "output")
    if registered.generic and action in WITHOUT_DATA and output is None:
        return NOTHING
    if registered.generic and action == "list":
        return list_data(registered, output, schemas)
    if is_live_list(registered.consumer, action):
        return array(live_row(registered, schemas))
    if registered.generic and action in STANDARD and output is None:
        return serialized(registered, action, schemas)
    annotation = returned(registered.method(action)) if output is None else output
    place = registered.breadcrumb(action)
    if registered.option(action, "streams"):
        # The last reply says that it ends.
        return nullable(schemas.annotated(streamed(annotation), "output", place))
    return schemas.annotated(annotation, "output", place)


def serialized(registered: RegisteredConsumer, action: str, schemas: Schemas) -> Schema:
    """One row as the action's serializer writes it."""
    serializer = registered.serializer(action)
    if serializer is None:
        return {}
    return schemas.named(serializer, "output", registered.consumer.__name__)


def live_row(registered: RegisteredConsumer, schemas: Schemas) -> Schema:
    """One row of a list that is followed."""
    declared = registered.option("list", "output")
    if declared is None:
        return serialized(registered, "list", schemas)
    found = schemas.annotated(declared, "output", registered.breadcrumb("list"))
    items: Schema = found.get("items", found)
    return items


def list_data(registered: RegisteredConsumer, output: Any, schemas: Schemas) -> Schema:
    """The rows, or a page of them."""
    if output is None:
        rows = array(serialized(registered, "list", schemas))
    else:
        found = schemas.annotated(output, "output", registered.breadcrumb("list"))
        rows = found if found.get("type") == "array" else array(found)
    paginator = configured(registered.consumer, "pagination_class")
    if paginator is None or not issubclass(registered.consumer, PaginatedModelListMixin):
        return rows
    if not is_plain(registered.consumer):
        return {}  # the consumer's own get_paginated_response
    page = page_of(paginator, rows)
    return any_of([page, rows]) if page and may_be_whole(paginator) else page


def page_of(paginator: Any, rows: Schema) -> Schema:
    """A page by the kind of its paginator; anything where that is of unknown shape."""
    if not is_plain(paginator):
        return {}
    links = {"next": LINK, "previous": LINK, "results": rows}
    if issubclass(paginator, WebsocketLimitOffsetPagination):
        number: Schema = {"type": "integer", "minimum": 0}
        keys = {"count": COUNT, "results": rows, "limit": number, "offset": number}
        return opened(keys, keys)
    if issubclass(paginator, pagination.LimitOffsetPagination | pagination.PageNumberPagination):
        return opened({"count": COUNT, **links}, ("count", *links))
    if issubclass(paginator, pagination.CursorPagination):
        return opened(links, links)
    return {}


def may_be_whole(paginator: Any) -> bool:
    """Whether a paginator without a size of its own answers with every row."""
    name = (
        "default_limit" if issubclass(paginator, pagination.LimitOffsetPagination) else "page_size"
    )
    return getattr(paginator, name, None) is None


def event_data(
    registered: RegisteredConsumer, action: str, observer: BaseObserver, schemas: Schemas
) -> Schema:
    """What an observer's events carry: as declared, else by the observer's serializer."""
    output = registered.option(action, "output")
    if output is not None:
        return schemas.annotated(output, "output", registered.breadcrumb(action))
    if action == "subscribe_instance":
        return serialized(registered, "retrieve", schemas)
    if is_live_list(registered.consumer, action):
        return live_row(registered, schemas)
    serializer = getattr(observer, "serializer_class", None)
    if is_serializer(serializer):
        return schemas.named(serializer, "output", registered.breadcrumb(action))
    return {}
