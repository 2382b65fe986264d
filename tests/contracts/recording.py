"""
Frames of the running router, recorded: what a native client sent, and what came for it.

The rows and the requests are those of the parity suite, so an action that is added there is
recorded here. Validation is by `jsonschema`, which shares no code with what is validated.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from asgiref.sync import sync_to_async
from jsonschema import Draft202012Validator, FormatChecker

from dcrf_graph.contracts.frames import frames
from dcrf_graph.graphql.operations import Operation
from examples.board import rules
from examples.board.api import router
from examples.board.models import Board, Card, Column, Comment, Message
from tests.parity.cases import cases_of
from tests.parity.clients import ENDING
from tests.parity.sockets import Socket, arrival, open_socket
from tests.parity.world import restore, visitor

DELETIONS = {"boards": (Board, 1), "columns": (Column, 11), "cards": (Card, 101)}
"""What is deleted while somebody follows it, so that the last event is heard too."""


@cache
def contract() -> dict[str, Any]:
    """The JSON Schema of the board's frames, as it would be written now."""
    found: dict[str, Any] = json.loads(frames("board", router.registry.values()))
    return found


@cache
def validator(name: str) -> Draft202012Validator:
    """Validates against one of the contract's definitions."""
    schema = {**contract(), "anyOf": [{"$ref": f"#/$defs/{name}"}]}
    return Draft202012Validator(schema, format_checker=FormatChecker())


def is_valid(name: str, frame: Any) -> bool:
    return bool(validator(name).is_valid(frame))


def problems(name: str, frame: Any) -> list[str]:
    """What is wrong with a frame, in words; empty where nothing is."""
    return [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message[:300]}"
        for error in validator(name).iter_errors(frame)
    ]


@dataclass
class Exchange:
    """A request, its replies, and the events that its subscription brought."""

    stream: str
    request: dict[str, Any]
    replies: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.stream}.{self.request['action']}"

    @property
    def accepted(self) -> bool:
        return all(reply["response_status"] < 400 for reply in self.replies)


class Recorder:
    """A native client that keeps everything."""

    def __init__(self) -> None:
        self.mail: defaultdict[Any, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self.exchanges: list[Exchange] = []
        self.socket: Socket | None = None

    def hear(self, frame: dict[str, Any]) -> None:
        self.mail[frame["payload"]["request_id"]].put_nowait(frame)

    async def payload(self, request_id: Any) -> dict[str, Any]:
        """The next payload under a request_id; its envelope is a frame of the contract."""
        frame = await arrival(self.mail[request_id])
        assert problems("server_frame", frame) == []
        found: dict[str, Any] = frame["payload"]
        return found

    async def ask(self, stream: str, action: str, request_id: Any = None, **keys: Any) -> Exchange:
        """Send a request and keep its first reply."""
        assert self.socket is not None
        request_id = request_id or len(self.exchanges) + 1
        exchange = Exchange(stream, {"action": action, "request_id": request_id, **keys})
        self.exchanges.append(exchange)
        self.socket.send({"stream": stream, "payload": exchange.request})
        exchange.replies.append(await self.payload(request_id))
        return exchange

    async def pages(self, exchange: Exchange) -> None:
        """Read what a streamed list answers after its first page; then there is none to cancel."""
        while exchange.accepted and is_followed(exchange.replies[-1]["data"]):
            exchange.replies.append(await self.payload(exchange.request["request_id"]))

    async def follow(self, exchange: Exchange) -> None:
        """Let a subscription hear of a change and, where its row can be, of a deletion; end it."""
        request = exchange.request
        request_id = request["request_id"]
        await sync_to_async(nudge)()
        exchange.events.append(await self.payload(request_id))
        model, key = DELETIONS.get(exchange.stream, (Board, 0))
        if request.get("pk") == key:
            await sync_to_async(delete)(model, key)
            while exchange.events[-1]["action"] != "delete":
                exchange.events.append(await self.payload(request_id))
            await sync_to_async(restore)()
        keys = {name: value for name, value in request.items() if name not in ("action", "query")}
        ended = await self.ask(exchange.stream, ENDING[request["action"]], **keys)
        while ended.replies[-1]["action"] != ended.request["action"]:
            # What was on its way when the subscription ended.
            exchange.events.append(ended.replies.pop())
            ended.replies.append(await self.payload(request_id))


def nudge() -> None:
    """Give everybody who follows anything something to hear."""
    for model in (Board, Column, Card, Comment):
        for row in model._base_manager.all():
            row.save()
    for message in Message.objects.all():
        rules.message_posted.send(sender=Message, instance=message)


def delete(model: Any, key: int) -> None:
    model._base_manager.get(pk=key).delete()


def is_followed(page: dict[str, Any]) -> bool:
    return bool(page["offset"] + page["limit"] < page["count"])


def operations_of(stream: str) -> Iterator[Operation]:
    return (operation for operation in router.operations if operation.stream == stream)


async def record(stream: str) -> list[Exchange]:
    """Ask a stream everything that the parity suite asks it, as somebody who may, and listen."""
    recorder = Recorder()
    async with open_socket(router.as_asgi(), visitor("author"), (), recorder.hear) as socket:
        recorder.socket = socket
        for operation in operations_of(stream):
            for case in cases_of(operation):
                exchange = await recorder.ask(stream, operation.action, **case.arguments)
                if operation.shape == "pages":
                    await recorder.pages(exchange)
                elif operation.kind == "subscription" and exchange.accepted:
                    await recorder.follow(exchange)
            await sync_to_async(restore)()
        if stream == "activities":
            await cancel(recorder)
    return recorder.exchanges


async def cancel(recorder: Recorder) -> None:
    """Cancel a streamed list; whether it still was under way is decided by who is faster."""
    assert recorder.socket is not None
    listing = await recorder.ask("activities", "list", limit=1)
    await recorder.pages(listing)
    await recorder.ask("activities", "list_cancel", listing.request["request_id"])
