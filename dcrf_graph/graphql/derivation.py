"""
From consumers to operations: which actions there are, and what they answer.

The standard actions of a generic consumer are typed by its serializer, all
others by their annotations and by what ``@action(...)`` was told. An action
that subscribes something is a subscription when it is certain what, and
nothing otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dcrf_graph.arguments import EMPTY, annotations_of
from dcrf_graph.configured import configured
from dcrf_graph.graphql import naming
from dcrf_graph.graphql.annotations import is_serializer, streamed, without_status
from dcrf_graph.graphql.events import event_type, list_event_type
from dcrf_graph.graphql.inputs import arguments_for
from dcrf_graph.graphql.lists import Pages, page_type, pages_of
from dcrf_graph.graphql.operations import (
    Kind,
    Operation,
    Registered,
    Shape,
    duplicates,
)
from dcrf_graph.graphql.problems import refuse
from dcrf_graph.graphql.registered import (
    STANDARD,
    RegisteredConsumer,
    in_order,
    root_name,
)
from dcrf_graph.graphql.types import Types
from dcrf_graph.graphql.views import view_operations
from dcrf_graph.live_lists import is_live_list
from dcrf_graph.mixins import StreamedPaginatedListMixin
from dcrf_graph.observer.base_observer import BaseObserver
from dcrf_graph.observer.links import observed_by, returns_nothing, subscribed_in
from dcrf_graph.observer.model_observer import ModelObserver

NAME_REMEDY = 'Name it: @action(graphql_name="otherName").'


def derive_operations(registrations: Iterable[Registered], types: Types) -> tuple[Operation, ...]:
    """Every operation of every registered consumer, in a stable order.

    Raises:
        DerivationError: where two want one name, or a name is not legal.
    """
    operations: list[Operation] = []
    for registration in registrations:
        registered = RegisteredConsumer(registration, types)
        read = view_operations if registered.is_view else consumer_operations
        operations.extend(read(registered))
    for first, second in duplicates(operations):
        raise refuse(
            "E001",
            place(second),
            f"{place(first)} and {place(second)} both become the {first.kind} {first.name!r}.",
            "Register one of them with another prefix or singular=, or give an action another "
            "graphql_name.",
        )
    return tuple(operations)


def place(operation: Operation) -> str:
    return f"{operation.consumer.__name__} ({operation.stream!r}) > {operation.action}"


def consumer_operations(registered: RegisteredConsumer) -> Iterator[Operation]:
    """The operations of a consumer's actions."""
    for action in sorted(registered.consumer.available_actions, key=in_order):
        if registered.option(action, "graphql") is False:
            continue
        observer = observer_of(registered, action)
        if is_live_list(registered.consumer, action):
            yield live_operation(registered, action)
        elif observer is not None:
            yield subscription(registered, action, observer)
        elif action == "list" and issubclass(registered.consumer, StreamedPaginatedListMixin):
            yield pages_operation(registered, action)
        elif registered.option(action, "streams"):
            yield replies_operation(registered, action)
        elif not is_left_out(registered, action):
            yield call_operation(registered, action)
        elif not action.startswith("unsubscribe"):
            report_unclear(registered, action)
    report_unheard(registered)


def is_left_out(registered: RegisteredConsumer, action: str) -> bool:
    """Whether an action is about a subscription: which one is not clear, or it ends one."""
    if registered.option(action, "kind") is not None:
        return False
    if action.startswith(("subscribe_", "unsubscribe")) or action == "subscribe":
        return True
    return bool(subscribed_in(registered.consumer, registered.method(action), frozenset()))


def report_unclear(registered: RegisteredConsumer, action: str) -> None:
    """A subscribing action without a field, because its observer is not certain."""
    found = subscribed_in(registered.consumer, registered.method(action), frozenset())
    if len(found) > 1:
        cause = "it subscribes several observers."
    elif found:
        cause = "it subscribes an observer, and returns something else too."
    else:
        cause = "nothing in its code says which observer it subscribes."
    registered.types.problems.report(
        "W006",
        registered.breadcrumb(action),
        cause,
        "GraphQL has no field for it.",
        'Say which: @action(subscribes="name_of_the_observer"); or leave it out: '
        "@action(graphql=False).",
    )


