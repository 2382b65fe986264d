"""What the clients do, and what they say when it does not happen."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from channels.auth import AuthMiddlewareStack
from django.contrib.auth.models import User
from django.test import Client

from dcrf_graph.connection import open_connections
from dcrf_graph.testing import Closed, GraphQLClient, NativeClient, NothingCame
from tests.testapp.models import Note
from tests.testing.world import ACTIVITY, Notes, router

pytestmark = pytest.mark.django_db

ADA = User(pk=1, username="ada")
BANNED = User(pk=2, username="banned")
WHOAMI = "{ noteWhoami }"

Open = Callable[..., Any]


async def whoami(client: Any) -> str:
    """Who the application says a client is."""
    if isinstance(client, GraphQLClient):
        return str((await client.execute(WHOAMI))["data"]["noteWhoami"])
    return str((await client.call("whoami"))["data"])


def on_stream(*args: Any, **kwargs: Any) -> NativeClient:
    return NativeClient(*args, stream="notes", **kwargs)


@pytest.fixture(params=[on_stream, GraphQLClient], ids=["native", "graphql"])
def opening(request: pytest.FixtureRequest) -> Open:
    """A client of each protocol, of the router."""
    made: Open = request.param
    return made


async def test_a_user_is_logged_in(opening: Open) -> None:
    async with opening(router, user=ADA) as client:
        assert await whoami(client) == "ada"


async def test_headers_are_those_of_the_handshake(opening: Open) -> None:
    async with opening(router, headers={"X-Team": "red"}) as client:
        assert await whoami(client) == "red"


@pytest.fixture
def cookie(db: None) -> str:
    """What a browser sends when grace has logged in."""
    browser = Client()
    browser.force_login(User.objects.create_user("grace"))
    return f"sessionid={browser.cookies['sessionid'].value}"


async def test_middleware_around_the_router_finds_the_user_of_a_cookie(
    opening: Open, cookie: str
) -> None:
    async with opening(AuthMiddlewareStack(router.as_asgi()), headers={"Cookie": cookie}) as client:
        assert await whoami(client) == "grace"


async def test_middleware_around_the_router_leaves_a_given_user(opening: Open) -> None:
    async with opening(AuthMiddlewareStack(router.as_asgi()), user=ADA) as client:
        assert await whoami(client) == "ada"


async def test_a_page_of_another_site_may_not_open_it(opening: Open) -> None:
    with pytest.raises(Closed, match="refused to open the socket"):
        async with opening(router, origin="https://elsewhere.example"):
            pytest.fail("it is open")


async def test_a_page_of_ours_may_open_it(opening: Open) -> None:
    async with opening(router, origin="https://testserver") as client:
        assert await whoami(client) == ""


async def closing(scope: Any, receive: Any, send: Any) -> None:
    """An application that opens the socket, and has enough at the first frame."""
    await receive()
    await send({"type": "websocket.accept"})
    await receive()
    await send({"type": "websocket.close", "code": 4321, "reason": "Enough."})


async def test_a_wait_for_a_frame_ends_when_the_socket_is_closed(opening: Open) -> None:
    with pytest.raises(Closed, match=r"closed the socket \(4321 Enough\.\); awaited was"):
        async with opening(closing) as client:
            await whoami(client)


async def test_how_the_socket_is_closed_can_be_awaited() -> None:
    async with NativeClient(closing) as client:
        await client.send("anything")
        end = await client.closed()
    assert (end.code, end.reason) == (4321, "Enough.")


async def test_nothing_is_left_of_a_client(opening: Open) -> None:
    before = set(open_connections)
    async with opening(router) as client:
        await whoami(client)
        assert set(open_connections) - before
    assert not set(open_connections) - before


async def test_what_the_application_raises_fails_the_test(opening: Open) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        async with opening(broken):
            pytest.fail("it is open")


async def test_the_context_of_the_test_is_not_the_applications(opening: Open) -> None:
    secret = ContextVar("secret", default="of nobody")
    secret.set("of the test")

    async def telling(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError(secret.get())

    with pytest.raises(LookupError, match="of nobody"):
        async with opening(telling):
            pytest.fail("it is open")


async def test_a_failing_test_fails_for_its_own_reason(opening: Open) -> None:
    with pytest.raises(ZeroDivisionError):
        async with opening(router):
            raise ZeroDivisionError


# -- native ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("application", [Notes, Notes.as_asgi()], ids=["class", "as_asgi"])
async def test_a_consumer_alone_is_called(application: Any) -> None:
    async with NativeClient(application, user=ADA) as client:
        reply = await client.call("whoami")
    assert reply["response_status"] == 200
    assert reply["data"] == "ada"


async def test_a_consumer_may_refuse_the_connection() -> None:
    with pytest.raises(Closed) as refused:
        async with NativeClient(Notes, user=BANNED):
            pytest.fail("it is open")
    assert refused.value.code is None


async def test_a_refused_call_is_a_reply() -> None:
    async with NativeClient(Notes) as client:
        assert (await client.call("patch", pk=1, data={}))["response_status"] == 404


async def test_events_wait_while_a_call_waits_for_its_reply() -> None:
    async with NativeClient(Notes) as client:
        subscribed = await client.call("subscribe_activity")
        created = await client.call("create", data={"text": "A"})
        event = await client.receive()
    assert created["data"] == event["data"]
    assert event["request_id"] == subscribed["request_id"]


async def test_frames_of_one_stream_are_told_from_those_of_another() -> None:
    async with NativeClient(router) as client:
        await client.call("subscribe_activity", stream="notes")
        await Note.objects.acreate(text="A")
        await client.nothing(stream="others")
        assert (await client.receive(stream="notes"))["data"]["text"] == "A"


async def test_a_reply_that_does_not_come_is_named_with_what_came_instead() -> None:
    async with NativeClient(Notes) as client:
        await client.call("subscribe_activity")
        await Note.objects.acreate(text="A")
        with pytest.raises(AssertionError):
            await client.nothing()  # it has come, and is not read
        client.timeout = 0.2
        with pytest.raises(NothingCame) as failure:
            await client.call("stall")
    said = str(failure.value)
    assert said.startswith("Waited 0.2 s for the reply to 'stall' (request_id 2); unread are [")
    assert "'text': 'A'" in said


async def test_silence_is_named_as_such() -> None:
    async with NativeClient(Notes) as client:
        client.timeout = 0.01
        with pytest.raises(NothingCame, match=r"Waited 0.01 s for a frame; no frame came\."):
            await client.receive()


async def test_a_frame_that_should_not_have_come_is_shown() -> None:
    async with NativeClient(Notes) as client:
        await client.call("subscribe_activity")
        await client.nothing()
        await Note.objects.acreate(text="A")
        with pytest.raises(AssertionError, match=r"Nothing should have come;.*'text': 'A'"):
            await client.nothing()


async def test_a_reply_that_is_still_to_come_is_waited_for() -> None:
    async with NativeClient(router, stream="notes") as client:
        await client.send("list")
        with pytest.raises(AssertionError, match="Nothing should have come"):
            await client.nothing()


# -- GraphQL ---------------------------------------------------------------------------------------


async def test_variables_are_sent() -> None:
    create = "mutation($data: NoteInput!) { noteCreate(data: $data) { text } }"
    async with GraphQLClient(router) as client:
        result = await client.execute(create, {"data": {"text": "A"}})
    assert result == {"data": {"noteCreate": {"text": "A"}}}


async def test_an_operation_is_chosen_by_its_name() -> None:
    document = "query One { noteWhoami } query Two { notes { id } }"
    async with GraphQLClient(router) as client:
        result = await client.execute(document, operationName="Two")
    assert result == {"data": {"notes": []}}


async def test_what_is_refused_before_it_is_executed_has_errors_alone() -> None:
    async with GraphQLClient(router) as client:
        result = await client.execute("{ nonsense }")
    assert result.keys() == {"errors"}


async def test_a_subscription_that_is_refused_gives_its_errors_and_ends() -> None:
    async with GraphQLClient(router) as client, client.subscribe("{ nonsense }") as events:
        assert (await events.receive()).keys() == {"errors"}
        with pytest.raises(AssertionError, match=r"'\{ nonsense \}' is over"):
            await events.receive()


async def test_results_come_until_the_source_ends() -> None:
    count = "subscription($to: Int!) { count(to: $to) }"
    async with GraphQLClient(router) as client, client.subscribe(count, {"to": 3}) as events:
        assert [result["data"]["count"] async for result in events] == [1, 2, 3]


async def test_a_subscription_is_not_executed() -> None:
    async with GraphQLClient(router) as client:
        with pytest.raises(AssertionError, match="more than one result: use subscribe"):
            await client.execute("subscription { count(to: 3) }")
        assert await whoami(client) == ""


async def test_subscriptions_of_one_client_get_their_own_results() -> None:
    async with (
        GraphQLClient(router) as client,
        client.subscribe(ACTIVITY) as events,
        client.subscribe("subscription { noteActivity { id } }") as ids,
    ):
        note = await Note.objects.acreate(text="A")
        assert (await ids.receive())["data"]["noteActivity"] == {"id": str(note.pk)}
        assert (await events.receive())["data"]["noteActivity"]["data"] == {"text": "A"}


async def test_in_the_block_it_is_subscribed() -> None:
    async with GraphQLClient(router) as client, client.subscribe(ACTIVITY):
        assert router.statistics()["subscriptions"] == 1


async def test_after_the_block_nothing_is_heard() -> None:
    async with GraphQLClient(router) as client, NativeClient(Notes) as native:
        async with client.subscribe(ACTIVITY) as events:
            await native.call("create", data={"text": "A"})
            await events.receive()
        await native.call("create", data={"text": "B"})
        await events.nothing()
        assert router.statistics()["subscriptions"] == 0


async def test_the_payload_of_connection_init_is_the_authenticators() -> None:
    seen = asyncio.get_running_loop().create_future()

    async def authenticate(scope: Any, payload: Any) -> Any:
        seen.set_result(payload)
        return ADA

    served = type(router)(authenticate=authenticate)
    served.register("notes", Notes)
    async with GraphQLClient(served, payload={"token": "T"}) as client:
        assert await whoami(client) == "ada"
    assert seen.result() == {"token": "T"}


# -- the package -----------------------------------------------------------------------------------


def test_it_imports_no_server() -> None:
    code = """if True:
        import sys
        from django.conf import settings
        settings.configure()
        import django, dcrf_graph.testing
        assert not {"daphne", "channels.testing", "pytest", "twisted"} & sys.modules.keys()
    """
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
