"""Hooks of AsyncAPIConsumer that apps override."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.exceptions import ValidationError

from tests.comparison.library import AsyncAPIConsumer, action
from tests.comparison.scenario import scenario
from tests.comparison.stage import Stage


@scenario("get_action_name may read the action from another key")
async def other_action_key(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def get_action_name(
            self, content: dict[str, Any], **kwargs: Any
        ) -> tuple[str | None, dict[str, Any]]:
            return content.pop("type"), content

        @action()
        async def ping(self, value: int, **kwargs: Any) -> tuple[Any, int]:
            return value, 200

    client = await stage.connect(Consumer, fence={"type": "fence", "request_id": "fence"})
    await client.send(type="ping", request_id=1, value=3)
    await client.send(action="ping", request_id=2)


@scenario("get_action_name may refuse a frame")
async def refusing_action_name(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def get_action_name(
            self, content: dict[str, Any], **kwargs: Any
        ) -> tuple[str | None, dict[str, Any]]:
            if content.get("version") != 2:
                raise ValidationError({"version": ["Only 2."]})
            return content.pop("action"), content

    client = await stage.connect(
        Consumer, fence={"action": "fence", "request_id": "fence", "version": 2}
    )
    await client.send(action="ping", request_id=1)


@scenario("handle_exception may answer in its own words")
async def own_exceptions(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def handle_exception(
            self, exc: Exception, action: str | None, request_id: Any
        ) -> None:
            if isinstance(exc, LookupError):
                await self.reply(action=action, errors=["lost"], status=410, request_id=request_id)
            else:
                await super().handle_exception(exc, action=action, request_id=request_id)

        @action()
        async def find(self, **kwargs: Any) -> None:
            raise LookupError("nowhere")

        @action()
        def find_slowly(self, **kwargs: Any) -> None:
            raise LookupError("nowhere")

    client = await stage.connect(Consumer)
    await client.call("find")
    await client.call("find_slowly", request_id=2)
    await client.call("missing", request_id=3)


@scenario("reply may be overridden to change every frame")
async def own_reply(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def send_json(self, content: Any, close: bool = False) -> None:
            await super().send_json({**content, "version": 2}, close=close)

        @action()
        async def ping(self, **kwargs: Any) -> tuple[Any, int]:
            return "pong", 200

    client = await stage.connect(Consumer)
    await client.call("ping")
    await client.call("missing", request_id=2)


@scenario("handle_action may be wrapped")
async def wrapped_handle_action(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def handle_action(self, action: str, request_id: Any, **kwargs: Any) -> None:
            stage.note([action, request_id, kwargs])
            await super().handle_action(action, request_id=request_id, **{**kwargs, "extra": 1})

        @action()
        async def tell(self, extra: int, **kwargs: Any) -> tuple[Any, int]:
            return extra, 200

    client = await stage.connect(Consumer)
    await client.call("tell", word="x")


@scenario("receive_json may be wrapped")
async def wrapped_receive_json(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def receive_json(self, content: Any, **kwargs: Any) -> None:
            content.setdefault("colour", "blue")
            await super().receive_json(content, **kwargs)

        @action()
        async def tell(self, colour: str, **kwargs: Any) -> tuple[Any, int]:
            return colour, 200

    client = await stage.connect(Consumer)
    await client.call("tell")
    await client.call("tell", request_id=2, colour="red")


@scenario("encode_json and decode_json may be overridden")
async def own_json(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @classmethod
        async def decode_json(cls, text_data: str) -> Any:
            return json.loads(text_data.removeprefix("v2:"))

        @classmethod
        async def encode_json(cls, content: Any) -> str:
            return json.dumps({**content, "version": 2})

        @action()
        async def ping(self, **kwargs: Any) -> tuple[Any, int]:
            return "pong", 200

    client = await stage.connect(Consumer)
    await client.send(text='v2:{"action": "ping", "request_id": 1}')
    await client.until(request_id=1)
