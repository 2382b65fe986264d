"""Native frames on a router's socket: many consumers, each with its own life."""

from __future__ import annotations

from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.test import override_settings
from rest_framework.exceptions import NotAuthenticated

from dcrf_graph.consumers import AsyncAPIConsumer, view_as_consumer
from dcrf_graph.decorators import action
from dcrf_graph.routers import Router
from tests.transports.desk import DeskConsumer, desk_router
from tests.transports.sockets import native, quiet, soon, tasks

pytestmark = pytest.mark.usefixtures("desk", "nothing_left")
database = pytest.mark.django_db(transaction=True)

NONSENSE = "x" * 1_000_000


# -- one socket, many consumers ---------------------------------------------------------------


@database
async def test_a_consumer_connects_when_its_first_frame_comes(desk: type[DeskConsumer]) -> None:
    async with native(desk_router()) as client:
        assert (await client.call("notes", "list"))["data"] == []
        assert desk.asked == []
        await client.call("desk", "add", left=1)
        await client.call("desk", "add", left=2)
        assert desk.asked == ["connect"]
    assert desk.closed_with == [1000]


@database
async def test_a_refused_stream_leaves_the_others_alone_and_is_asked_again(
    desk: type[DeskConsumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "open_to_public", False)
    async with native(desk_router()) as client:
        refused = await client.call("desk", "add", left=1)
        assert (refused["response_status"], refused["action"]) == (403, "add")
        assert (await client.call("notes", "list"))["response_status"] == 200
        monkeypatch.setattr(desk, "open_to_public", True)
        assert (await client.call("desk", "add", left=1))["data"] == 2


class BrokenConsumer(AsyncAPIConsumer):
    error: Exception

    async def connect(self) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotAuthenticated(), 401),
        (DjangoPermissionDenied("Not you."), 403),
        (ValueError("the secret"), 500),
    ],
)
async def test_a_consumer_that_fails_to_connect_fails_alone(
    error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    router = desk_router()
    router.register("broken", type("Broken", (BrokenConsumer,), {"error": error}))
    async with native(router) as client:
        payload = await client.call("broken", "anything")
        assert payload["response_status"] == status
        assert "secret" not in str(payload)
        assert (await client.call("desk", "add", left=1))["data"] == 2
    assert [record.exc_info is not None for record in caplog.records] == [True] * (status == 500)


async def test_frames_that_come_while_a_consumer_connects_keep_their_order(
    desk: type[DeskConsumer],
) -> None:
    desk.connecting.open.clear()
    async with native(desk_router()) as client:
        for number in range(3):
            await client.ask("desk", "note", number, text=str(number))
        await soon(desk.connecting.reached)
        # What comes in the very moment of the connection comes last all the same.
        desk.connecting.open.set()
        for number in range(3, 6):
            await client.ask("desk", "note", number, text=str(number))
        assert [(await client.payload("desk"))["data"] for _ in range(6)] == list("012345")


@database
async def test_closing_in_an_action_ends_its_stream_alone(desk: type[DeskConsumer]) -> None:
    async with native(desk_router()) as client:
        assert (await client.call("desk", "leave"))["response_status"] == 403
        assert (await client.call("notes", "list"))["response_status"] == 200
        # The next frame makes a new consumer.
        assert (await client.call("desk", "add", left=1))["data"] == 2
        assert desk.asked == ["connect", "connect"]
        assert desk.closed_with == [4001]


async def test_calls_of_a_closed_stream_are_told_and_never_run(desk: type[DeskConsumer]) -> None:
    async with native(desk_router()) as client:
        await client.ask("desk", "wait", 1)
        await client.ask("desk", "leave", 2)
        await client.ask("desk", "note", 3, text="never")
        await soon(desk.gate.reached)
        desk.gate.open.set()
        replies = {}
        for _ in range(3):
            payload = await client.payload("desk")
            replies[payload["request_id"]] = payload["response_status"]
        assert replies == {1: 200, 2: 403, 3: 403}
        await quiet()
        assert desk.asked == ["connect"]


async def test_frames_that_connect_sends_reach_the_client(
    desk: type[DeskConsumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "welcome", "hello")
    async with native(desk_router()) as client:
        await client.ask("desk", "add", left=1)
        assert await client.payload("desk") == {"data": "hello"}
        assert (await client.payload("desk"))["data"] == 2


class PoliteConsumer(DeskConsumer):
    def __init__(self, *args: Any, welcome: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.welcome = welcome


async def test_consumers_are_made_with_the_arguments_of_as_asgi() -> None:
    router = Router()
    router.register("desk", PoliteConsumer.as_asgi(welcome="good morning"))
    async with native(router) as client:
        await client.ask("desk", "add", left=1)
        assert await client.payload("desk") == {"data": "good morning"}


def hello(request: Any, name: str = "nobody") -> Any:
    from django.http import HttpResponse

    return HttpResponse(f"hello {name}")


async def test_a_view_is_served_as_a_stream() -> None:
    router = Router()
    router.register("greetings", view_as_consumer(hello))
    async with native(router) as client:
        reply = await client.call("greetings", "retrieve", parameters={"name": "ada"})
        assert (reply["data"], reply["response_status"]) == ("hello ada", 200)


# -- the consumer's own channel -----------------------------------------------------------------


async def test_a_group_of_the_channel_layer_reaches_the_consumers_handler() -> None:
    layer: Any = get_channel_layer()
    async with native(desk_router()) as client:
        await client.call("desk", "enter", room="lobby")
        await layer.group_send("lobby", {"type": "desk.message", "text": "come in"})
        assert await client.payload("desk") == {"data": "come in"}
    assert layer.groups == {}


async def test_nobody_listens_to_a_channel_that_is_not_used() -> None:
    async with native(desk_router()) as client:
        await client.call("desk", "add", left=1)
        await quiet()
        await client.call("desk", "enter", room="lobby")
        assert len(tasks()) == 1


async def test_a_message_for_a_group_runs_in_no_calls_name(desk: type[DeskConsumer]) -> None:
    """The listener outlives the call that entered; its frames answer nobody."""
    layer: Any = get_channel_layer()
    async with native(desk_router()) as client:
        await client.call("desk", "enter", room="lobby")
        await client.call("desk", "enter", room="lobby")
        await layer.group_send("lobby", {"type": "desk.message", "text": "once"})
        assert await client.payload("desk") == {"data": "once"}
        assert (await client.call("desk", "add", left=1))["data"] == 2


async def test_a_handler_that_fails_is_logged_and_the_next_message_is_heard(
    caplog: pytest.LogCaptureFixture,
) -> None:
    layer: Any = get_channel_layer()
    async with native(desk_router()) as client:
        await client.call("desk", "enter", room="lobby")
        await layer.group_send("lobby", {"type": "desk.message"})
        await layer.group_send("lobby", {"type": "desk.message", "text": "again"})
        assert await client.payload("desk") == {"data": "again"}
    assert [record.exc_info is not None for record in caplog.records] == [True]


async def test_a_layer_that_fails_is_logged_and_asked_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer: Any = get_channel_layer()
    receive, failures = layer.receive, [OSError("the layer is away")]

    async def failing_once(channel: str) -> Any:
        if failures:
            raise failures.pop()
        return await receive(channel)

    monkeypatch.setattr(layer, "receive", failing_once)
    monkeypatch.setattr("dcrf_graph.stream.RETRY_DELAY", 0.0)
    async with native(desk_router()) as client:
        await client.call("desk", "enter", room="lobby")
        await layer.group_send("lobby", {"type": "desk.message", "text": "back"})
        assert await client.payload("desk") == {"data": "back"}
    assert [record.exc_info is not None for record in caplog.records] == [True]


class GroupedDeskConsumer(DeskConsumer):
    groups = ["lobby"]


async def test_a_refused_consumer_of_a_group_leaves_nobody_listening(
    desk: type[DeskConsumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "open_to_public", False)
    router = Router()
    router.register("desk", GroupedDeskConsumer)
    async with native(router) as client:
        assert (await client.call("desk", "add", left=1))["response_status"] == 403
        await quiet()


async def test_groups_of_the_class_are_heard_from_the_connection_on() -> None:
    layer: Any = get_channel_layer()
    router = Router()
    router.register("desk", GroupedDeskConsumer)
    async with native(router) as client:
        await client.call("desk", "add", left=1)
        await layer.group_send("lobby", {"type": "desk.message", "text": "come in"})
        assert await client.payload("desk") == {"data": "come in"}
    assert layer.groups == {}


@database
@override_settings(CHANNEL_LAYERS={})
async def test_without_a_channel_layer_only_groups_fail(caplog: pytest.LogCaptureFixture) -> None:
    async with native(desk_router()) as client:
        assert (await client.call("desk", "enter", room="lobby"))["response_status"] == 500
        assert (await client.call("desk", "add", left=1))["data"] == 2
        assert (await client.call("notes", "list"))["data"] == []


# -- whatever a client sends ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        ("no json", 400),
        ("[1, 2]", 400),
        (b"\xff\x00", 400),
        (NONSENSE, 400),
        (NONSENSE + "x", 413),
        ({"stream": "desk", "payload": 7}, 400),
        ({"stream": ["desk"], "payload": {}}, 400),
        ({"stream": "nowhere", "payload": {"action": "add"}}, 404),
        ({"stream": "desk", "payload": {}}, 405),
        ({"stream": "desk", "payload": {"action": ["add"]}}, 405),
        ({"stream": "desk", "payload": {"action": "nothing"}}, 405),
        ({"stream": "desk", "payload": {"action": "add"}}, 400),
        ({"stream": "desk", "payload": {"action": "add", "left": "two"}}, 400),
        ({"stream": "desk", "payload": {"action": "add", "left": 1, "self": 2}}, 400),
        ({"stream": "desk", "payload": {"action": "add", "left": 1, "request_id": {}}}, 400),
        ({"stream": "desk", "payload": {"action": "refuse", "how": "failed"}}, 500),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_every_frame_is_answered_and_the_next_one_works(frame: Any, status: int) -> None:
    async with native(desk_router()) as client:
        await client.send(frame)
        assert (await client.frame())["payload"]["response_status"] == status
        assert (await client.call("desk", "add", left=1))["data"] == 2


@pytest.mark.parametrize(
    ("how", "status", "errors"),
    [
        ("invalid", 400, [{"first_name": ["Too short."]}]),
        ("not authenticated", 401, ["Authentication credentials were not provided."]),
        ("forbidden", 403, ["Not you."]),
        ("forbidden by Django", 403, ["Not you."]),
        ("not found", 404, ["Not found"]),
        ("throttled", 429, ["Request was throttled."]),
        ("failed", 500, ["Internal server error"]),
    ],
)
async def test_refusals_have_their_status(
    how: str, status: int, errors: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with native(desk_router()) as client:
        reply = await client.call("desk", "refuse", how=how)
        assert (reply["response_status"], reply["errors"]) == (status, errors)
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == (
        ["the secret of the desk"] if status == 500 else []
    )


# -- bounds -----------------------------------------------------------------------------------


@override_settings(DCRF_GRAPH={"MAX_CONCURRENT_CALLS": 2, "MAX_PENDING_CALLS": 4})
async def test_calls_in_flight_are_bounded(desk: type[DeskConsumer]) -> None:
    async with native(desk_router()) as client:
        for number in range(5):
            await client.ask("desk", "look", number)
        refused = await client.payload("desk")
        assert (refused["request_id"], refused["response_status"]) == (4, 429)
        desk.gate.open.set()
        answered = [await client.payload("desk") for _ in range(4)]
        assert sorted(each["request_id"] for each in answered) == [0, 1, 2, 3]
        await quiet()
        assert (await client.call("desk", "look", 5))["data"] == "looked"


@override_settings(DCRF_GRAPH={"MAX_PENDING_CALLS": 4})
async def test_frames_for_a_consumer_that_is_connecting_are_bounded(
    desk: type[DeskConsumer],
) -> None:
    desk.connecting.open.clear()
    async with native(desk_router()) as client:
        for number in range(5):
            await client.ask("desk", "add", number, left=number)
        refused = await client.payload("desk")
        assert (refused["request_id"], refused["response_status"]) == (4, 429)
        desk.connecting.open.set()
        assert [(await client.payload("desk"))["data"] for _ in range(4)] == [1, 2, 3, 4]


@override_settings(DCRF_GRAPH={"MAX_PENDING_CALLS": 1})
async def test_who_floods_and_does_not_read_is_not_read_either(desk: type[DeskConsumer]) -> None:
    async with native(desk_router()) as client:
        await client.ask("desk", "wait", 0)
        await soon(desk.gate.reached)
        client.reads.clear()
        before = len(tasks())
        for number in range(100):
            await client.ask("desk", "add", number, left=number)
        await soon(client.stuck)
        assert len(tasks()) == before
        client.reads.set()
        answers = [await client.payload("desk") for _ in range(100)]
        assert {each["response_status"] for each in answers} == {429}


class CrowdedConsumer(AsyncAPIConsumer):
    running = 0
    most = 0

    @action(concurrent=True)
    async def come(self, **kwargs: Any) -> None:
        cls = type(self)
        cls.running += 1
        cls.most = max(cls.most, cls.running)
        await DeskConsumer.gate.pass_through()
        cls.running -= 1


@override_settings(DCRF_GRAPH={"MAX_CONCURRENT_CALLS": 2})
async def test_no_more_calls_run_at_once_than_allowed(desk: type[DeskConsumer]) -> None:
    router = Router()
    router.register("crowd", CrowdedConsumer)
    async with native(router) as client:
        for number in range(5):
            await client.ask("crowd", "come", number)
        await soon(desk.gate.reached)
        desk.gate.open.set()
        for _ in range(5):
            assert (await client.payload("crowd"))["response_status"] == 204
    assert CrowdedConsumer.most == 2
