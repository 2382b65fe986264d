"""The base of every consumer: frames in, one reply per call out, whatever happens."""

from __future__ import annotations

import asyncio
import datetime
import json
import logging
import uuid
from decimal import Decimal
from typing import Any

import pytest
from channels.exceptions import DenyConnection
from channels.layers import get_channel_layer
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404
from django.test import override_settings
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import NotFound, Throttled, ValidationError
from rest_framework.throttling import ScopedRateThrottle, SimpleRateThrottle

from dcrf_graph.calls import current_call
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from tests.native.client import Client, Closed, connected, may_connect, scope_of, soon

KEY = uuid.UUID("12345678-1234-5678-1234-567812345678")


class Plain(AsyncAPIConsumer):
    @action()
    async def echo(self, **kwargs: Any) -> tuple[dict[str, Any], int]:
        return {name: kwargs[name] for name in kwargs if name not in ("action", "request_id")}, 200

    @action()
    async def nothing(self, **kwargs: Any) -> None: ...

    @action()
    async def value(self, **kwargs: Any) -> dict[str, int]:
        return {"a": 1}

    @action()
    async def replies(self, request_id: Any, action: str, **kwargs: Any) -> None:
        await self.reply(action=action, data="mine", request_id=request_id)

    @action()
    async def sends(self, request_id: Any, **kwargs: Any) -> None:
        await self.send_json({"request_id": request_id, "own": "shape"})

    @action()
    async def tells_another(self, **kwargs: Any) -> None:
        await self.send_json({"request_id": "another", "news": True})

    @action()
    async def types(self, **kwargs: Any) -> tuple[list[Any], int]:
        return [
            Decimal("1.50"),
            KEY,
            datetime.date(2026, 1, 31),
            datetime.timedelta(hours=1),
            gettext_lazy("Yes"),
            {1},
        ], 200

    @action()
    async def not_json(self, **kwargs: Any) -> tuple[Any, int]:
        return object, 200

    @action()
    async def fails(self, kind: str, **kwargs: Any) -> None:
        raise FAILURES[kind]


FAILURES: dict[str, Exception] = {
    "unexpected": RuntimeError("a secret"),
    "http404": Http404("no such thing"),
    "not found": NotFound(),
    "django": DjangoPermissionDenied("Not you."),
    "django silent": DjangoPermissionDenied(),
    "validation": ValidationError({"title": ["Too long."]}),
    "validations": ValidationError(["Too long.", "Too dull."]),
    "throttled": Throttled(wait=7),
    "keyerror": KeyError("action"),
}


# -- replies --------------------------------------------------------------------


async def test_a_reply_has_the_shape_that_clients_know() -> None:
    async with connected(Plain) as client:
        assert await client.call("echo", request_id="a", text="é") == {
            "errors": [],
            "data": {"text": "é"},
            "action": "echo",
            "response_status": 200,
            "request_id": "a",
        }


async def test_an_action_that_says_nothing_is_acknowledged_once() -> None:
    async with connected(Plain) as client:
        frame = await client.call("nothing")
        assert (frame["response_status"], frame["data"], frame["errors"]) == (204, None, [])
        assert await client.silent()


async def test_what_is_returned_without_a_status_is_answered_with_200() -> None:
    async with connected(Plain) as client:
        frame = await client.call("value")
        assert (frame["response_status"], frame["data"]) == (200, {"a": 1})


@pytest.mark.parametrize("name", ["replies", "sends"])
async def test_an_action_that_has_answered_itself_is_not_answered_again(name: str) -> None:
    async with connected(Plain) as client:
        await client.call(name)
        assert await client.silent()


async def test_a_frame_to_another_request_is_no_answer() -> None:
    async with connected(Plain) as client:
        await client.send("tells_another", request_id=1)
        news, answer = await client.frames(2)
    assert (news["request_id"], answer["request_id"]) == ("another", 1)
    assert answer["response_status"] == 204


