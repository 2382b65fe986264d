"""Observers of models: what they send, to whom, and until when."""

# mypy: disable-error-code="no-redef"
# An observer and its hooks share one name: upstream's way to write them.
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rest_framework import permissions as drf

from tests.comparison.library import (
    AsyncAPIConsumer,
    GenericAsyncAPIConsumer,
    ModelObserver,
    action,
    model_observer,
)
from tests.comparison.models import Board, Card, Country, Document
from tests.comparison.scenario import reply, scenario
from tests.comparison.serializers import CardSerializer
from tests.comparison.stage import Stage


async def change_one_card() -> None:
    """Create, update and delete a card."""
    card = await Card.objects.acreate(title="one")
    card.title = "uno"
    await card.asave()
    await card.adelete()


async def listening(stage: Stage, consumer: Any, *request_ids: Any, **arguments: Any) -> Any:
    """A client that has called `listen` under each of the request ids."""
    client = await stage.connect(consumer)
    for request_id in request_ids or (1,):
        await client.call("listen", request_id=request_id, **arguments)
    return client


@scenario("by default a model observer sends the key and the kind of change")
async def default_message(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def accept(self, *args: Any, **kwargs: Any) -> None:
            await self.card_changed.subscribe()
            await super().accept(*args, **kwargs)

        @model_observer(Card)
        async def card_changed(
            self, message: Any, action: str, message_type: str, observer: Any = None, **kwargs: Any
        ) -> None:
            frame = {"body": message, "action": action, "type": message_type}
            await self.send_json({**frame, "observer": observer is not None})

    client = await stage.connect(Consumer)
    await change_one_card()
    await client.until(action="delete")


@scenario("a key that is text is sent as it is, a UUID as text")
async def other_keys(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def accept(self, *args: Any, **kwargs: Any) -> None:
            await self.country_changed.subscribe()
            await self.document_changed.subscribe()
            await super().accept(*args, **kwargs)

        @model_observer(Country)
        async def country_changed(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"country": message})

        @model_observer(Document)
        async def document_changed(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"document": message})

    client = await stage.connect(Consumer)
    await Country.objects.acreate(code="no", name="Norway")
    await client.until(country={"pk": "no"})
    key = "6f3f6c1a-7d63-4c0e-9d6f-3d1b7a3b0001"
    await Document.objects.acreate(id=key, title="paper")
    await client.until(document={"pk": key})


