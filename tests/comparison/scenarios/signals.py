"""Observers of Django signals."""

# mypy: disable-error-code="no-redef"
# An observer and its hooks share one name: upstream's way to write them.
from __future__ import annotations

from typing import Any

from django.dispatch import Signal

from tests.comparison.library import AsyncAPIConsumer, action, observer
from tests.comparison.scenario import scenario
from tests.comparison.stage import Stage

entered = Signal()
"""Sent with a room and a name; what happens in rooms."""


@scenario("a signal reaches every subscribed consumer")
async def signal(stage: Stage) -> None:
    joined = Signal()

    class Consumer(AsyncAPIConsumer):
        async def accept(self, *args: Any, **kwargs: Any) -> None:
            await self.on_joined.subscribe()
            await super().accept(*args, **kwargs)

        @observer(joined)
        async def on_joined(self, message: Any, observer: Any = None, **kwargs: Any) -> None:
            await self.send_json({"message": message, "observer": observer is not None})

    first, second = await stage.connect(Consumer), await stage.connect(Consumer)
    await stage.run(lambda: joined.send(sender=object))
    await first.until(observer=True)
    await second.until(observer=True)


@scenario("a signal handler is given its type, group and request ids")
async def signal_keywords(stage: Stage) -> None:
    joined = Signal()

    class Consumer(AsyncAPIConsumer):
        @observer(joined)
        async def on_joined(self, message: Any, **kwargs: Any) -> None:
            group = kwargs.pop("group")
            kwargs.pop("observer")
            kwargs.pop("message_type")
            await self.send_json({"event": message, "keys": kwargs, "group": group.split("-")[0]})

        @action()
        async def listen(self, request_id: Any, **kwargs: Any) -> tuple[Any, int]:
            await self.on_joined.subscribe(request_id=request_id)
            return None, 201

    client = await stage.connect(Consumer)
    await client.call("listen")
    await stage.run(lambda: joined.send(sender=object))
    await client.until(event={})


@scenario("a signal's serializer makes the message")
async def signal_serializer(stage: Stage) -> None:
    joined = Signal()

    class Consumer(AsyncAPIConsumer):
        @observer(joined)
        async def on_joined(
            self, message: Any, subscribing_request_ids: Any = (), **kwargs: Any
        ) -> None:
            for request_id in subscribing_request_ids:
                await self.reply(action="joined", data=message, request_id=request_id)

        @on_joined.serializer
        def on_joined(self, signal: Any, name: str, **kwargs: Any) -> Any:
            return {"name": name, "sender": kwargs["sender"].__name__}

        @action()
        async def listen(self, request_id: Any, **kwargs: Any) -> tuple[Any, int]:
            await self.on_joined.subscribe(request_id=request_id)
            return None, 201

    client = await stage.connect(Consumer)
    await client.call("listen")
    await stage.run(lambda: joined.send_robust(sender=Consumer, name="Ada"))
    await client.until(action="joined")


class Rooms(AsyncAPIConsumer):
    """Hears who joins one room."""

    @observer(entered)
    async def in_room(self, message: Any, subscribing_request_ids: Any = (), **kwargs: Any) -> None:
        for request_id in subscribing_request_ids:
            await self.send_json({"joined": message, "request_id": request_id})

    @in_room.groups_for_signal
    def in_room(self, room: str, **kwargs: Any) -> Any:
        yield f"room-{room}"

    @in_room.groups_for_consumer
    def in_room(self, room: str, **kwargs: Any) -> Any:
        yield f"room-{room}"

    @in_room.serializer
    def in_room(self, signal: Any, name: str, **kwargs: Any) -> Any:
        return name

    @action()
    async def listen(self, room: str, request_id: Any, **kwargs: Any) -> tuple[Any, int]:
        await self.in_room.subscribe(room=room, request_id=request_id)
        return None, 201

    @action()
    async def ignore(self, room: str, request_id: Any, **kwargs: Any) -> tuple[Any, int]:
        await self.in_room.unsubscribe(room=room, request_id=request_id)
        return None, 204


def join(room: str, name: str) -> Any:
    """What a server does when somebody joins."""
    return lambda: entered.send(sender=Rooms, room=room, name=name)


@scenario("a signal reaches the subscribers of its group alone")
async def signal_groups(stage: Stage) -> None:
    client = await stage.connect(Rooms)
    await client.call("listen", room="red")
    await stage.run(join("blue", "unseen"))
    await stage.run(join("red", "seen"))
    await client.until(joined="seen")


@scenario("one consumer hears several groups under their own request ids")
async def signal_two_groups(stage: Stage) -> None:
    client = await stage.connect(Rooms)
    await client.call("listen", room="red", request_id="r")
    await client.call("listen", room="blue", request_id="b")
    await stage.run(join("blue", "Ada"))
    await client.until(joined="Ada")
    await stage.run(join("red", "Bob"))
    await client.until(joined="Bob")


@scenario("an unsubscribed signal is silent")
async def signal_unsubscribed(stage: Stage) -> None:
    client = await stage.connect(Rooms)
    await client.call("listen", room="red", request_id=1)
    await client.call("listen", room="red", request_id=2)
    await client.call("ignore", room="red", request_id=1)
    await stage.run(join("red", "Ada"))
    await client.until(joined="Ada")


@scenario("a signal observer listens to its sender alone where it names one")
async def signal_sender(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def accept(self, *args: Any, **kwargs: Any) -> None:
            await self.on_joined.subscribe()
            await super().accept(*args, **kwargs)

        @observer(entered, sender=Rooms)
        async def on_joined(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"message": message})

        @on_joined.serializer
        def on_joined(self, signal: Any, name: str, **kwargs: Any) -> Any:
            return {"name": name}

    client = await stage.connect(Consumer)
    await stage.run(lambda: entered.send(sender=Stage, room="", name="another sender"))
    await stage.run(join("", "the sender"))
    await client.until(message={"name": "the sender"})


@scenario("groups_for_signal is given the message that the serializer made")
async def signal_message_groups(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def accept(self, *args: Any, **kwargs: Any) -> None:
            await self.on_joined.subscribe(name="Ada")
            await super().accept(*args, **kwargs)

        @observer(entered)
        async def on_joined(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"message": message})

        @on_joined.groups_for_signal
        def on_joined(self, message: Any, **kwargs: Any) -> Any:
            yield message["body"]["name"]

        @on_joined.groups_for_consumer
        def on_joined(self, name: str, **kwargs: Any) -> Any:
            yield name

        @on_joined.serializer
        def on_joined(self, signal: Any, name: str, **kwargs: Any) -> Any:
            return {"name": name}

    client = await stage.connect(Consumer)
    await stage.run(join("", "Bob"))
    await stage.run(join("", "Ada"))
    await client.until(message={"name": "Ada"})


@scenario("groups serves signal and consumer at once")
async def signal_shared_groups(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def accept(self, *args: Any, **kwargs: Any) -> None:
            await self.on_joined.subscribe(room="red")
            await super().accept(*args, **kwargs)

        @observer(entered)
        async def on_joined(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"message": message})

        @on_joined.groups
        def on_joined(self, room: str, **kwargs: Any) -> Any:
            yield f"-room-{room}"

        @on_joined.serializer
        def on_joined(self, signal: Any, name: str, **kwargs: Any) -> Any:
            return name

    client = await stage.connect(Consumer)
    await stage.run(join("blue", "unseen"))
    await stage.run(join("red", "seen"))
    await client.until(message="seen")
