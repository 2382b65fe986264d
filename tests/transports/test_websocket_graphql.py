"""GraphQL on a router's socket: operations, their ends, and how it is closed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from ariadne import QueryType, SubscriptionType
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.dispatch import Signal
from django.test import override_settings
from graphql import GraphQLError
from rest_framework.exceptions import PermissionDenied

from dcrf_graph.changes.hub import hub
from dcrf_graph.connection import open_connections
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.observer import observer
from dcrf_graph.protocols.effects import Close, CloseCode
from dcrf_graph.routers import Router
from tests.testapp.models import Note
from tests.transports.desk import DeskConsumer, desk_router
from tests.transports.sockets import GraphQLClient, graphql, quiet, soon, tasks, turns

pytestmark = pytest.mark.usefixtures("desk", "nothing_left")
database = pytest.mark.django_db(transaction=True)

ADD = "{ deskAdd(left: 1) }"
WAIT = "mutation { deskWait }"
ACTIVITY = "subscription { noteActivity { action id data { text } } }"
CHANGED = "subscription ($id: ID!) { noteChanged(id: $id) { action id data { text } } }"
CREATE = 'mutation ($text: String = "new") { noteCreate(data: {text: $text}) { id } }'
bell = Signal()
SOMEBODY = User(pk=1, username="somebody")


async def settled(client: GraphQLClient) -> None:
    """Wait until what was subscribed on the notes is: their calls run in the order of arrival."""
    await client.data("{ notes { id } }")


# -- operations -----------------------------------------------------------------------------------


@database
async def test_queries_mutations_and_subscriptions_share_a_socket() -> None:
    async with graphql(desk_router()) as client:
        await client.start("watch", ACTIVITY)
        await settled(client)
        assert hub.count() == 1
        await client.start("make", CREATE)
        made = {frame["type"] + frame["id"]: frame for frame in await client.frames(3)}
        id = made["nextmake"]["payload"]["data"]["noteCreate"]["id"]
        event = made["nextwatch"]["payload"]["data"]["noteActivity"]
        assert event == {"action": "CREATE", "id": id, "data": {"text": "new"}}
        assert await client.data("{ notes { text } }") == {"notes": [{"text": "new"}]}
        await client.stop("watch")
        await quiet()
        assert hub.count() == 0


@database
async def test_no_task_waits_for_what_a_subscription_may_hear() -> None:
    async with graphql(desk_router()) as client:
        await client.start("watch", ACTIVITY)
        await settled(client)
        await quiet()
        assert hub.count() == 1
        await client.start("make", CREATE)
        assert "nextwatch" in {frame["type"] + frame["id"] for frame in await client.frames(3)}
        await quiet()
        # And it ends as any other: by its client, or with the socket.
        await client.stop("watch")
        await quiet()
        assert hub.count() == 0
        await client.start("watch", ACTIVITY)
        await settled(client)
        await quiet()
    assert hub.count() == 0


@database
async def test_a_client_that_is_cut_off_hears_nothing_before_it_has_gone_either() -> None:
    async with graphql(desk_router()) as client:
        await client.start("watch", ACTIVITY)
        await settled(client)
        await quiet()
        [connection] = [each for each in open_connections if each.subscribed]
        connection.cut(Close(CloseCode.TRY_AGAIN_LATER, "too slow"))
        assert (await client.closing()).code == CloseCode.TRY_AGAIN_LATER
        await quiet()
        assert hub.count() == 0


async def test_operations_overtake_one_that_waits_elsewhere(desk: type[DeskConsumer]) -> None:
    router = desk_router()
    router.register("other", DeskConsumer)
    async with graphql(router) as client:
        await client.start("slow", WAIT)
        await soon(desk.gate.reached)
        assert await client.data("{ otherAdd(left: 1) }") == {"otherAdd": 2}
        desk.gate.open.set()
        assert await client.next("slow") == {"data": {"deskWait": "waited"}}
        await client.complete("slow")


async def test_the_fields_of_a_mutation_run_one_after_the_other(desk: type[DeskConsumer]) -> None:
    query = 'mutation { a: deskNote(text: "1") deskWait b: deskNote(text: "2") }'
    async with graphql(desk_router()) as client:
        await client.start("one", query)
        await soon(desk.gate.reached)
        assert desk.asked == ["connect", "1"]
        desk.gate.open.set()
        assert (await client.next("one"))["data"] == {"a": "1", "deskWait": "waited", "b": "2"}
        await client.complete("one")


async def test_a_finished_operation_frees_its_id(desk: type[DeskConsumer]) -> None:
    async with graphql(desk_router()) as client:
        for _ in range(3):
            await client.start("same", ADD)
            assert await client.next("same") == {"data": {"deskAdd": 2}}
            await client.complete("same")
            await client.start("same", "{ nothing }")
            assert (await client.refused("same"))["extensions"]["code"]


async def test_complete_cancels_the_call_and_frees_the_id(desk: type[DeskConsumer]) -> None:
    async with graphql(desk_router()) as client:
        await client.start("one", WAIT)
        await soon(desk.gate.reached)
        await client.stop("one")
        await soon(desk.gate.cancelled)
        assert await client.data(ADD) == {"deskAdd": 2}
        await quiet()


@database
async def test_complete_unsubscribes() -> None:
    async with graphql(desk_router()) as client:
        await client.start("one", ACTIVITY)
        await settled(client)
        await client.stop("one")
        await quiet()
        assert hub.count() == 0
        await client.data(CREATE)
        assert client.unread() == 0


@database
async def test_an_id_that_is_in_use_again_hears_nothing_of_the_operation_before() -> None:
    async with graphql(desk_router()) as client:
        await client.start("same", ACTIVITY)
        await settled(client)
        await client.send({"id": "same", "type": "complete"})
        await client.start("same", ADD)
        assert await client.next("same") == {"data": {"deskAdd": 2}}
        await client.complete("same")
        await quiet()


@database
async def test_of_two_subscriptions_to_one_row_the_first_to_end_silences_nobody() -> None:
    note = await database_sync_to_async(Note.objects.create)(text="old")
    async with graphql(desk_router()) as client:
        await client.start("first", CHANGED, id=note.pk)
        await client.start("second", CHANGED, id=note.pk)
        await settled(client)
        await client.stop("first")
        note.text = "new"
        await database_sync_to_async(note.save)()
        event = (await client.next("second"))["data"]["noteChanged"]
        assert event == {"action": "UPDATE", "id": str(note.pk), "data": {"text": "new"}}
        await client.pong()
        assert client.unread() == 0


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "user", "code", "status", "message"),
    [
        ("invalid", None, "BAD_USER_INPUT", 400, "firstName: Too short."),
        (
            "not authenticated",
            None,
            "UNAUTHENTICATED",
            401,
            "Authentication credentials were not provided.",
        ),
        ("forbidden", None, "UNAUTHENTICATED", 403, "Not you."),
        ("forbidden", SOMEBODY, "FORBIDDEN", 403, "Not you."),
        ("forbidden by Django", SOMEBODY, "FORBIDDEN", 403, "Not you."),
        ("not found", None, "NOT_FOUND", 404, "Not found"),
        ("throttled", None, "RATE_LIMITED", 429, "Request was throttled."),
        ("failed", None, "INTERNAL_SERVER_ERROR", 500, "Internal server error"),
    ],
)
async def test_refusals_have_their_code(
    how: str, user: Any, code: str, status: int, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    scope = {} if user is None else {"user": user}
    async with graphql(desk_router(), **scope) as client:
        error = await client.error("mutation ($how: String!) { deskRefuse(how: $how) }", how=how)
        fields = {"fields": {"firstName": ["Too short."]}} if how == "invalid" else {}
        assert error["message"] == message
        assert error["extensions"] == {"code": code, "status": status, **fields}
        assert await client.data(ADD) == {"deskAdd": 2}
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == (
        ["the secret of the desk"] if status == 500 else []
    )


@database
async def test_a_refused_stream_refuses_its_operations_alone_and_is_asked_again(
    desk: type[DeskConsumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "open_to_public", False)
    async with graphql(desk_router(), user=SOMEBODY) as client:
        result = await client.result("{ deskAdd(left: 1) notes { id } }")
        assert result["data"] == {"deskAdd": None, "notes": []}
        assert result["errors"][0]["extensions"] == {"code": "FORBIDDEN", "status": 403}
        monkeypatch.setattr(desk, "open_to_public", True)
        assert await client.data(ADD) == {"deskAdd": 2}


async def test_closing_in_an_action_refuses_it_and_ends_its_stream(
    desk: type[DeskConsumer],
) -> None:
    async with graphql(desk_router(), user=SOMEBODY) as client:
        error = await client.error("mutation { deskLeave }")
        assert error["extensions"] == {"code": "FORBIDDEN", "status": 403}
        assert await client.data(ADD) == {"deskAdd": 2}
        assert desk.closed_with == [4001]


async def test_calls_of_a_closed_stream_are_refused_and_never_run(desk: type[DeskConsumer]) -> None:
    async with graphql(desk_router(), user=SOMEBODY) as client:
        await client.start("1", WAIT)
        await client.start("2", "mutation { deskLeave }")
        await client.start("3", 'mutation { deskNote(text: "never") }')
        await soon(desk.gate.reached)
        desk.gate.open.set()
        codes = {}
        for frame in await client.frames(6):
            if frame["type"] == "next":
                errors = frame["payload"].get("errors", [])
                codes[frame["id"]] = [error["extensions"]["code"] for error in errors]
        assert codes == {"1": [], "2": ["FORBIDDEN"], "3": ["FORBIDDEN"]}
        assert desk.asked == ["connect"]


class DoorConsumer(AsyncAPIConsumer):
    """Subscribes to a signal, unless the door is shut; may close with subscribers inside."""

    @observer(bell)
    async def rung(self, message: Any, subscribing_request_ids: Any = (), **kwargs: Any) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action="ring", request_id=request_id)

    @rung.serializer  # type: ignore[no-redef]
    def rung(self, signal: Any, sound: Any = "ding", **kwargs: Any) -> Any:
        return sound

    @action(subscribes="rung")
    async def subscribe_rung(self, request_id: Any, shut: bool = False, **kwargs: Any) -> None:
        if shut:
            raise PermissionDenied("The door is shut.")
        await self.rung.subscribe(request_id=request_id)

    @action()
    async def close_down(self, **kwargs: Any) -> None:
        await self.close()


def door_router(**options: Any) -> Router:
    router = Router(**options)
    router.register("doors", DoorConsumer, singular="door")
    return router


async def test_a_signal_is_heard_by_whoever_has_subscribed() -> None:
    async with graphql(door_router()) as client:
        await client.start("1", "subscription { doorRung }")
        await client.start("2", "subscription { bell: doorRung }")
        await client.data("{ __typename }")
        bell.send(sender=None)
        frames = {frame["id"]: frame["payload"]["data"] for frame in await client.frames(2)}
        assert frames == {"1": {"doorRung": "ding"}, "2": {"bell": "ding"}}


async def test_a_subscription_that_is_refused_has_no_result() -> None:
    async with graphql(door_router(), user=SOMEBODY) as client:
        await client.start("1", "subscription { doorRung(shut: true) }")
        error = await client.refused("1")
        assert error["message"] == "The door is shut."
        assert error["extensions"] == {"code": "FORBIDDEN", "status": 403}
        assert hub.count() == 0
        # Its id is free again.
        await client.start("1", "{ __typename }")
        assert (await client.next("1"))["data"]
        await client.complete("1")


async def test_a_stream_that_is_closed_ends_its_subscriptions() -> None:
    async with graphql(door_router(), user=SOMEBODY) as client:
        await client.start("1", "subscription { doorRung }")
        await client.data("{ __typename }")
        await client.start("2", "mutation { doorCloseDown }")
        frames = await client.frames(4)
        ended = [frame for frame in frames if frame["id"] == "1"]
        assert [frame["type"] for frame in ended] == ["next", "complete"]
        assert ended[0]["payload"]["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        await quiet()
        assert hub.count() == 0


# -- what users write -----------------------------------------------------------------------------


OWN_SDL = """
extend type Query { odd: JSON, who: String }
extend type Subscription { numbers(broken: Boolean = false): JSON, nothing: Int, nobody: Int }
"""
query, subscription = QueryType(), SubscriptionType()


@query.field("odd")
async def odd(root: Any, info: Any) -> object:
    return object()


@subscription.source("numbers")
async def numbers(root: Any, info: Any, broken: bool) -> AsyncGenerator[Any, None]:
    yield 1
    if broken:
        raise ValueError("the secret of the numbers")
    yield object()
    yield 3


@subscription.field("numbers")
def number(value: Any, info: Any, broken: bool) -> Any:
    return value


@subscription.source("nothing")
async def nothing(root: Any, info: Any) -> AsyncGenerator[int, None]:
    raise GraphQLError("No.", extensions={"odd": object()})
    yield 1


@subscription.source("nobody")  # type: ignore[arg-type]  # graphql-core takes coroutines too
async def nobody(root: Any, info: Any) -> AsyncGenerator[int, None]:
    raise GraphQLError("No.", extensions={"odd": object()})


def own_router() -> Router:
    return desk_router(type_defs=OWN_SDL, bindables=[query, subscription])


@pytest.mark.parametrize("document", ["{ odd }", "subscription { numbers }"])
async def test_a_result_that_is_no_json_ends_its_operation_with_an_error(
    document: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with graphql(own_router()) as client:
        await client.start("1", document)
        if "numbers" in document:
            assert await client.next("1") == {"data": {"numbers": 1}}
        error = await client.refused("1")
        assert error["message"] == "Internal server error"
        # The id is free, the socket lives.
        await client.start("1", ADD)
        assert await client.next("1") == {"data": {"deskAdd": 2}}
        await client.complete("1")
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize("field", ["nothing", "nobody"])
async def test_errors_that_are_no_json_are_answered_all_the_same(
    field: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with graphql(own_router()) as client:
        for _ in range(2):
            await client.start("1", f"subscription {{ {field} }}")
            assert (await client.refused("1"))["message"] == "Internal server error"


async def test_a_source_that_fails_ends_with_one_neutral_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with graphql(own_router()) as client:
        await client.start("1", "subscription { numbers(broken: true) }")
        assert await client.next("1") == {"data": {"numbers": 1}}
        [error] = (await client.next("1"))["errors"]
        assert error["message"] == "Internal server error"
        await client.complete("1")


class BrokenHostRouter(Router):
    """Stands for any fault between the socket and the execution."""

    async def operate(self, *args: Any) -> Any:
        raise ValueError("the secret of the router")


async def test_a_fault_outside_of_the_execution_is_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    router = BrokenHostRouter()
    router.register("desk", DeskConsumer)
    async with graphql(router) as client:
        for _ in range(2):
            await client.start("1", ADD)
            assert (await client.refused("1"))["message"] == "Internal server error"
    assert [record.exc_info is not None for record in caplog.records] == [True, True]


# -- bounds ---------------------------------------------------------------------------------------


@override_settings(DCRF_GRAPH={"MAX_OPERATIONS": 2})
async def test_operations_that_are_open_are_bounded(desk: type[DeskConsumer]) -> None:
    async with graphql(door_router()) as client:
        await client.start("1", "subscription { doorRung }")
        await client.start("2", "subscription { doorRung }")
        await client.start("3", "subscription { doorRung }")
        assert (await client.refused("3"))["extensions"] == {"code": "RATE_LIMITED", "status": 429}
        # One that the client has ended counts no more, at once.
        await client.send({"id": "2", "type": "complete"})
        await client.start("3", "{ __typename }")
        assert (await client.next("3"))["data"]
        await client.complete("3")
        await client.start("3", "{ __typename }")
        assert (await client.next("3"))["data"]
        await client.complete("3")


@override_settings(DCRF_GRAPH={"MAX_OPERATIONS": 1})
async def test_who_floods_and_does_not_read_is_not_read_either(desk: type[DeskConsumer]) -> None:
    async with graphql(desk_router()) as client:
        await client.start("open", WAIT)
        await soon(desk.gate.reached)
        client.reads.clear()
        before = len(tasks())
        for number in range(100):
            await client.start(str(number), ADD)
        await soon(client.stuck)
        assert len(tasks()) == before
        client.reads.set()
        assert {frame["type"] for frame in await client.frames(100)} == {"error"}


@override_settings(DCRF_GRAPH={"KEEP_ALIVE": 0.001})
async def test_heartbeats_do_not_queue_up_for_a_client_that_does_not_read() -> None:
    async with graphql(desk_router()) as client:
        client.reads.clear()
        await soon(client.stuck)
        await turns()
        assert len(tasks()) == 1


@override_settings(DCRF_GRAPH={"MAX_PENDING_CALLS": 2})
async def test_calls_that_wait_are_bounded(desk: type[DeskConsumer]) -> None:
    async with graphql(desk_router()) as client:
        await client.start("1", WAIT)
        await client.start("2", WAIT)
        await client.start("3", WAIT)
        [error] = (await client.next("3"))["errors"]
        assert error["extensions"] == {"code": "RATE_LIMITED", "status": 429}
        await client.complete("3")


# -- how a socket is closed -----------------------------------------------------------------------


async def closed_by(*frames: Any, initialise: bool = True) -> tuple[int | None, str]:
    client = GraphQLClient(desk_router().as_asgi())
    await client.connect()
    if initialise:
        await client.initialise()
    for frame in frames:
        await client.send(frame)
    closed = await client.closing()
    await client.disconnect()
    return closed.code, closed.reason


INIT = {"type": "connection_init"}


def subscribe(id: Any = "1", **payload: Any) -> Any:
    return {"id": id, "type": "subscribe", "payload": {"query": WAIT, **payload}}


@pytest.mark.parametrize(
    "frame",
    [
        "no json",
        "[]",
        "x" * 1_000_000,
        "x" * 1_000_001,
        b"\xff",
        {"type": "shout"},
        {"type": "subscribe", "id": "1"},
        subscribe(id=1),
        subscribe(id=""),
        subscribe(variables=[1]),
        subscribe(query=""),
        {"type": "next", "id": "1", "payload": {}},
    ],
    ids=lambda value: str(value)[:60],
)
async def test_what_is_no_message_closes_with_4400(frame: Any) -> None:
    assert (await closed_by(frame))[0] == 4400


async def test_the_protocols_other_close_codes() -> None:
    assert (await closed_by(subscribe(), initialise=False))[0] == 4401
    assert (await closed_by(INIT))[0] == 4429
    assert await closed_by(subscribe(), subscribe()) == (4409, "Subscriber for 1 already exists")


@override_settings(DCRF_GRAPH={"INIT_TIMEOUT": 0.01})
async def test_who_does_not_introduce_himself_is_sent_away() -> None:
    assert (await closed_by(initialise=False))[0] == 4408


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ deskAdd }", "GRAPHQL_VALIDATION_FAILED"),
        ('{ deskAdd(left: "two") }', "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_wrong_document_is_refused_and_the_next_one_works(document: str, code: str) -> None:
    async with graphql(desk_router()) as client:
        await client.start("1", document)
        assert (await client.refused("1"))["extensions"]["code"] == code
        assert await client.data(ADD) == {"deskAdd": 2}


async def test_no_operation_runs_before_the_ack_has_been_sent(desk: type[DeskConsumer]) -> None:
    """The protocol lets operations in from the moment that it has made its ack."""
    client = GraphQLClient(desk_router().as_asgi())
    await client.connect()
    client.reads.clear()
    await client.send(INIT)
    await soon(client.stuck)
    await client.start("1", 'mutation { deskNote(text: "too early") }')
    await client.send({"type": "pong"})
    await turns()
    assert desk.asked == []
    client.reads.set()
    assert await client.frame() == {"type": "connection_ack"}
    assert (await client.next("1"))["data"] == {"deskNote": "too early"}
    await client.disconnect()
