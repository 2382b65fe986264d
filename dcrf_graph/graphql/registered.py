"""
A registered consumer, as the schema sees it: its names, serializers and words.

Reads classes only. The consumer is made without a connection to ask which
serializer an action has, and nothing of it is run.
"""

from __future__ import annotations

from typing import Any

from dcrf_graph.configured import (
    CONFIGURED,
    configured,
    is_configured_anew,
    said_without_a_client,
)
from dcrf_graph.consumers import DjangoViewAsConsumer
from dcrf_graph.docstrings import summary
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql import naming
from dcrf_graph.graphql.annotations import Annotated
from dcrf_graph.graphql.operations import Registered
from dcrf_graph.graphql.types import Direction, Types

DESCRIPTIONS = {
    "list": "Every {singular} that the caller may see.",
    "retrieve": "One {singular} by its key.",
    "create": "Create one {singular}.",
    "update": "Replace one {singular}: everything that is required must be given.",
    "patch": "Change what is given of one {singular}; what is left out stays.",
    "delete": "Delete one {singular}; gives its key back.",
    "subscribe_instance": "Changes of one {singular}, and its deletion.",
    "subscribe_list": "Every {singular} that the caller may see, and each change of the list.",
    "pages": "Every {singular} that the caller may see, page by page.",
}
"""What the library's own actions do; an action of a project says it in its docstring."""

STANDARD = ("list", "retrieve", "create", "update", "patch", "delete")
READING_METHODS = ("GET", "HEAD", "OPTIONS")


class RegisteredConsumer:
    """What is known of one registered consumer."""

    def __init__(self, registration: Registered, types: Types) -> None:
        self.plural = registration.prefix
        self.singular = registration.singular
        self.consumer: Any = registration.consumer
        self.types = types
        self.generic = issubclass(self.consumer, GenericAsyncAPIConsumer)
        self.is_view = issubclass(self.consumer, DjangoViewAsConsumer)
        if self.generic:
            self.report_what_wants_a_client()

    def report_what_wants_a_client(self) -> None:
        for name in CONFIGURED:
            error = None
            if is_configured_anew(self.consumer, name):
                error = said_without_a_client(self.consumer, name)[1]
            if error is not None:
                self.types.problems.report(
                    "I003",
                    self.breadcrumb(name),
                    f"this property cannot be read without a client: {error!r}.",
                    "The schema is derived as if the consumer did not have it.",
                    "Let it do without a client, or declare an attribute that fits all, and let "
                    "the method that reads it choose.",
                )

    def method(self, action: str) -> Any:
        return getattr(self.consumer, self.consumer.available_actions[action])

    def option(self, action: str, name: str) -> Any:
        """What ``@action(...)`` was told; None where nothing."""
        return getattr(getattr(self.method(action), "options", None), name, None)

    @property
    def lookup_key(self) -> str:
        """The native argument that names one object."""
        if not self.generic:
            return "pk"
        return str(configured(self.consumer, "lookup_url_kwarg") or self.lookup_field)

    @property
    def lookup_field(self) -> str:
        """The model field that finds one object."""
        return str(configured(self.consumer, "lookup_field"))

    @property
    def model(self) -> Any:
        return getattr(configured(self.consumer, "queryset"), "model", None)

    def serializer(self, action: str) -> Any:
        """The serializer class of an action; None when it is only known per request."""
        if not self.generic:
            return None
        declared = configured(self.consumer, "serializer_class")
        if self.consumer.get_serializer_class is GenericAsyncAPIConsumer.get_serializer_class:
            return declared
        try:
            return self.consumer().get_serializer_class(action=action)
        except Exception:
            # It asks for a client, whom there is none of: the declared one is what is left.
            self.types.problems.report(
                "I002",
                self.breadcrumb("get_serializer_class()"),
                f"it cannot be asked without a client (action {action!r}).",
                "The schema has the declared serializer_class."
                if declared is not None
                else "The schema has JSON.",
                "Let it depend on the action only, or declare a serializer_class that fits all.",
            )
            return declared

    def serializer_type(self, action: str, direction: Direction = "output") -> str:
        """The type of what the serializer of an action writes or reads."""
        serializer = self.serializer(action)
        if serializer is None:
            if self.generic:
                self.types.problems.report(
                    "W009",
                    self.breadcrumb(),
                    "nothing says its serializer.",
                    "What it reads and writes is JSON.",
                    "Give it a serializer_class.",
                )
            return "JSON"
        return self.types.named(serializer, direction, self.consumer.__name__, model=self.model)

    def annotated(self, action: str, direction: Direction, enum_name: str = "") -> Annotated:
        """Reads annotations for an action."""
        name = enum_name or naming.pascal(self.singular) + naming.pascal(action)
        return Annotated(self.types, direction, name, self.breadcrumb(action))

    def breadcrumb(self, *names: str) -> str:
        """Where something stands: ``CardConsumer > move > column``."""
        view = getattr(self.consumer, "view", None) if self.is_view else None
        shown = self.consumer if view is None else getattr(view, "cls", view)
        return " > ".join((getattr(shown, "__name__", self.plural), *names))

    def description(self, action: str, described: str) -> str:
        """The first paragraph of the method's docstring, or what the library's actions do."""
        method = self.method(action)
        if method.__module__.startswith("dcrf_graph."):
            return DESCRIPTIONS.get(described, "").format(singular=self.singular.replace("_", " "))
        return summary(method.__doc__)


def in_order(action: str) -> tuple[int, str]:
    """Sorts the standard actions first, as DRF lists them; the others by name."""
    return (STANDARD.index(action) if action in STANDARD else len(STANDARD), action)


def root_name(action: str, registered: RegisteredConsumer) -> str:
    """``cards``, ``card``, ``cardCreate``, ``cardMove``."""
    if action == "list":
        return naming.camel(registered.plural)
    if action == "retrieve":
        return naming.camel(registered.singular)
    return naming.joined(registered.singular, action)
