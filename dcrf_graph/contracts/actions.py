"""
The actions that native clients can call: what they are asked with, what they answer.

Every action of every registered consumer, also those that GraphQL leaves out
(``unsubscribe_instance``, ``list_cancel``, ``graphql=False``). An action's own
name, arguments and result are read as the GraphQL schema reads them. A request is
described as strictly as its signature allows; a server reads some more.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from dcrf_graph.arguments import EMPTY, Argument, annotations_of, arguments_of
from dcrf_graph.contracts.answers import event_data, reply_data
from dcrf_graph.contracts.definitions import Schemas
from dcrf_graph.contracts.json_schema import Place, column_schema, key_of
from dcrf_graph.contracts.keywords import (
    SUCCESS,
    Schema,
    any_of,
    array,
    closed,
    described,
    nullable,
    opened,
)
from dcrf_graph.contracts.queries import query_schema
from dcrf_graph.contracts.views import view_data, view_request
from dcrf_graph.graphql.annotations import is_serializer
from dcrf_graph.graphql.derivation import observer_of
from dcrf_graph.graphql.inputs import WITH_DATA, WITH_LOOKUP, filter_arguments, list_arguments
from dcrf_graph.graphql.operations import OperationArgument, Registered
from dcrf_graph.graphql.registered import RegisteredConsumer, in_order
from dcrf_graph.graphql.sources import step
from dcrf_graph.graphql.views import WrappedView
from dcrf_graph.live_lists import SNAPSHOT, is_live_list
from dcrf_graph.mixins import StreamedPaginatedListMixin
from dcrf_graph.observer.links import attribute_paths
from dcrf_graph.observer.model_observer import ModelObserver

REQUEST_ID: Schema = {
    "description": "Chosen by the client; replies and events carry it unchanged.",
    "type": ["string", "number", "null"],
}
GIVEN_REQUEST_ID: Schema = {"type": ["string", "number"], "description": "Every event carries it."}
DESCRIPTIONS = {
    "unsubscribe_instance": "End a subscription to one {singular}: that of this request_id.",
    "unsubscribe_list": "Follow the list of this request_id no more.",
    "list_cancel": "End the list that is under way under this request_id.",
}
"""What the library's actions do that GraphQL has no field for."""

STATUSES = {
    "list": 200,
    "retrieve": 200,
    "create": 201,
    "update": 200,
    "patch": 200,
    "delete": 204,
    "subscribe_instance": 201,
    "unsubscribe_instance": 204,
    "subscribe_list": 201,
    "unsubscribe_list": 204,
    "list_cancel": 204,
}
"""What the library's own methods answer with; an app's may answer with any success."""

REPLYING = ("reply", "send_json", "send")
CHANGES: Schema = {"enum": ["create", "update", "delete"]}


@dataclass(frozen=True)
class NativeAction:
    """One action of one stream; the schemas are those of payloads, without the envelope.

    ``event`` is None for an action that subscribes nothing. ``many``: it answers
    with several replies.
    """

    stream: str
    action: str
    description: str
    request: Schema
    reply: Schema
    event: Schema | None = None
    many: bool = False

    @property
    def name(self) -> str:
        return f"{self.stream}.{self.action}"


def native_actions(
    registrations: Iterable[Registered], schemas: Schemas
) -> tuple[NativeAction, ...]:
    """Every action of every registered consumer, in a stable order.

    Raises:
        ConfigurationError: where two serializers want one name, or one cannot be made.
    """
    found: list[NativeAction] = []
    for registration in registrations:
        registered = RegisteredConsumer(registration, schemas.types)
        read = view_actions if registered.is_view else consumer_actions
        found.extend(read(registered, schemas))
    return tuple(found)


def view_actions(registered: RegisteredConsumer, schemas: Schemas) -> Iterator[NativeAction]:
    """The mapped actions of a wrapped view: by its serializer, as far as it is a generic view."""
    for action in sorted(registered.consumer.actions, key=in_order):
        view = WrappedView(registered, action)
        description = f"{view.method} of the view {registered.plural}."
        yield NativeAction(
            stream=registered.plural,
            action=action,
            description=description,
            request=described(view_request(view, schemas), description),
            reply=view_reply(view, schemas),
        )


