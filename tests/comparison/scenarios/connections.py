"""Connecting, disconnecting, groups, and frames that are not calls."""

from __future__ import annotations

from typing import Any

from channels.layers import get_channel_layer

from tests.comparison.library import AsyncAPIConsumer, action
from tests.comparison.scenario import scenario
from tests.comparison.stage import Stage


class Chat(AsyncAPIConsumer):
    """Joins rooms and passes on what is sent to them."""

    @action()
    async def join(self, room: str, **kwargs: Any) -> tuple[Any, int]:
        await self.add_group(room)
        return sorted(self.groups), 200

    @action()
    async def leave(self, room: str, **kwargs: Any) -> tuple[Any, int]:
        await self.remove_group(room)
        return sorted(self.groups), 200

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send_json({"said": event["text"]})


async def say(room: str, text: str) -> None:
    """Send to a room as a server does."""
    layer = get_channel_layer()
    assert layer is not None
    await layer.group_send(room, {"type": "chat.message", "text": text})


@scenario("accept may be overridden to subscribe and greet")
async def own_accept(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def accept(self, *args: Any, **kwargs: Any) -> None:
            await self.add_group("everybody")
            await super().accept(*args, **kwargs)
            await self.send_json({"welcome": sorted(self.groups)})

    client = await stage.connect(Consumer)
    await client.until(welcome=["everybody"])


@scenario("connect may choose a subprotocol")
async def subprotocol(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def connect(self) -> None:
            await self.accept(subprotocol=list(self.scope["subprotocols"])[-1])

    await stage.connect(Consumer, subprotocols=["v1", "v2"])


@scenario("connect may close the socket with a code")
async def refusing_connect(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def connect(self) -> None:
            await self.close(code=4001)

    await stage.connect(Consumer)


@scenario("an action may close the socket with a code")
async def closing_action(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def leave(self, action: str, request_id: Any, **kwargs: Any) -> None:
            await self.reply(action=action, data="bye", request_id=request_id)
            await self.close(code=4321)

    client = await stage.connect(Consumer)
    await client.send(action="leave", request_id=1)
    await client.until(nothing="but the close")


@scenario("disconnect is called with the client's close code")
async def disconnecting(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def disconnect(self, code: int) -> None:
            stage.note(["left", code])

        @action()
        async def ping(self, **kwargs: Any) -> tuple[Any, int]:
            return "pong", 200

    client = await stage.connect(Consumer)
    await client.call("ping")
    await client.disconnect()


@scenario("websocket_connect may be wrapped")
async def wrapped_connect(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def websocket_connect(self, message: Any) -> None:
            stage.note(message["type"])
            await super().websocket_connect(message)
            await self.send_json({"ready": True})

    await (await stage.connect(Consumer)).until(ready=True)


@scenario("the URL's keyword arguments are in the consumer's scope")
async def url_kwargs(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def where(self, **kwargs: Any) -> tuple[Any, int]:
            return self.scope["url_route"]["kwargs"], 200

    client = await stage.connect(Consumer, url_route={"args": [], "kwargs": {"board": 3}})
    await client.call("where")


@scenario("a group's messages reach the consumer that joined it")
async def group_message(stage: Stage) -> None:
    client = await stage.connect(Chat)
    await client.call("join", room="lobby")
    await say("lobby", "hello")
    await client.until(said="hello")


@scenario("joining twice delivers once")
async def joined_twice(stage: Stage) -> None:
    client = await stage.connect(Chat)
    await client.call("join", room="lobby")
    await client.call("join", room="lobby", request_id=2)
    await say("lobby", "one")
    await say("lobby", "two")
    await client.until(said="two")


@scenario("a group that was left is silent")
async def left_group(stage: Stage) -> None:
    client = await stage.connect(Chat)
    await client.call("join", room="lobby")
    await client.call("join", room="kitchen", request_id=2)
    await client.call("leave", room="lobby", request_id=3)
    await say("lobby", "unheard")
    await say("kitchen", "heard")
    await client.until(said="heard")


@scenario("leaving a group that was never joined does nothing")
async def never_joined(stage: Stage) -> None:
    await (await stage.connect(Chat)).call("leave", room="attic")


@scenario("only members of a group hear it")
async def members_only(stage: Stage) -> None:
    first, second = await stage.connect(Chat), await stage.connect(Chat)
    await first.call("join", room="lobby")
    await second.call("join", room="kitchen")
    await say("lobby", "to the first")
    await say("kitchen", "to the second")
    await first.until(said="to the first")
    await second.until(said="to the second")


@scenario("groups declared on the class are joined on connecting")
async def declared_groups(stage: Stage) -> None:
    class Consumer(Chat):
        groups = ["news"]

    client = await stage.connect(Consumer)
    await say("news", "extra")
    await client.until(said="extra")


@scenario("consumers do not share the groups they join")
async def own_groups(stage: Stage) -> None:
    first, second = await stage.connect(Chat), await stage.connect(Chat)
    await first.call("join", room="a")
    await second.call("join", room="b")
