"""How an action is found, called and answered."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import Http404
from rest_framework.exceptions import APIException, NotFound, Throttled, ValidationError

from tests.comparison.library import AsyncAPIConsumer, action
from tests.comparison.models import Board
from tests.comparison.scenario import reply, scenario
from tests.comparison.stage import Stage


class Teapot(APIException):
    """An error with a status of its own."""

    status_code = 418
    default_detail = "short and stout"


@scenario("an async action answers with its data and status")
async def async_action(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def greet(self, name: str = "", **kwargs: Any) -> tuple[Any, int]:
            return {"hello": name}, 200

    await (await stage.connect(Consumer)).call("greet", name="Ada")


@scenario("a sync action answers like an async one")
async def sync_action(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        def greet(self, name: str = "", **kwargs: Any) -> tuple[Any, int]:
            return {"hello": name}, 201

    await (await stage.connect(Consumer)).call("greet", name="Ada")


@scenario("an action is told its own name and request id")
async def told_its_name(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def tell(self, **kwargs: Any) -> tuple[Any, int]:
            return kwargs, 200

    await (await stage.connect(Consumer)).call("tell", request_id="r-1", colour="red")


@scenario("a request id of any JSON type is echoed")
async def any_request_id(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def ping(self, **kwargs: Any) -> tuple[Any, int]:
            return "pong", 200

    client = await stage.connect(Consumer)
    for request_id in (0, "text", 1.5, True):
        await client.call("ping", request_id=request_id)
    await client.send(action="ping")


@scenario("a named action answers to its name and not to its method's")
async def named_action(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action(name="say-hello")
        async def greet(self, **kwargs: Any) -> tuple[Any, int]:
            return "hello", 200

    client = await stage.connect(Consumer)
    await client.call("say-hello")
    await client.call("greet", request_id=2)
    stage.note(Consumer.available_actions)


@scenario("an unknown action is refused with 405")
async def unknown_action(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def hidden(self) -> None:
            raise AssertionError("not an action")

    client = await stage.connect(Consumer)
    await client.call("missing")
    await client.call("hidden", request_id=2)
    await client.call("websocket_disconnect", request_id=3)


@scenario("a frame without an action is refused with 405")
async def no_action(stage: Stage) -> None:
    client = await stage.connect(AsyncAPIConsumer)
    await client.send(request_id=7, pk=1)
    await client.send({})


@scenario("an action inherited from a base class is available")
async def inherited_action(stage: Stage) -> None:
    class Base(AsyncAPIConsumer):
        @action()
        async def ping(self, **kwargs: Any) -> tuple[Any, int]:
            return "base", 200

    class Consumer(Base):
        @action()
        async def pong(self, **kwargs: Any) -> tuple[Any, int]:
            return "own", 200

    client = await stage.connect(Consumer)
    await client.call("ping")
    await client.call("pong", request_id=2)
    stage.note(sorted(Base.available_actions))


@scenario("an overriding method without the decorator is no action any more")
async def overridden_action(stage: Stage) -> None:
    class Base(AsyncAPIConsumer):
        @action()
        async def ping(self, **kwargs: Any) -> tuple[Any, int]:
            return "base", 200

    class Consumer(Base):
        async def ping(self, **kwargs: Any) -> tuple[Any, int]:
            return "own", 200

    await (await stage.connect(Consumer)).call("ping")


@scenario("an action from a mixin that is no consumer is available")
async def mixin_action(stage: Stage) -> None:
    class Pinging:
        @action()
        async def ping(self, **kwargs: Any) -> tuple[Any, int]:
            return "mixed in", 200

    class Consumer(Pinging, AsyncAPIConsumer):
        pass

    await (await stage.connect(Consumer)).call("ping")


@scenario("an API exception answers with its status and detail")
async def api_exception(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def brew(self, **kwargs: Any) -> None:
            raise Teapot()

        @action()
        def brew_slowly(self, **kwargs: Any) -> None:
            raise Teapot("still a teapot")

    client = await stage.connect(Consumer)
    await client.call("brew")
    await client.call("brew_slowly", request_id=2)


@scenario("validation errors keep their shape: text, list and mapping")
async def validation_shapes(stage: Stage) -> None:
    details: list[Any] = [
        "wrong",
        ["wrong", "very"],
        {"title": ["Too long."], "deep": {"er": ["No."]}},
    ]

    class Consumer(AsyncAPIConsumer):
        @action()
        async def check(self, which: int, **kwargs: Any) -> None:
            raise ValidationError(details[which])

    client = await stage.connect(Consumer)
    for which in range(3):
        await client.call("check", request_id=which + 1, which=which)


@scenario("Django's Http404 answers 404 without its words, DRF's NotFound with them")
async def not_found(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def django(self, **kwargs: Any) -> None:
            raise Http404("No such page.")

        @action()
        async def drf(self, **kwargs: Any) -> None:
            raise NotFound("No such row.")

        @action()
        async def bare(self, **kwargs: Any) -> None:
            raise Http404

    client = await stage.connect(Consumer)
    for request_id, name in enumerate(("django", "drf", "bare"), start=1):
        await client.call(name, request_id=request_id)


@scenario("a throttled call answers 429 with the seconds to wait")
async def throttled(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def hurry(self, **kwargs: Any) -> None:
            raise Throttled(wait=3)

    await (await stage.connect(Consumer)).call("hurry")


@scenario("an action may reply as often as it likes before its return")
async def many_replies(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def count(self, action: str, request_id: Any, **kwargs: Any) -> tuple[Any, int]:
            for number in (1, 2):
                await self.reply(action=action, data=number, status=100, request_id=request_id)
            return "done", 200

    client = await stage.connect(Consumer)
    await client.send(action="count", request_id=1)
    await client.until(data="done")


@scenario("reply without data, with errors, and without a request id")
async def bare_replies(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def say(self, **kwargs: Any) -> tuple[Any, int]:
            await self.reply(action="nothing")
            await self.reply(action="failed", errors=["a", {"b": 1}], status=422, request_id=9)
            await self.reply(action=None, data=[], request_id="x")
            return None, 200

    await (await stage.connect(Consumer)).call("say")


@scenario("an action may send any JSON past reply")
async def own_frames(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def shout(self, request_id: Any, **kwargs: Any) -> None:
            await self.send_json({"shout": "HO", "request_id": request_id})
            await self.send_json(["not", "an", "object"])

    client = await stage.connect(Consumer)
    await client.send(action="shout", request_id=1)


@scenario("an action that returns no tuple and replies by itself sends nothing more")
async def own_answer(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def ping(self, action: str, request_id: Any, **kwargs: Any) -> None:
            await self.reply(action=action, data="pong", request_id=request_id)

    client = await stage.connect(Consumer)
    await client.send(action="ping", request_id=1)


@scenario("an atomic action that raises leaves nothing in the database")
async def atomic_rollback(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action(atomic=True)
        def write(self, **kwargs: Any) -> None:
            Board.objects.create(name="gone")
            raise ValidationError("no")

        @action()
        def count(self, **kwargs: Any) -> tuple[Any, int]:
            return Board.objects.count(), 200

    client = await stage.connect(Consumer)
    await client.call("write")
    await client.call("count", request_id=2)


@scenario("an action that is not atomic keeps what it wrote before it raised")
async def no_rollback(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        def write(self, **kwargs: Any) -> None:
            Board.objects.create(name="kept")
            raise ValidationError("no")

        @action()
        def count(self, **kwargs: Any) -> tuple[Any, int]:
            return Board.objects.count(), 200

    client = await stage.connect(Consumer)
    await client.call("write")
    await client.call("count", request_id=2)


@scenario("atomic runs an action inside a transaction, and only that action")
async def atomic_block(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action(atomic=True)
        def inside(self, **kwargs: Any) -> tuple[Any, int]:
            return connection.in_atomic_block, 200

        @action(atomic=False)
        def outside(self, **kwargs: Any) -> tuple[Any, int]:
            return connection.in_atomic_block, 200

        @action()
        def default(self, **kwargs: Any) -> tuple[Any, int]:
            return connection.in_atomic_block, 200

    client = await stage.connect(Consumer)
    for request_id, name in enumerate(("inside", "outside", "default"), start=1):
        await client.call(name, request_id=request_id)


@scenario("an async action cannot be atomic, a sync one cannot be detached")
async def impossible_options(stage: Stage) -> None:
    async def asynchronous(self: Any, **kwargs: Any) -> None: ...

    def synchronous(self: Any, **kwargs: Any) -> None: ...

    for decorator, method in (
        (action(atomic=True), asynchronous),
        (action(detached=True), synchronous),
    ):
        try:
            decorator(method)
        except ValueError as error:
            stage.note(type(error).__name__)


@scenario("further options of action are kept on the method")
async def further_options(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action(weight=3)
        async def lift(self, **kwargs: Any) -> tuple[Any, int]:
            return None, 200

    stage.note(Consumer.lift.kwargs)
    await (await stage.connect(Consumer)).call("lift")


@scenario("calls on one socket are answered in the order they were sent")
async def in_order(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def quick(self, **kwargs: Any) -> tuple[Any, int]:
            return "quick", 200

        @action()
        def slow(self, **kwargs: Any) -> tuple[Any, int]:
            return [Board.objects.count() for _ in range(3)], 200

    client = await stage.connect(Consumer)
    for number, name in enumerate(("slow", "quick", "slow", "quick")):
        await client.send(action=name, request_id=number)
    await client.until(request_id=3)


@scenario("one action may call another as a method")
async def calling_another(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        def inner(self, number: int, **kwargs: Any) -> tuple[Any, int]:
            return number * 2, 200

        @action()
        async def outer(self, number: int, **kwargs: Any) -> tuple[Any, int]:
            data, status = await self.inner(number=number)
            return {"inner": data}, status

    await (await stage.connect(Consumer)).call("outer", number=4)


@scenario("JSON keeps its types on the way through")
async def json_types(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @action()
        async def echo(self, value: Any = None, **kwargs: Any) -> tuple[Any, int]:
            return value, 200

    value = {"text": "é☃", "list": [1, 2.5, None, True], "empty": {}, "big": 2**60}
    await (await stage.connect(Consumer)).call("echo", value=value)


@scenario("state on the consumer lives as long as its socket, and no longer")
async def state(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        count = 0

        @action()
        async def up(self, **kwargs: Any) -> tuple[Any, int]:
            self.count += 1
            return self.count, 200

    first = await stage.connect(Consumer)
    second = await stage.connect(Consumer)
    await first.call("up")
    await first.call("up", request_id=2)
    await second.call("up")


@scenario(
    "what is under way under a request id can be cancelled",
    differs="D30",
    ours=[
        reply(
            "cancel",
            None,
            404,
            errors=["Nothing is under way under this request_id."],
        )
    ],
)
async def cancelled(stage: Stage) -> None:
    await (await stage.connect(AsyncAPIConsumer)).call("cancel")


@scenario(
    "a connection can be authenticated",
    differs="D31",
    ours=[
        reply(
            "authenticate",
            None,
            401,
            errors=["Authentication credentials were not provided."],
        )
    ],
)
async def authenticated(stage: Stage) -> None:
    await (await stage.connect(AsyncAPIConsumer)).call("authenticate")


@scenario("a page of another site may not connect", differs="D32", ours=[{"closed": 1000}])
async def elsewhere(stage: Stage) -> None:
    origin = (b"origin", b"https://elsewhere.example")
    await stage.connect(AsyncAPIConsumer, headers=[(b"host", b"testserver"), origin])