def consumer_actions(registered: RegisteredConsumer, schemas: Schemas) -> Iterator[NativeAction]:
    """The actions of a consumer's methods."""
    for action in sorted(registered.consumer.available_actions, key=in_order):
        observer = observer_of(registered, action)
        paged = action == "list" and issubclass(registered.consumer, StreamedPaginatedListMixin)
        many = paged or bool(registered.option(action, "streams"))
        description = description_of(registered, action, many=paged)
        request = request_of(registered, action, schemas, subscribes=observer is not None)
        if registered.option(action, "deprecated") is not None:
            request["deprecated"] = True
        yield NativeAction(
            stream=registered.plural,
            action=action,
            description=description,
            request=described(request, description),
            reply=reply_of(registered, action, schemas),
            event=None if observer is None else event_of(registered, action, observer, schemas),
            many=many,
        )


def description_of(registered: RegisteredConsumer, action: str, *, many: bool) -> str:
    """What an action does: the library's own, or the first paragraph of the docstring."""
    if action in DESCRIPTIONS and is_own(registered, action):
        return DESCRIPTIONS[action].format(singular=registered.singular.replace("_", " "))
    text = registered.description(action, "pages" if many else action)
    return text.replace("; gives its key back", "")


def is_own(registered: RegisteredConsumer, action: str) -> bool:
    """Whether a method is the library's, and not an app's."""
    return str(registered.method(action).__module__).startswith("dcrf_graph.")


# -- a request -------------------------------------------------------------------------------------


def request_of(
    registered: RegisteredConsumer, action: str, schemas: Schemas, *, subscribes: bool
) -> Schema:
    """The payload that asks for an action."""
    properties: dict[str, Schema] = {
        "action": {"const": action},
        "request_id": GIVEN_REQUEST_ID if subscribes else schemas.ref("request_id"),
    }
    required = ["action", "request_id"] if subscribes else ["action"]
    given = arguments_of(registered.consumer, action)
    names = {argument.name for argument in given}
    key = registered.lookup_key
    if registered.generic and key not in names:
        if action in WITH_LOOKUP:
            properties[key] = lookup_schema(registered, schemas)
            required.append(key)
        elif action == "unsubscribe_instance":
            properties[key] = lookup_schema(registered, schemas)
    for argument in given:
        properties[argument.name] = argument_schema(registered, action, argument, schemas)
        if argument.required:
            required.append(argument.name)
    if registered.option(action, "input") is not None and "data" not in names:
        properties["data"] = data_schema(registered, action, schemas)
        required.append("data")
    if registered.generic and action == "list":
        properties |= list_properties(registered, list_arguments(registered))
    elif is_live_list(registered.consumer, action):
        properties |= list_properties(registered, filter_arguments(registered))
    return closed(properties, required)


def lookup_schema(registered: RegisteredConsumer, schemas: Schemas) -> Schema:
    """The key of one row, in the type of its column."""
    model, field = registered.model, registered.lookup_field
    if model is None:
        return {}
    place = place_of(registered, field, schemas)
    if field == "pk":
        return key_of(model, place)
    column = step(model, field).column
    return {"type": "string"} if column is None else column_schema(column, place)


def argument_schema(
    registered: RegisteredConsumer, action: str, argument: Argument, schemas: Schemas
) -> Schema:
    """One parameter of the method."""
    writes = registered.generic and action in WITH_DATA
    if argument.name == "data" and (writes or registered.option(action, "input") is not None):
        data = data_schema(registered, action, schemas)
        data = nullable(data) if argument.default is None else data
        return described(data, argument.description)
    found: Schema = {}
    if argument.annotation is not EMPTY:
        place = registered.breadcrumb(action, argument.name)
        found = schemas.annotated(argument.annotation, "input", place)
    if argument.default is None:
        found = nullable(found)
    elif isinstance(argument.default, bool | int | float | str) and "$ref" not in found:
        found = {**found, "default": getattr(argument.default, "value", argument.default)}
    return described(found, argument.description)