def report_unheard(registered: RegisteredConsumer) -> None:
    """Observers of the consumer that no action subscribes, clearly or not."""
    heard: set[BaseObserver] = set()
    for action in registered.consumer.available_actions:
        method = registered.method(action)
        heard |= subscribed_in(registered.consumer, method, frozenset())
        found = observer_of(registered, action)
        if found is not None:
            heard.add(found)
    attributes: dict[str, Any] = {}
    for base in reversed(registered.consumer.__mro__):
        attributes |= vars(base)
    for name, observer in sorted(attributes.items()):
        if isinstance(observer, BaseObserver) and observer not in heard:
            registered.types.problems.report(
                "W007",
                registered.breadcrumb(name),
                "no action subscribes this observer.",
                "GraphQL clients cannot hear it.",
                f'Add an action that does: @action(subscribes="{name}") async def '
                f"subscribe_{name}(self, request_id, **kwargs): "
                f"await self.{name}.subscribe(request_id=request_id).",
            )


def observer_of(registered: RegisteredConsumer, action: str) -> BaseObserver | None:
    """What an action subscribes, where that is certain."""
    instance = getattr(registered.consumer, "handle_instance_change", None)
    if action == "subscribe_instance" and isinstance(instance, ModelObserver):
        return instance
    try:
        return observed_by(registered.consumer, action)
    except LookupError as error:
        place = registered.breadcrumb(action)
        remedy = "Name an attribute of the consumer that is an observer, or the observer itself."
        raise refuse("E004", place, str(error.args[0]), remedy) from error


# -- one operation -------------------------------------------------------------------------------


def operation(
    registered: RegisteredConsumer,
    action: str,
    kind: Kind,
    name: str,
    answer: tuple[str, Shape, str],
    described: str | None = None,
) -> Operation:
    """One action as an operation; ``answer`` is result, shape and data of it."""
    result, shape, data = answer
    given = registered.option(action, "graphql_name")
    name = naming.checked(given or name, registered.breadcrumb(action), NAME_REMEDY)
    arguments = arguments_for(registered, action, name)
    return Operation(
        stream=registered.plural,
        action=action,
        kind=kind,
        name=name,
        arguments=arguments,
        result=result,
        shape=shape,
        data=data,
        description=registered.description(action, described or action),
        deprecated=registered.option(action, "deprecated"),
        lookup=next((a.name for a in arguments if a.key == registered.lookup_key), None),
        consumer=registered.consumer,
    )


def call_operation(registered: RegisteredConsumer, action: str) -> Operation:
    """A query or mutation."""
    kind: Kind | None = registered.option(action, "kind")
    if kind is None:
        kind = "query" if action in ("list", "retrieve") else "mutation"
    name = root_name(action, registered)
    return operation(registered, action, kind, name, answer_of(registered, action))


def answer_of(registered: RegisteredConsumer, action: str) -> tuple[str, Shape, str]:
    """The type of what an action answers, its shape, and the type inside."""
    output = registered.option(action, "output")
    if registered.generic and action == "list":
        item = item_type(registered, action, output)
        pages = pages_of(registered.consumer)
        if pages is not None:
            page = reported_page(registered, action, pages, item)
            if pages.connection:
                return page, "connection", item
            return page, "json" if page == "JSON" else "page", item
        return f"[{item}]" if item == "JSON" else f"[{item}!]", "list", item
    if registered.generic and action in STANDARD and output is None:
        if action == "delete":
            return "ID", "key", "ID"
        data = registered.serializer_type(action)
        return data, "json" if data == "JSON" else "object", data
    annotation = returned(registered.method(action)) if output is None else output
    if annotation is EMPTY and not returns_nothing(registered.method(action)):
        report_unknown_answer(registered, action, "-> list[str]")
    text = registered.annotated(action, "output").type_of(annotation).removesuffix("!")
    data = text.strip("[]!")
    if data == "JSON":
        return text, "json", data
    return text, "list" if text.startswith("[") else "object", data