class CardEvents(AsyncAPIConsumer):
    """Cards through a serializer class, answered under each request id."""

    @model_observer(Card, serializer_class=CardSerializer)
    async def card_event(
        self, message: Any, action: str, subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        for request_id in sorted(subscribing_request_ids):
            await self.reply(data=message, action=action, request_id=request_id)

    @action()
    async def listen(self, request_id: Any, **kwargs: Any) -> tuple[Any, int]:
        await self.card_event.subscribe(request_id=request_id)
        return None, 201

    @action()
    async def ignore(self, which: Any = None, **kwargs: Any) -> tuple[Any, int]:
        await self.card_event.unsubscribe(request_id=which)
        return None, 204


@scenario("a serializer class makes the message of creates, updates and deletes")
async def serializer_class(stage: Stage) -> None:
    client = await listening(stage, CardEvents)
    await change_one_card()
    await client.until(action="delete")


@scenario("a serializer method makes the message and is told the change")
async def serializer_method(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @model_observer(Card)
        async def card_changed(
            self, message: Any, subscribing_request_ids: Any = (), **kwargs: Any
        ) -> None:
            for request_id in subscribing_request_ids:
                await self.send_json({"request_id": request_id, **message})

        @card_changed.serializer
        def card_changed(self, instance: Card, action: Any, **kwargs: Any) -> Any:
            return {"kind": action.value, "title": instance.title, "deep": {"list": [1, None]}}

        @action()
        async def listen(self, request_id: Any, **kwargs: Any) -> tuple[Any, int]:
            await self.card_changed.subscribe(request_id=request_id)
            return None, 201

    client = await listening(stage, Consumer)
    await change_one_card()
    await client.until(kind="delete")


@scenario("a change reaches all request ids of one subscriber")
async def several_ids(stage: Stage) -> None:
    client = await listening(stage, CardEvents, 1, 2, 3)
    await Card.objects.acreate(title="one")
    await client.until(action="create", request_id=3)


@scenario("subscribing twice under one request id sends once")
async def same_id(stage: Stage) -> None:
    client = await listening(stage, CardEvents, 1, 1)
    await Card.objects.acreate(title="one")
    await Card.objects.acreate(title="two")
    await client.until(action="create", data={"id": 2, "title": "two", "position": 0})


@scenario("a subscriber without a request id is called with none")
async def without_id(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def accept(self, *args: Any, **kwargs: Any) -> None:
            await self.card_changed.subscribe()
            await super().accept(*args, **kwargs)

        @model_observer(Card)
        async def card_changed(
            self, message: Any, subscribing_request_ids: Any = (), **kwargs: Any
        ) -> None:
            await self.send_json({"ids": list(subscribing_request_ids), "message": message})

    client = await stage.connect(Consumer)
    await Card.objects.acreate(title="one")
    await client.until(ids=[])


@scenario("unsubscribing one request id leaves the others")
async def unsubscribe_one(stage: Stage) -> None:
    client = await listening(stage, CardEvents, 1, 2)
    await client.call("ignore", request_id=9, which=1)
    await Card.objects.acreate(title="one")
    await client.until(action="create", request_id=2)


@scenario("unsubscribing without a request id ends all of them")
async def unsubscribe_all(stage: Stage) -> None:
    client = await listening(stage, CardEvents, 1, 2)
    await client.call("ignore", request_id=9)
    await Card.objects.acreate(title="unheard")
    await client.call("listen", request_id=3)
    await Card.objects.acreate(title="heard")
    await client.until(action="create", request_id=3)


@scenario("unsubscribing what was never subscribed does nothing")
async def unsubscribe_unknown(stage: Stage) -> None:
    client = await listening(stage, CardEvents, 1)
    await client.call("ignore", request_id=9, which=7)
    await Card.objects.acreate(title="one")
    await client.until(action="create", request_id=1)


@scenario("every subscribed client hears a change")
async def many_clients(stage: Stage) -> None:
    first = await listening(stage, CardEvents, 1)
    second = await listening(stage, CardEvents, 2)
    await stage.connect(CardEvents)
    await Card.objects.acreate(title="one")
    await first.until(action="create")
    await second.until(action="create")


@scenario("a client that left is not missed")
async def left_client(stage: Stage) -> None:
    first = await listening(stage, CardEvents, 1)
    second = await listening(stage, CardEvents, 2)
    await first.disconnect()
    await Card.objects.acreate(title="one")
    await second.until(action="create")


@scenario("two observers of one consumer hear their own models")
async def two_observers(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def accept(self, *args: Any, **kwargs: Any) -> None:
            await self.card_changed.subscribe()
            await self.board_changed.subscribe()
            await super().accept(*args, **kwargs)

        @model_observer(Card)
        async def card_changed(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"card": message})

        @model_observer(Board)
        async def board_changed(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"board": message})

    client = await stage.connect(Consumer)
    await Board.objects.acreate(name="b")
    await client.until(board={"pk": 1})
    await Card.objects.acreate(title="c")
    await client.until(card={"pk": 1})


@scenario("an observer is inherited by a subclass of its consumer")
async def inherited(stage: Stage) -> None:
    class Consumer(CardEvents):
        @action()
        async def ping(self, **kwargs: Any) -> tuple[Any, int]:
            return "pong", 200

    client = await listening(stage, Consumer)
    await Card.objects.acreate(title="one")
    await client.until(action="create")


@scenario("a subscription may be passed the consumer by hand")
async def by_hand(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def accept(self, *args: Any, **kwargs: Any) -> None:
            await Consumer.card_changed.subscribe(self)
            await super().accept(*args, **kwargs)

        @model_observer(Card)
        async def card_changed(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"card": message})

    client = await stage.connect(Consumer)
    await Card.objects.acreate(title="c")
    await client.until(card={"pk": 1})


@scenario("ModelObserver may be subclassed: its constructor and its call")
async def subclassed(stage: Stage) -> None:
    class Loud(ModelObserver):
        def __init__(
            self, func: Any, model_cls: Any, partition: str = "*", tone: str = "", **kwargs: Any
        ) -> None:
            super().__init__(func, model_cls, partition, **kwargs)
            self.tone = tone

        async def __call__(self, message: Any, consumer: Any = None, **kwargs: Any) -> Any:
            stage.note(sorted(message))
            return await super().__call__(message, consumer, tone=self.tone, **kwargs)

    def loud(model: Any, **kwargs: Any) -> Callable[[Any], Any]:
        return partial(Loud, model_cls=model, **kwargs)

    class Consumer(AsyncAPIConsumer):
        @loud(Card, tone="!!", serializer_class=CardSerializer)
        async def shouting(
            self, message: Any, tone: str, subscribing_request_ids: Any = (), **kwargs: Any
        ) -> None:
            for request_id in subscribing_request_ids:
                await self.reply(action=tone, data=message, request_id=request_id)

        @action()
        async def listen(self, request_id: Any, **kwargs: Any) -> tuple[Any, int]:
            await self.shouting.subscribe(request_id=request_id)
            return None, 201

    client = await listening(stage, Consumer)
    await Card.objects.acreate(title="one")
    await client.until(action="!!")


@scenario("a handler's changes of its message stay its own")
async def own_message(stage: Stage) -> None:
    class Consumer(CardEvents):
        async def reply(self, *args: Any, **kwargs: Any) -> None:
            if isinstance(kwargs.get("data"), dict):
                kwargs["data"]["seen by"] = dict(self.scope)["name"]
            await super().reply(*args, **kwargs)

    clients = [await stage.connect(Consumer, name=name) for name in ("ada", "bob")]
    for client in clients:
        await client.call("listen")
    await Card.objects.acreate(title="one")
    for client in clients:
        await client.until(action="create")


@scenario("a change made by an action reaches its own client after the reply")
async def own_change(stage: Stage) -> None:
    class Consumer(CardEvents):
        @action()
        def make(self, title: str, **kwargs: Any) -> tuple[Any, int]:
            return Card.objects.create(title=title).pk, 201

    client = await listening(stage, Consumer)
    await client.call("make", request_id=2, title="x")
    await client.until(action="create")


@scenario(
    "unsubscribe without a request id leaves a group joined without one",
    differs="D14",
    ours=[
        reply("listen", status=201),
        reply("ignore", status=204, request_id=2),
        reply("listen", status=201, request_id=3),
        {"card": {"pk": 2}},
    ],
)
async def unsubscribe_without(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @model_observer(Card)
        async def card_changed(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"card": message})

        @action()
        async def listen(self, **kwargs: Any) -> tuple[Any, int]:
            await self.card_changed.subscribe()
            return None, 201

        @action()
        async def ignore(self, **kwargs: Any) -> tuple[Any, int]:
            await self.card_changed.unsubscribe()
            return None, 204

    client = await stage.connect(Consumer)
    await client.call("listen")
    await client.call("ignore", request_id=2)
    await Card.objects.acreate(title="unheard")
    await client.call("listen", request_id=3)
    await Card.objects.acreate(title="heard")
    await client.until(card={"pk": 2})


@scenario(
    "a change that nobody hears is not serialized",
    differs="D23",
    ours=[reply("listen", status=201), {"card": {"title": "heard"}}, {"notes": ["heard"]}],
)
async def unheard(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @model_observer(Card)
        async def card_changed(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"card": message})

        @card_changed.serializer
        def card_changed(self, instance: Card, action: Any, **kwargs: Any) -> Any:
            stage.note(instance.title)
            return {"title": instance.title}

        @action()
        async def listen(self, **kwargs: Any) -> tuple[Any, int]:
            await self.card_changed.subscribe()
            return None, 201

    client = await stage.connect(Consumer)
    await Card.objects.acreate(title="unheard")
    await client.call("listen")
    await Card.objects.acreate(title="heard")
    await client.until(card={"title": "heard"})


@scenario(
    "who may not see a row that is deleted hears its key",
    differs="D33",
    ours=[
        reply("listen", status=201),
        reply("create", {"id": 1, "title": "one", "position": 0}),
        reply("delete", {"pk": 1, "id": 1}),
    ],
)
async def deleted_unseen(stage: Stage) -> None:
    allowed = {"yes": True}

    class Visible(drf.BasePermission):
        def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
            return allowed["yes"]

    class Consumer(GenericAsyncAPIConsumer):
        permission_classes = [Visible]
        queryset = Card.objects.all()
        serializer_class = CardSerializer

        @model_observer(Card, serializer_class=CardSerializer)
        async def card_changed(
            self, message: Any, action: str, subscribing_request_ids: Any = (), **kwargs: Any
        ) -> None:
            for request_id in subscribing_request_ids:
                await self.reply(data=message, action=action, request_id=request_id)

        @action()
        async def listen(self, request_id: Any, **kwargs: Any) -> tuple[None, int]:
            await self.card_changed.subscribe(request_id=request_id)
            return None, 201

    client = await listening(stage, Consumer)
    card = await Card.objects.acreate(title="one")
    await client.until(action="create")
    allowed["yes"] = False
    await card.adelete()
    await client.until(action="delete")