def data_schema(registered: RegisteredConsumer, action: str, schemas: Schemas) -> Schema:
    """The ``data`` of an action that writes."""
    declared = registered.option(action, "input")
    serializer = registered.serializer(action) if declared is None else declared
    place = registered.breadcrumb(action, "data")
    if serializer is None:
        return {}
    if is_serializer(serializer):
        direction: Any = "patch" if action == "patch" else "input"
        return schemas.named(serializer, direction, registered.consumer.__name__)
    return schemas.annotated(serializer, "input", place)


def list_properties(
    registered: RegisteredConsumer, given: Iterable[OperationArgument]
) -> dict[str, Schema]:
    """How a list is asked for a page, and the ``query`` that its backends read."""
    properties: dict[str, Schema] = {}
    arguments = list(given)
    for argument in arguments:
        if argument.key is not None:
            properties[argument.key] = described({"type": "integer"}, argument.description)
    query = query_schema(registered, arguments)
    return properties if query is None else {**properties, "query": query}


def place_of(registered: RegisteredConsumer, name: str, schemas: Schemas) -> Place:
    return Place(schemas, "", name, "output", registered.breadcrumb(name))


# -- what comes back -------------------------------------------------------------------------------


def frame(action: Schema, data: Schema, status: Schema, schemas: Schemas) -> Schema:
    """A success, in the shape of every frame that a consumer sends."""
    return opened(
        {
            "errors": {"type": "array", "maxItems": 0},
            "data": data,
            "action": action,
            "response_status": status,
            "request_id": schemas.ref("request_id"),
        },
        ["errors", "data", "action", "response_status", "request_id"],
    )


def reply_of(registered: RegisteredConsumer, action: str, schemas: Schemas) -> Schema:
    """The payload that answers an action which succeeded."""
    own = is_own(registered, action)
    status: Schema = {"const": STATUSES[action]} if own and action in STATUSES else SUCCESS
    if own or not replies_itself(registered, action):
        if status is SUCCESS and annotated_nothing(registered, action):
            return frame({"const": action}, {"type": "null"}, {"const": 204}, schemas)
        data = reply_data(registered, action, schemas)
        return frame({"const": action}, data, status, schemas)
    # What an action says with reply() has any action; what it returns is its last word.
    declared = registered.option(action, "output") is not None
    data = reply_data(registered, action, schemas) if declared else {}
    return frame({"type": ["string", "null"]}, data, SUCCESS, schemas)


def view_reply(view: WrappedView, schemas: Schemas) -> Schema:
    """The payload that answers for a view, which refuses in words of its own."""
    action: Schema = {"const": view.action}
    data = view_data(view, schemas)
    if not data:
        return frame(action, {}, {"type": "integer", "minimum": 100, "maximum": 599}, schemas)
    other: Schema = {"type": "integer", "minimum": 300, "maximum": 599}
    return any_of([frame(action, data, SUCCESS, schemas), frame(action, {}, other, schemas)])


def replies_itself(registered: RegisteredConsumer, action: str) -> bool:
    """Whether a method's code sends frames, besides what it returns."""
    code = getattr(inspect.unwrap(registered.method(action)), "__code__", None)
    return code is not None and any(path[0] in REPLYING for path in attribute_paths(code))


def annotated_nothing(registered: RegisteredConsumer, action: str) -> bool:
    """Whether a method says that it returns None: it is acknowledged."""
    return annotations_of(registered.method(action)).get("return", EMPTY) is type(None)


def event_of(
    registered: RegisteredConsumer, action: str, observer: Any, schemas: Schemas
) -> Schema:
    """The payload of the events that a subscribing action brings."""
    data = event_data(registered, action, observer, schemas)
    if not isinstance(observer, ModelObserver):
        return frame({"type": ["string", "null"]}, data, SUCCESS, schemas)
    live = is_live_list(registered.consumer, action)
    if action != "subscribe_instance" and not live:
        return frame(CHANGES, data, SUCCESS, schemas)
    changed: Schema = {"enum": ["create", "update"]}
    key = key_of(observer.model_cls, place_of(registered, "pk", schemas))
    gone = opened({"pk": key}, ["pk"])
    kinds = [
        frame(changed, data, {"const": 200}, schemas),
        frame({"const": "delete"}, gone, {"const": 204}, schemas),
    ]
    if live:
        kinds.append(frame({"const": SNAPSHOT}, array(data), {"const": 200}, schemas))
    return {"anyOf": kinds}
