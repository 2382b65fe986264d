"""Whether what consumers follow is told to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage
from django.db.models import QuerySet

from dcrf_graph.changes.capture import has_trigger
from dcrf_graph.changes.managers import BASE, deaf_managers, is_told_by_trigger, observed_managers
from dcrf_graph.checks.found import observed_models, registered_consumers
from dcrf_graph.checks.problems import message, problem
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.problems import Problem
from dcrf_graph.live_lists import LiveListMixin, unaskable


def check_managers() -> list[CheckMessage]:
    """Whether a model that is observed through one manager is written through another."""
    return [
        message(each, model)
        for model in observed_models()
        if (observed := observed_managers(model))
        for each in halfway(model, observed[0])
    ]


def halfway(model: Any, observed: str) -> Iterator[Problem]:
    """The managers of a model that tell nothing, where ``observed`` tells."""
    for name in deaf_managers(model):
        breadcrumb = f"{model._meta.label} > {name}"
        cause = f"it is not observed, and {observed!r} is."
        if name == BASE:
            consequence = "What a related manager adds (board.cards.add(card)) is not heard."
            remedy = f"class Meta: base_manager_name = {observed!r}"
        else:
            consequence = "What it writes by update(), bulk_create(), bulk_update() is not heard."
            remedy = "Derive it from ObservedManager, or its queryset from ObservedQuerySetMixin."
        yield problem("W105", breadcrumb, cause, consequence, remedy)


def check_abstract() -> list[CheckMessage]:
    """Whether an observed model can have rows; Django sends no signal of an abstract one."""
    return [
        message(
            problem(
                "W106",
                model._meta.label,
                "it is abstract.",
                "Nothing is ever told to those who subscribe its observers.",
                "Observe each model that is derived from it.",
            ),
            model,
        )
        for model in observed_models(abstract=True)
    ]


def check_bulk_writes() -> list[CheckMessage]:
    """Which observed models have no observed manager at all; for deployments alone.

    Most models have none and need none: it is told when somebody asks for everything.
    """
    deaf = [
        model._meta.label
        for model in observed_models()
        if not observed_managers(model) and set(deaf_managers(model)) - {BASE}
    ]
    if not deaf:
        return []
    cause = f"no manager of {', '.join(deaf)} is observed."
    consequence = "What update(), bulk_create() and bulk_update() write there is not heard."
    remedy = (
        "Where there are such writes: objects = ObservedQuerySet.as_manager(), or publish() "
        "after them, or on PostgreSQL ObserveWrites(). If there are none, silence this check."
    )
    return [message(problem("I102", "models", cause, consequence, remedy))]


def check_triggers() -> list[CheckMessage]:
    """Whether every table of an observed row has the trigger, where one of them has."""
    return [
        message(
            problem(
                "W107",
                model._meta.label,
                f"it has the trigger ObserveWrites, and its parent {parent._meta.label} has not.",
                "What others write into the parent's table is not heard.",
                f"Give {parent._meta.label} the trigger too: triggers = [ObserveWrites()].",
            ),
            model,
        )
        for model in observed_models()
        if is_told_by_trigger(model)
        for parent in model._meta.get_parent_list()
        if not parent._meta.proxy and not has_trigger(parent)
    ]


def check_lists() -> list[CheckMessage]:
    """Whether the lists that can be followed are of rows that can be asked for one by one."""
    return [
        message(
            problem(
                "W108",
                f"{consumer.__name__} > queryset",
                f"it is {what}: whether a row is in it cannot be asked.",
                "Whoever calls subscribe_list is answered with an error.",
                remedy,
            ),
            consumer,
        )
        for consumer in dict.fromkeys(registered_consumers())
        if issubclass(consumer, LiveListMixin)
        and isinstance(consumer.queryset, QuerySet)
        and consumer.get_queryset is GenericAsyncAPIConsumer.get_queryset
        for what, remedy in unaskable(consumer.queryset)
    ]
