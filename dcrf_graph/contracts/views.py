"""What wrapped views are asked with and answer, as JSON Schema: by a generic view's serializer."""

from __future__ import annotations

from dcrf_graph.contracts.answers import page_of
from dcrf_graph.contracts.definitions import Schemas
from dcrf_graph.contracts.keywords import Schema, any_of, array, closed, opened
from dcrf_graph.graphql.lists import is_plain
from dcrf_graph.graphql.views import DETAIL, WRITING, WrappedView

QUERY: Schema = {"type": "object", "description": "The request's query string."}
PARAMETERS = "What the URL would capture."


def view_request(view: WrappedView, schemas: Schemas) -> Schema:
    """The payload that asks a view; its ``data`` by the serializer that reads it."""
    properties: dict[str, Schema] = {
        "action": {"const": view.action},
        "request_id": schemas.ref("request_id"),
        "query": QUERY,
        "parameters": {"type": "object", "description": PARAMETERS},
    }
    required = ["action"]
    if view.does in DETAIL and is_own(view, "get_object"):
        key = str(view.cls.lookup_url_kwarg or view.cls.lookup_field)
        value: Schema = {"type": ["string", "number"]}
        properties["parameters"] = opened({key: value}, [key], PARAMETERS)
        required.append("parameters")
    if view.does in WRITING and view.serializer is not None:
        place = view.registered.breadcrumb(view.action)
        properties["data"] = schemas.named(view.serializer, WRITING[view.does], place)
        required.append("data")
    elif not view.reads:
        properties["data"] = {"description": "The JSON body."}
    return closed(properties, required)


def view_data(view: WrappedView, schemas: Schemas) -> Schema:
    """What a view answers that succeeds; anything where nobody knows."""
    if view.serializer is None or view.does == "destroy":
        return {}
    row = schemas.named(view.serializer, "output", view.registered.breadcrumb(view.action))
    if view.does != "list":
        return row
    paginator = getattr(view.cls, "pagination_class", None)
    if paginator is None:
        return array(row)
    if not is_plain(view.cls):
        return {}
    # Without a size, or where the query asks for none, every row is answered.
    page = page_of(paginator, array(row))
    return any_of([page, array(row)]) if page else page


def is_own(view: WrappedView, method: str) -> bool:
    """Whether a method of a view is DRF's, and not an app's."""
    return str(getattr(view.cls, method).__module__).startswith("rest_framework.")