async def test_a_call_without_a_request_id_is_answered_too() -> None:
    async with connected(Plain) as client:
        for name in ("echo", "nothing", "replies"):
            await client.send(name)
            assert (await client.frame())["request_id"] is None
        assert await client.silent()


async def test_replies_are_encoded_as_drf_does() -> None:
    async with connected(Plain) as client:
        frame = await client.call("types")
    assert frame["data"] == [1.5, str(KEY), "2026-01-31", "3600.0", "Yes", [1]]


async def test_what_cannot_be_encoded_is_a_fault_of_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected(Plain) as client:
        frame = await client.call("not_json")
        assert (frame["response_status"], frame["data"]) == (500, None)
        assert (await client.call("echo"))["response_status"] == 200
    assert "not_json" in caplog.text


# -- refusals ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "errors"),
    [
        ("http404", 404, ["Not found"]),
        ("not found", 404, ["Not found."]),
        ("django", 403, ["Not you."]),
        ("django silent", 403, ["You do not have permission to perform this action."]),
        ("validation", 400, [{"title": ["Too long."]}]),
        ("validations", 400, ["Too long.", "Too dull."]),
        ("throttled", 429, ["Request was throttled. Expected available in 7 seconds."]),
    ],
)
async def test_a_known_exception_is_a_reply_with_its_status(
    kind: str, status: int, errors: list[Any]
) -> None:
    async with connected(Plain) as client:
        frame = await client.call("fails", request_id=7, kind=kind)
    assert frame == {
        "errors": errors,
        "data": None,
        "action": "fails",
        "response_status": status,
        "request_id": 7,
    }


