"""Hooks of GenericAsyncAPIConsumer and its mixins that apps override."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from tests.comparison.library import (
    GenericAsyncAPIConsumer,
    action,
)
from tests.comparison.models import Card
from tests.comparison.scenario import scenario
from tests.comparison.scenarios.mixins import Cards, three_cards
from tests.comparison.serializers import (
    CardSerializer,
    TitleSerializer,
)
from tests.comparison.stage import Stage


@scenario("the perform hooks are called with the serializer or the row, and the arguments")
async def hooks(stage: Stage) -> None:
    class Consumer(Cards):
        def perform_create(self, serializer: Any, **kwargs: Any) -> None:
            stage.note(["create", sorted(kwargs), kwargs["colour"]])
            serializer.save(position=11)

        def perform_update(self, serializer: Any, **kwargs: Any) -> None:
            stage.note(["update", sorted(kwargs), kwargs["action"]])
            serializer.save(position=12)

        def perform_patch(self, serializer: Any, **kwargs: Any) -> None:
            stage.note(["patch", sorted(kwargs), kwargs["request_id"]])
            serializer.save(position=13)

        def perform_delete(self, instance: Any, **kwargs: Any) -> None:
            stage.note(["delete", sorted(kwargs), instance.pk])
            super().perform_delete(instance, **kwargs)

    client = await stage.connect(Consumer)
    await client.call("create", data={"title": "x"}, colour="red")
    await client.call("update", request_id=2, pk=1, data={"title": "y"})
    await client.call("patch", request_id=3, pk=1, data={"title": "z"})
    await client.call("delete", request_id=4, pk=1)


@scenario("a perform hook may refuse")
async def refusing_hook(stage: Stage) -> None:
    class Consumer(Cards):
        def perform_delete(self, instance: Any, **kwargs: Any) -> None:
            raise PermissionDenied("Cards stay.")

    await three_cards()
    client = await stage.connect(Consumer)
    await client.call("delete", pk=1)
    stage.note(await Card.objects.acount())


@scenario("get_queryset is called with the action and its arguments")
async def own_queryset(stage: Stage) -> None:
    class Consumer(Cards):
        def get_queryset(self, **kwargs: Any) -> QuerySet[Card]:
            stage.note(sorted(kwargs))
            queryset: QuerySet[Card] = super().get_queryset(**kwargs)
            return queryset.filter(position__gte=kwargs.get("at_least", 0))

    await three_cards()
    client = await stage.connect(Consumer)
    await client.call("list", at_least=1)
    await client.call("retrieve", request_id=2, pk=1, at_least=1)
    await client.call("patch", request_id=3, pk=2, at_least=1, data={"title": "dos"})
    await client.call("delete", request_id=4, pk=1, at_least=2)


@scenario("filter_queryset narrows lists and lookups")
async def own_filter(stage: Stage) -> None:
    class Consumer(Cards):
        def filter_queryset(self, queryset: QuerySet[Card], **kwargs: Any) -> QuerySet[Card]:
            return queryset.exclude(title="two")

    await three_cards()
    client = await stage.connect(Consumer)
    await client.call("list")
    await client.call("retrieve", request_id=2, pk=2)


@scenario("get_serializer_class may choose by action")
async def own_serializer_class(stage: Stage) -> None:
    class Consumer(Cards):
        def get_serializer_class(self, **kwargs: Any) -> Any:
            return TitleSerializer if kwargs["action"] == "list" else CardSerializer

    await three_cards()
    client = await stage.connect(Consumer)
    await client.call("list")
    await client.call("retrieve", request_id=2, pk=1)


@scenario("the serializer's context has the scope and the consumer")
async def serializer_context(stage: Stage) -> None:
    class Telling(serializers.ModelSerializer[Card]):
        where = serializers.SerializerMethodField()

        class Meta:
            model = Card
            fields = ("id", "where")

        def get_where(self, card: Card) -> Any:
            consumer = self.context["consumer"]
            return [self.context["scope"]["path"], type(consumer).__name__, self.context["extra"]]

    class Consumer(Cards):
        serializer_class = Telling

        def get_serializer_context(self, **kwargs: Any) -> dict[str, Any]:
            return {**super().get_serializer_context(**kwargs), "extra": kwargs["action"]}

    await three_cards()
    await (await stage.connect(Consumer)).call("retrieve", pk=1)


@scenario("lookup_field chooses the column and the argument")
async def lookup_field(stage: Stage) -> None:
    class Consumer(Cards):
        lookup_field = "title"

    await three_cards()
    client = await stage.connect(Consumer)
    await client.call("retrieve", title="two")
    await client.call("patch", request_id=2, title="two", data={"position": 9})
    await client.call("delete", request_id=3, title="nobody")


@scenario("lookup_url_kwarg names the argument alone")
async def lookup_url_kwarg(stage: Stage) -> None:
    class Consumer(Cards):
        lookup_field = "title"
        lookup_url_kwarg = "called"

    await three_cards()
    client = await stage.connect(Consumer)
    await client.call("retrieve", called="two")
    await client.call("delete", request_id=2, called="two")


@scenario("get_object and get_serializer serve custom actions")
async def custom_action(stage: Stage) -> None:
    class Consumer(GenericAsyncAPIConsumer):
        queryset = Card.objects.all()
        serializer_class = CardSerializer

        @action()
        def promote(self, pk: int, by: int = 1, **kwargs: Any) -> tuple[Any, int]:
            card = self.get_object(pk=pk)
            card.position += by
            card.save()
            return self.get_serializer(instance=card, action_kwargs={"pk": pk}).data, 200

    await three_cards()
    client = await stage.connect(Consumer)
    await client.call("promote", pk=3, by=5)
    await client.call("promote", request_id=2, pk=8)


@scenario("get_object may be overridden")
async def own_object(stage: Stage) -> None:
    class Consumer(Cards):
        def get_object(self, **kwargs: Any) -> Any:
            return self.get_queryset(**kwargs).order_by("-position")[kwargs["rank"]]

    await three_cards()
    await (await stage.connect(Consumer)).call("retrieve", rank=0)


@scenario("an action may be overridden and still call its mixin")
async def overriding_action(stage: Stage) -> None:
    class Consumer(Cards):
        @action()
        async def list(self, **kwargs: Any) -> tuple[Any, int]:
            data, status = await super().list(**kwargs)
            return {"rows": data}, status

    await three_cards()
    await (await stage.connect(Consumer)).call("list")