def reported_page(registered: RegisteredConsumer, action: str, pages: Pages, item: str) -> str:
    """The type of a page; a paginator of unknown shape is a problem."""
    page = page_type(registered.types, pages, item)
    if page == "JSON":
        paginator = configured(registered.consumer, "pagination_class")
        registered.types.problems.report(
            "W012",
            registered.breadcrumb(action),
            f"{paginator.__name__} is no paginator of a known kind.",
            "Its pages are JSON.",
            "Derive it from one of DRF's or of this library's paginators.",
        )
    return page


def item_type(registered: RegisteredConsumer, action: str, output: Any) -> str:
    """The type of one item of a list."""
    if output is None:
        return registered.serializer_type(action)
    return registered.annotated(action, "output").type_of(output).strip("[]!")


def returned(method: Any) -> Any:
    """The return annotation of a method, where it says more than None."""
    annotation = without_status(annotations_of(method).get("return", EMPTY))
    return EMPTY if annotation in (None, type(None)) else annotation


def subscription(registered: RegisteredConsumer, action: str, observer: BaseObserver) -> Operation:
    """A subscription to what an observer says."""
    name = naming.subscription(action, registered.singular, registered.plural)
    data = observed_type(registered, action, observer)
    if not isinstance(observer, ModelObserver):
        return operation(registered, action, "subscription", name, (data, "signal", data))
    event = f"{event_type(registered.types, data)}!"
    return operation(registered, action, "subscription", name, (event, "event", data))


def observed_type(registered: RegisteredConsumer, action: str, observer: BaseObserver) -> str:
    """The type of an event's data: as declared, else by the observer's serializer."""
    output = registered.option(action, "output")
    if output is not None:
        return registered.annotated(action, "output").type_of(output).removesuffix("!")
    if action == "subscribe_instance":
        return registered.serializer_type("retrieve")
    serializer = getattr(observer, "serializer_class", None)
    if is_serializer(serializer):
        place, model = registered.breadcrumb(action), getattr(observer, "model_cls", None)
        return registered.types.named(serializer, "output", place, model=model)
    registered.types.problems.report(
        "W008",
        registered.breadcrumb(action),
        f"the observer {observer.func.__name__!r} has no serializer class.",
        "The data of its events is JSON.",
        "Give it one, @model_observer(Model, serializer_class=...), or say what its handler sends: "
        "@action(subscribes=..., output=...).",
    )
    return "JSON"


def live_operation(registered: RegisteredConsumer, action: str) -> Operation:
    """A list that is followed: as it is, then each change of it."""
    name = naming.joined(registered.plural, "live")
    item = item_type(registered, "list", registered.option("list", "output"))
    update = f"{list_event_type(registered.types, item)}!"
    return operation(registered, action, "subscription", name, (update, "live", item))


def replies_operation(registered: RegisteredConsumer, action: str) -> Operation:
    """An action that streams: each of its replies is an event."""
    annotation = registered.option(action, "output")
    if annotation is None:
        annotation = streamed(returned(registered.method(action)))
    if annotation is EMPTY:
        report_unknown_answer(registered, action, "AsyncIterator[...]")
    text = registered.annotated(action, "output").type_of(annotation)
    data = text.strip("[]!")
    name = root_name(action, registered)
    return operation(registered, action, "subscription", name, (text, "replies", data))


def report_unknown_answer(registered: RegisteredConsumer, action: str, example: str) -> None:
    registered.types.problems.report(
        "W005",
        registered.breadcrumb(action),
        "nothing says what it answers.",
        "In GraphQL it answers JSON.",
        f"Annotate what it returns ({example}), or say it: @action(output=Serializer).",
    )


def pages_operation(registered: RegisteredConsumer, action: str) -> Operation:
    """A streamed list: one page per event."""
    name = naming.joined(registered.plural, "pages")
    item = item_type(registered, action, registered.option(action, "output"))
    pages = pages_of(registered.consumer)
    page = "JSON" if pages is None else reported_page(registered, action, pages, item)
    return operation(
        registered, action, "subscription", name, (f"{page}!", "pages", item), described="pages"
    )