@pytest.mark.parametrize("kind", ["unexpected", "keyerror"])
async def test_an_unexpected_exception_is_answered_without_details_and_logged_with_them(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(Plain) as client:
        frame = await client.call("fails", request_id=7, kind=kind)
        assert (frame["response_status"], frame["errors"]) == (500, ["Internal server error"])
        assert frame["request_id"] == 7
        assert (await client.call("echo", request_id=8))["response_status"] == 200
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert record.exc_info[1] is FAILURES[kind]


@pytest.mark.parametrize(
    "text",
    ["", "not json", "[]", '"text"', "7", "null", '{"a": NaN}', "[" * 100_000, '{"a": 1e999}'],
)
async def test_a_frame_that_is_no_json_object_is_answered_and_the_socket_lives(text: str) -> None:
    async with connected(Plain) as client:
        await client.send_text(text)
        frame = await client.frame()
        assert (frame["response_status"], frame["action"], frame["data"]) == (400, None, None)
        assert frame["errors"]
        assert (await client.call("echo"))["response_status"] == 200


async def test_a_binary_frame_is_answered_and_the_socket_lives() -> None:
    async with connected(Plain) as client:
        await client.send_bytes(b'{"action": "echo"}')
        assert (await client.frame())["response_status"] == 400
        assert (await client.call("echo"))["response_status"] == 200


async def test_a_megabyte_of_nonsense_is_answered_and_the_socket_lives() -> None:
    async with connected(Plain) as client:
        await client.send_text("x" * 1_000_001)
        assert (await client.frame())["response_status"] == 413
        assert (await client.call("echo"))["response_status"] == 200


async def test_a_frame_without_an_action_is_told_so() -> None:
    async with connected(Plain) as client:
        await client.send(request_id=7)
        frame = await client.frame()
    assert (frame["response_status"], frame["request_id"], frame["action"]) == (405, 7, None)
    assert frame["errors"] == ["Unable to find action in message body."]


@pytest.mark.parametrize("named", ["no_such_action", "_turns", "send_json", "reply", ""])
async def test_what_is_no_action_cannot_be_called(named: str) -> None:
    async with connected(Plain) as client:
        frame = await client.call(named, request_id=7)
    assert frame["response_status"] == 405
    assert frame["errors"] == [f'Method "{named}" not allowed.']


@pytest.mark.parametrize("named", [["echo"], {"a": 1}, 7, None])
async def test_an_action_that_is_no_text_is_refused(named: Any) -> None:
    async with connected(Plain) as client:
        await client.send_text(json.dumps({"action": named, "request_id": 7}))
        frame = await client.frame()
        assert (frame["response_status"], frame["request_id"]) == (405, 7)
        assert (await client.call("echo"))["response_status"] == 200


@pytest.mark.parametrize("request_id", [["a"], {"a": 1}])
async def test_a_request_id_must_be_something_to_compare(request_id: Any) -> None:
    async with connected(Plain) as client:
        await client.send("echo", request_id=request_id)
        frame = await client.frame()
    assert (frame["response_status"], frame["request_id"]) == (400, None)
    assert list(frame["errors"][0]) == ["request_id"]


# -- hooks ------------------------------------------------------------------------


async def test_an_app_may_name_actions_its_own_way() -> None:
    class Prefixed(Plain):
        async def get_action_name(
            self, content: dict[str, Any], **kwargs: Any
        ) -> tuple[Any, dict[str, Any]]:
            return content.pop("type"), content

    async with connected(Prefixed) as client:
        await client.send(type="echo", request_id=7, a=1)
        assert (await client.frame())["data"] == {"a": 1}
        await client.send(request_id=7)
        assert (await client.frame())["response_status"] == 405


async def test_an_app_may_answer_exceptions_its_own_way() -> None:
    class Polite(Plain):
        async def handle_exception(
            self, exc: Exception, action: str | None, request_id: Any
        ) -> None:
            await self.reply(action, errors=["Sorry."], status=400, request_id=request_id)

    async with connected(Polite) as client:
        assert (await client.call("fails", kind="unexpected"))["errors"] == ["Sorry."]
        assert (await client.call("no_such"))["errors"] == ["Sorry."]


@pytest.mark.parametrize("name", ["receive_json", "handle_action", "handle_exception", "reply"])
async def test_an_override_that_fails_is_answered_and_the_socket_lives(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(self: Any, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a bug in an override")

    broken_class: Any = type("Broken", (Plain,), {name: broken})
    async with connected(broken_class) as client:
        for request_id in (7, 8):
            frame = await client.call("fails", request_id=request_id, kind="unexpected")
            assert frame["response_status"] == 500
    assert "a bug in an override" in caplog.text


async def test_an_app_may_decode_frames_its_own_way() -> None:
    class Shouting(Plain):
        @classmethod
        async def decode_json(cls, text_data: str) -> Any:
            return json.loads(text_data.lower())

    async with connected(Shouting) as client:
        await client.send_text('{"ACTION": "ECHO", "REQUEST_ID": 1, "A": 2}')
        assert (await client.frame())["data"] == {"a": 2}
        for broken in ("not json", "[]"):
            await client.send_text(broken)
            assert (await client.frame())["response_status"] == 400
        assert await client.silent()


@pytest.mark.parametrize(("letters", "status"), [(10, 413), (5, 200)])
async def test_the_size_of_a_frame_is_counted_in_bytes_with_an_own_decoder_too(
    letters: int, status: int
) -> None:
    class Decodes(Plain):
        @classmethod
        async def decode_json(cls, text_data: str) -> Any:
            return {"action": "echo", "request_id": 1}

    with override_settings(DCRF_GRAPH={"MAX_FRAME_SIZE": 10}):
        async with connected(Decodes) as client:
            await client.send_text("\u00e9" * letters)
            assert (await client.frame())["response_status"] == status


async def test_an_app_may_receive_binary_frames() -> None:
    class Binary(Plain):
        async def receive(
            self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any
        ) -> None:
            await self.receive_json(json.loads(bytes_data or b"{}"))

    async with connected(Binary) as client:
        await client.send_bytes(b'{"action": "echo", "request_id": 1}')
        assert (await client.frame())["response_status"] == 200


async def test_receive_json_may_look_at_every_frame_and_change_it() -> None:
    class Defaults(Plain):
        async def receive_json(self, content: dict[str, Any], **kwargs: Any) -> None:
            content.setdefault("action", "echo")
            await super().receive_json(content, **kwargs)

    async with connected(Defaults) as client:
        await client.send(request_id=1, a=1)
        assert (await client.frame())["data"] == {"a": 1}


async def test_handle_action_may_be_called_by_an_action() -> None:
    class Delegates(Plain):
        @action()
        async def twice(self, request_id: Any, **kwargs: Any) -> tuple[str, int]:
            await self.handle_action("echo", request_id="inner", a=1)
            return "outer", 200

    async with connected(Delegates) as client:
        await client.send("twice", request_id="outer")
        inner, outer = await client.frames(2)
    assert (inner["request_id"], inner["data"]) == ("inner", {"a": 1})
    assert (outer["request_id"], outer["data"]) == ("outer", "outer")


# -- connecting and leaving ----------------------------------------------------------


async def test_a_consumer_may_connect_its_own_way() -> None:
    class Subprotocol(Plain):
        async def connect(self) -> None:
            await self.accept("chat")

    client = Client(Subprotocol(), scope_of())
    assert await client.connect()
    assert client.subprotocol == "chat"
    await client.disconnect()


async def test_a_consumer_may_refuse_to_connect() -> None:
    class Closes(Plain):
        async def connect(self) -> None:
            await self.close()

    class Denies(Plain):
        async def connect(self) -> None:
            raise DenyConnection

    assert not await may_connect(Closes)
    assert not await may_connect(Denies)


async def test_what_is_sent_while_connecting_arrives() -> None:
    class Greets(Plain):
        async def websocket_connect(self, message: Any) -> None:
            await super().websocket_connect(message)
            await self.send_json({"hello": self.scope["user"].username})

    async with connected(Greets) as client:
        assert await client.frame() == {"hello": ""}


async def test_an_action_may_close_the_socket() -> None:
    class Leaves(Plain):
        @action()
        async def leave(self, **kwargs: Any) -> None:
            await self.close(4000)

    async with connected(Leaves) as client:
        await client.send("leave")
        with pytest.raises(Closed, match="4000"):
            await client.frame()


async def test_nothing_follows_a_close(caplog: pytest.LogCaptureFixture) -> None:
    """Servers raise when they are told to send on a socket that has been closed."""

    class Leaves(Plain):
        @action()
        async def leave(self, **kwargs: Any) -> tuple[str, int]:
            await self.close()
            return "too late", 200

    sent: list[str] = []

    async def strict(message: dict[str, Any]) -> None:
        if "websocket.close" in sent:
            raise RuntimeError("Unexpected ASGI message, after sending 'websocket.close'")
        sent.append(message["type"])

    client = Client(Leaves(), scope_of())
    await client.connect()
    client.send_to_client = strict
    await client.send("leave")
    await client.rest()
    await client.disconnect()
    assert sent == ["websocket.close"]
    assert not caplog.records


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("closed already")])
async def test_a_client_that_is_gone_is_no_fault(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """ASGI: ``send`` raises an ``OSError`` when the client has disconnected; uvicorn also another.

    That is so before the application reads that it has.
    """
    client = Client(Ordered(), scope_of())
    await client.connect()

    async def gone(message: dict[str, Any]) -> None:
        raise error

    client.send_to_client = gone
    await client.send("write", gate="a")
    await soon(client.consumer.gates["a"].reached)
    client.consumer.open("a")
    assert await client.silent()
    await client.disconnect()
    assert not caplog.records


async def test_a_call_that_ends_while_its_client_leaves_is_no_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Servers raise when they are told to send after they have said that the client left."""
    answered = asyncio.Event()

    class Lingers(Ordered):
        async def disconnect(self, code: int) -> None:
            self.open("a")
            await answered.wait()

        async def reply(self, *args: Any, **kwargs: Any) -> None:
            await super().reply(*args, **kwargs)
            answered.set()

    async def strict(message: dict[str, Any]) -> None:
        raise RuntimeError("Unexpected ASGI message, after 'websocket.disconnect'")

    client = Client(Lingers(), scope_of())
    await client.connect()
    client.send_to_client = strict
    await client.send("write", gate="a")
    await soon(client.consumer.gates["a"].reached)
    await client.disconnect()
    assert answered.is_set()
    assert not caplog.records


async def test_a_message_to_the_own_channel_is_handled_as_in_channels() -> None:
    class Listens(Plain):
        async def connect(self) -> None:
            await self.add_group("everybody")
            await self.accept()

        async def say(self, message: Any) -> None:
            await self.send_json({"said": message["text"]})

        @action()
        async def leave(self, **kwargs: Any) -> None:
            await self.remove_group("everybody")

    layer = get_channel_layer()
    assert layer is not None
    async with connected(Listens) as client:
        assert client.consumer.groups == {"everybody"}
        await layer.group_send("everybody", {"type": "say", "text": "hi"})
        assert await client.frame() == {"said": "hi"}
        await layer.send(client.consumer.channel_name, {"type": "say", "text": "you"})
        assert await client.frame() == {"said": "you"}
        await client.call("leave")
        assert client.consumer.groups == set()


async def test_groups_that_a_consumer_has_put_in_itself_stay() -> None:
    class Joins(Plain):
        async def connect(self) -> None:
            self.groups.add("by hand")
            await self.accept()

    async with connected(Joins) as first, connected(Plain) as second:
        assert first.consumer.groups == {"by hand"}
        second.consumer.groups.add("later")
        assert second.consumer.groups == {"later"}
        second.consumer.groups.clear()
        first.consumer.groups.clear()


async def test_declared_groups_are_not_shared_between_connections() -> None:
    class Joins(Plain):
        groups = ["everybody"]

        @action()
        async def join(self, **kwargs: Any) -> None:
            await self.add_group("more")

    async with connected(Joins) as first, connected(Joins) as second:
        await first.call("join")
        assert first.consumer.groups == {"everybody", "more"}
        assert second.consumer.groups == {"everybody"}
    assert Joins.groups == ["everybody"]


@override_settings(CHANNEL_LAYERS={})
async def test_without_a_channel_layer_calls_work_and_groups_say_what_is_missing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Joins(Plain):
        @action()
        async def join(self, **kwargs: Any) -> None:
            await self.add_group("more")

    async with connected(Joins) as client:
        assert (await client.call("echo"))["response_status"] == 200
        assert (await client.call("join"))["response_status"] == 500
    assert "set CHANNEL_LAYERS" in caplog.text


# -- the order of calls ---------------------------------------------------------------


class Gate:
    """Where a call waits until the test lets it pass."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def pass_through(self) -> None:
        self.reached.set()
        await self.opened.wait()


class Ordered(AsyncAPIConsumer):
    def __init__(self) -> None:
        super().__init__()
        self.gates = {name: Gate() for name in "abcdef"}
        self.log: list[str] = []
        self.ended = asyncio.Event()

    async def run(self, gate: str) -> tuple[str, int]:
        self.log.append(f"{gate} begins")
        try:
            await self.gates[gate].pass_through()
        except asyncio.CancelledError:
            self.log.append(f"{gate} cancelled")
            raise
        self.log.append(f"{gate} ends")
        return gate, 200

    @action()
    async def write(self, gate: str, **kwargs: Any) -> tuple[str, int]:
        return await self.run(gate)

    @action(concurrent=True)
    async def read(self, gate: str, **kwargs: Any) -> tuple[str, int]:
        return await self.run(gate)

    def open(self, *gates: str) -> None:
        for gate in gates:
            self.gates[gate].opened.set()


async def test_writes_run_one_after_the_other_in_the_order_of_their_frames() -> None:
    async with connected(Ordered) as client:
        for gate in "abc":
            await client.send("write", request_id=gate, gate=gate)
        client.consumer.open("c", "b", "a")
        assert [frame["data"] for frame in await client.frames(3)] == ["a", "b", "c"]
    assert client.consumer.log == [
        "a begins", "a ends", "b begins", "b ends", "c begins", "c ends",
    ]  # fmt: skip


async def test_reads_overlap() -> None:
    async with connected(Ordered) as client:
        for gate in "abc":
            await client.send("read", request_id=gate, gate=gate)
        for gate in "abc":
            await soon(client.consumer.gates[gate].reached)
        client.consumer.open("c")
        assert (await client.frame())["data"] == "c"
        client.consumer.open("a", "b")
        assert {frame["data"] for frame in await client.frames(2)} == {"a", "b"}


async def test_no_read_overtakes_an_earlier_write_and_no_write_an_earlier_read() -> None:
    async with connected(Ordered) as client:
        consumer = client.consumer
        consumer.open("b", "c", "d")
        await client.send("read", request_id=1, gate="a")
        await client.send("write", request_id=2, gate="b")
        await client.send("read", request_id=3, gate="c")
        await client.send("no_such_action", request_id=4)
        await client.send("read", request_id=5, gate="d")
        await soon(consumer.gates["a"].reached)
        consumer.open("a")
        assert [frame["request_id"] for frame in await client.frames(5)] == [1, 2, 3, 4, 5]
        assert consumer.log == [
            "a begins", "a ends", "b begins", "b ends", "c begins", "c ends", "d begins", "d ends",
        ]  # fmt: skip


async def test_a_consumer_that_names_actions_itself_runs_them_one_by_one() -> None:
    """Which action a frame asks for is not known before its own code has run."""

    class Renames(Ordered):
        async def get_action_name(
            self, content: dict[str, Any], **kwargs: Any
        ) -> tuple[Any, dict[str, Any]]:
            content.pop("action")
            return "write", content

    async with connected(Renames) as client:
        client.consumer.open("a", "b")
        await client.send("read", request_id=1, gate="a")
        await client.send("read", request_id=2, gate="b")
        await client.frames(2)
    assert client.consumer.log == ["a begins", "a ends", "b begins", "b ends"]


@override_settings(DCRF_GRAPH={"MAX_CONCURRENT_CALLS": 2})
async def test_no_more_calls_run_at_once_than_the_setting_says() -> None:
    async with connected(Ordered) as client:
        consumer = client.consumer
        for gate in "abc":
            await client.send("read", request_id=gate, gate=gate)
        await soon(consumer.gates["a"].reached)
        await soon(consumer.gates["b"].reached)
        consumer.open("a")
        assert (await client.frame())["data"] == "a"
        await soon(consumer.gates["c"].reached)
        assert consumer.log.index("a ends") < consumer.log.index("c begins")
        consumer.open("b", "c")
        await client.frames(2)


@override_settings(DCRF_GRAPH={"MAX_PENDING_CALLS": 2})
async def test_more_calls_than_may_wait_are_refused_and_the_others_answered() -> None:
    async with connected(Ordered) as client:
        for gate in "abc":
            await client.send("write", request_id=gate, gate=gate)
        frame = await client.frame()
        assert (frame["request_id"], frame["response_status"]) == ("c", 429)
        assert frame["action"] == "write"
        client.consumer.open("a", "b", "d")
        assert [frame["request_id"] for frame in await client.frames(2)] == ["a", "b"]
        assert await client.silent()
        assert (await client.call("write", gate="d"))["response_status"] == 200


async def test_a_call_that_fails_lets_the_next_one_run() -> None:
    async with connected(Plain) as client:
        await client.send("fails", request_id=1, kind="validation")
        await client.send("echo", request_id=2)
        assert [frame["response_status"] for frame in await client.frames(2)] == [400, 200]


async def test_closing_the_socket_cancels_what_runs_and_what_waits() -> None:
    async with connected(Ordered) as client:
        await client.send("write", request_id=1, gate="a")
        await client.send("write", request_id=2, gate="b")
        await soon(client.consumer.gates["a"].reached)
    assert client.consumer.log == ["a begins", "a cancelled"]
    assert not client.consumer.connection.tasks


async def test_a_socket_that_the_server_drops_leaves_no_task_either() -> None:
    """A server may cancel the application instead of telling it that the client has gone."""

    class Detaches(Ordered):
        @action(detached=True)
        async def aside(self, gate: str, **kwargs: Any) -> tuple[str, int]:
            return await self.run(gate)

    client = Client(Detaches(), scope_of())
    await client.connect()
    await client.send("aside", request_id=1, gate="a")
    await client.send("write", request_id=2, gate="b")
    await soon(client.consumer.gates["a"].reached)
    await soon(client.consumer.gates["b"].reached)
    client.served.cancel()
    await asyncio.wait([client.served])
    assert client.consumer.log[2:] in (
        ["a cancelled", "b cancelled"],
        ["b cancelled", "a cancelled"],
    )
    assert not client.consumer.connection.tasks


async def test_calls_that_overlap_have_each_their_own_state() -> None:
    class Looks(Ordered):
        @action(concurrent=True)
        async def look(self, gate: str, **kwargs: Any) -> tuple[Any, int]:
            await self.run(gate)
            call = current_call.get()
            assert call is not None
            return [call.request_id, call.arguments], 200

    async with connected(Looks) as client:
        for gate in "ab":
            await client.send("look", request_id=gate, gate=gate)
        await soon(client.consumer.gates["b"].reached)
        client.consumer.open("b", "a")
        answers = {frame["request_id"]: frame["data"] for frame in await client.frames(2)}
    assert answers == {"a": ["a", {"gate": "a"}], "b": ["b", {"gate": "b"}]}


# -- throttles --------------------------------------------------------------------------


async def test_a_throttle_that_has_had_enough_says_how_long_to_wait() -> None:
    class Once(SimpleRateThrottle):
        rate = "1/hour"

        def get_cache_key(self, request: Any, view: Any) -> str:
            return f"once-{view.kwargs['who']}"

    class Throttling(Plain):
        throttle_classes = [Once]

    who = uuid.uuid4().hex
    async with connected(Throttling) as client:
        assert (await client.call("echo", who=who))["response_status"] == 200
        frame = await client.call("echo", request_id=7, who=who)
        assert (frame["response_status"], frame["request_id"]) == (429, 7)
        assert "Expected available in 3600 seconds." in frame["errors"][0]
        assert (await client.call("echo", who=uuid.uuid4().hex))["response_status"] == 200


async def test_a_scope_of_throttling_is_the_consumers() -> None:
    class Scoped(ScopedRateThrottle):
        THROTTLE_RATES = {"cards": "1/hour"}

    class Throttling(Plain):
        throttle_classes = [Scoped]
        throttle_scope = "cards"

    client_address = [uuid.uuid4().hex, 1]
    async with connected(Throttling, client=client_address) as client:
        statuses = [(await client.call("echo"))["response_status"] for _ in range(2)]
    assert statuses == [200, 429]


async def test_an_action_that_is_refused_is_not_counted() -> None:
    counted: list[str] = []

    class Counts(SimpleRateThrottle):
        rate = "1/hour"

        def allow_request(self, request: Any, view: Any) -> bool:
            counted.append(view.action)
            return True

    class Throttling(Plain):
        throttle_classes = [Counts]

    async with connected(Throttling) as client:
        await client.call("no_such_action")
        await client.call("echo")
    assert counted == ["echo"]
