"""What a client or an action does wrong, and the frame after it."""

# mypy: disable-error-code="no-redef"
# An observer and its hooks share one name: upstream's way to write them.
from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.comparison.library import (
    AsyncAPIConsumer,
    action,
    model_observer,
)
from tests.comparison.models import Card
from tests.comparison.scenario import reply, scenario
from tests.comparison.scenarios.model_observers import CardEvents, listening
from tests.comparison.stage import Stage


@scenario(
    "the socket lives after a frame that is not JSON",
    differs="D01",
    ours=[
        reply(
            None,
            status=400,
            errors=["frame: expected JSON, got something else at character 0 (expecting value)"],
            request_id=None,
        ),
        reply("missing", status=405, errors=['Method "missing" not allowed.'], request_id=2),
    ],
)
async def not_json(stage: Stage) -> None:
    client = await stage.connect(AsyncAPIConsumer)
    await client.send(text="not json")
    await client.call("missing", request_id=2)


@scenario(
    "the socket lives after a binary frame",
    differs="D01",
    ours=[
        reply(None, status=400, errors=["frame: expected text, got binary data"], request_id=None),
        reply("missing", status=405, errors=['Method "missing" not allowed.'], request_id=2),
    ],
)
async def binary(stage: Stage) -> None:
    client = await stage.connect(AsyncAPIConsumer)
    await client.send_bytes(b"\xff\x00")
    await client.call("missing", request_id=2)


@scenario(
    "dates, decimals and UUIDs are written as DRF writes them",
    differs="D26",
    ours=[
        reply("values", ["2026-01-02", 1.5, "00000000-0000-0000-0000-000000000001"]),
        reply("missing", status=405, errors=['Method "missing" not allowed.'], request_id=2),
    ],
)
async def rich_values(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def values(self, **kwargs: Any) -> tuple[Any, int]:
            return [date(2026, 1, 2), Decimal("1.50"), UUID(int=1)], 200

    client = await stage.connect(Consumer)
    await client.send(action="values", request_id=1)
    await client.call("missing", request_id=2)


@scenario(
    "the socket lives after a frame that is no object",
    differs="D01",
    ours=[
        reply(None, status=400, errors=["frame: expected an object, got a list"], request_id=None),
        reply("missing", status=405, errors=['Method "missing" not allowed.'], request_id=2),
    ],
)
async def not_an_object(stage: Stage) -> None:
    client = await stage.connect(AsyncAPIConsumer)
    await client.send(["a", "list"])
    await client.call("missing", request_id=2)


@scenario(
    "the socket lives after an action raised something unexpected",
    differs="D02",
    ours=[
        reply("fail", status=500, errors=["Internal server error"]),
        reply("missing", status=405, errors=['Method "missing" not allowed.'], request_id=2),
    ],
)
async def unexpected(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def fail(self, **kwargs: Any) -> None:
            raise RuntimeError("a secret of the server")

    client = await stage.connect(Consumer)
    await client.send(action="fail", request_id=1)
    await client.call("missing", request_id=2)


@scenario(
    "a missing argument is refused by its name",
    differs="D03",
    ours=[
        reply("move", status=400, errors=[{"column": ["This field is required."]}]),
        reply("move", 3, request_id=2),
    ],
)
async def missing_argument(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def move(self, column: int, **kwargs: Any) -> tuple[Any, int]:
            return column, 200

    client = await stage.connect(Consumer)
    await client.send(action="move", request_id=1)
    await client.call("move", request_id=2, column=3)


@scenario(
    "an argument the action does not take is refused by its name",
    differs="D03",
    ours=[
        reply("ping", status=400, errors=[{"colour": ["This argument is not expected."]}]),
        reply("ping", "pong", request_id=2),
    ],
)
async def surplus_argument(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def ping(self, request_id: Any, action: str) -> tuple[Any, int]:
            return "pong", 200

    client = await stage.connect(Consumer)
    await client.send(action="ping", request_id=1, colour="red")
    await client.call("ping", request_id=2)


@scenario(
    "an argument of a wrong type is refused by its name",
    differs="D03",
    ours=[
        reply("move", status=400, errors=[{"column": ["A valid integer is required."]}]),
        reply("move", 4, request_id=2),
    ],
)
async def wrong_type(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def move(self, column: int, **kwargs: Any) -> tuple[Any, int]:
            return column + 1, 200

    client = await stage.connect(Consumer)
    await client.send(action="move", request_id=1, column="left")
    await client.call("move", request_id=2, column=3)


@scenario(
    "an action that answers nothing is acknowledged with 204",
    differs="D04",
    ours=[reply("quiet", status=204), reply("quiet_too", status=204, request_id=2)],
)
async def no_answer(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def quiet(self, **kwargs: Any) -> None:
            """Return nothing."""

        @action()
        def quiet_too(self, **kwargs: Any) -> None:
            """Return nothing."""

    client = await stage.connect(Consumer)
    await client.send(action="quiet", request_id=1)
    await client.send(action="quiet_too", request_id=2)


@scenario(
    "a client's keys cannot reach what the library passes itself",
    differs="D05",
    ours=[
        reply(None, status=400, errors=[{"scope": ["This argument is reserved."]}]),
        reply(
            None, status=400, errors=[{"consumer": ["This argument is reserved."]}], request_id=2
        ),
        reply(None, status=400, errors=[{"self": ["This argument is reserved."]}], request_id=3),
    ],
)
async def reserved_keys(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def who(self, **kwargs: Any) -> tuple[Any, int]:
            return sorted(kwargs), 200

    client = await stage.connect(Consumer)
    for number, key in enumerate(("scope", "consumer", "self"), start=1):
        await client.send({"action": "who", "request_id": number, key: "mine"})


@scenario(
    "the socket lives after a handler raised",
    differs="D02",
    ours=[
        reply("listen", status=201),
        reply("create", status=500, errors=["Internal server error"]),
        reply("create", {"id": 2, "title": "good", "position": 0}),
    ],
)
async def raising_handler(stage: Stage) -> None:
    class Consumer(CardEvents):
        async def reply(self, *args: Any, **kwargs: Any) -> None:
            data = kwargs.get("data")
            if isinstance(data, dict) and data["title"] == "bad":
                raise RuntimeError("a secret of the server")
            await super().reply(*args, **kwargs)

    client = await listening(stage, Consumer)
    await Card.objects.acreate(title="bad")
    await Card.objects.acreate(title="good")
    await client.until(data={"id": 2, "title": "good", "position": 0})


@scenario(
    "a message that cannot be made does not disturb the save",
    differs="D27",
    ours=[
        {
            "errors": ["Events were lost. Fetch again what you show."],
            "data": {"reason": "lost", "missed": None},
            "action": "gap",
            "response_status": 410,
            "request_id": None,
        },
        {"card": {"tenth": 10}},
    ],
)
async def raising_serializer(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def accept(self, *args: Any, **kwargs: Any) -> None:
            await self.card_made.subscribe()
            await super().accept(*args, **kwargs)

        @model_observer(Card)
        async def card_made(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"card": message})

        @card_made.serializer
        def card_made(self, instance: Card, action: Any, **kwargs: Any) -> Any:
            return {"tenth": 10 // instance.position}

    client = await stage.connect(Consumer)
    try:
        await Card.objects.acreate(title="bad", position=0)
    except ZeroDivisionError:
        stage.note("the save failed")
    await Card.objects.acreate(title="good", position=1)
    await client.until(card={"tenth": 10})
