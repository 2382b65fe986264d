"""Who may connect and who may call."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from tests.comparison.library import (
    AllowAny,
    AsyncAPIConsumer,
    BasePermission,
    IsAuthenticated,
    action,
)
from tests.comparison.scenario import reply, scenario
from tests.comparison.stage import Stage


class Ping(AsyncAPIConsumer):
    """Two actions to be permitted or refused."""

    @action()
    async def ping(self, **kwargs: Any) -> tuple[Any, int]:
        return "pong", 200

    @action()
    async def wipe(self, **kwargs: Any) -> tuple[Any, int]:
        return "wiped", 200


class Yes(BasePermission):
    async def has_permission(
        self, scope: dict[str, Any], consumer: Any, action: str, **kwargs: Any
    ) -> bool:
        return True


class No(BasePermission):
    async def has_permission(
        self, scope: dict[str, Any], consumer: Any, action: str, **kwargs: Any
    ) -> bool:
        return False


class Harmless(BasePermission):
    async def has_permission(
        self, scope: dict[str, Any], consumer: Any, action: str, **kwargs: Any
    ) -> bool:
        return action != "wipe"


class Shut(Yes):
    async def can_connect(self, scope: dict[str, Any], consumer: Any, message: Any = None) -> bool:
        return False


async def ping_under(stage: Stage, *permission_classes: Any, **scope: Any) -> None:
    """Connect to a consumer with these permissions and call both its actions."""

    class Consumer(Ping):
        pass

    Consumer.permission_classes = list(permission_classes)
    client = await stage.connect(Consumer, **scope)
    if client.open:
        await client.call("ping")
        await client.call("wipe", request_id=2)


@scenario("by default everybody may do everything")
async def default(stage: Stage) -> None:
    client = await stage.connect(Ping)
    await client.call("ping")


@scenario("a permission that says no answers 403")
async def refused(stage: Stage) -> None:
    await ping_under(stage, No)


@scenario("a permission may decide by the action")
async def by_action(stage: Stage) -> None:
    await ping_under(stage, Harmless)


@scenario("every permission of the list must say yes")
async def every_permission(stage: Stage) -> None:
    await ping_under(stage, Yes, Harmless)


@scenario("permissions are asked before the action is looked up")
async def asked_first(stage: Stage) -> None:
    class Consumer(Ping):
        permission_classes = [No]

    await (await stage.connect(Consumer)).call("missing")


@scenario("a permission is given the scope, the consumer, the action and the arguments")
async def given(stage: Stage) -> None:
    class Curious(BasePermission):
        async def has_permission(
            self, scope: dict[str, Any], consumer: Any, action: str, **kwargs: Any
        ) -> bool:
            stage.note([scope["path"], type(consumer).__name__, action, kwargs])
            return True

    class Consumer(Ping):
        permission_classes = [Curious]

    await (await stage.connect(Consumer)).call("ping", colour="red")


@scenario("a permission that is not async works too")
async def sync_permission(stage: Stage) -> None:
    class Plain(BasePermission):
        def has_permission(  # type: ignore[override]
            self, scope: dict[str, Any], consumer: Any, action: str, **kwargs: Any
        ) -> bool:
            return action == "ping"

        def can_connect(  # type: ignore[override]
            self, scope: dict[str, Any], consumer: Any, message: Any = None
        ) -> bool:
            return True

    await ping_under(stage, Plain)


@scenario("a permission that forgets to answer refuses")
async def forgetful(stage: Stage) -> None:
    class Forgetful(BasePermission):
        pass

    await ping_under(stage, Forgetful)


@scenario("can_connect that says no closes the socket")
async def shut(stage: Stage) -> None:
    await ping_under(stage, Shut)


@scenario("can_connect is asked of every permission until one refuses")
async def can_connect_asked(stage: Stage) -> None:
    class First(Yes):
        async def can_connect(
            self, scope: dict[str, Any], consumer: Any, message: Any = None
        ) -> bool:
            stage.note(["first", (message or {}).get("type")])
            return True

    class Last(First):
        async def can_connect(
            self, scope: dict[str, Any], consumer: Any, message: Any = None
        ) -> bool:
            stage.note("last")
            return True

    await ping_under(stage, First, Shut, Last)


@scenario("AND needs both")
async def both(stage: Stage) -> None:
    await ping_under(stage, Yes & Harmless)
    await ping_under(stage, Yes & No)


@scenario("OR needs one")
async def either(stage: Stage) -> None:
    await ping_under(stage, No | Harmless)
    await ping_under(stage, No | No)


@scenario("AND and OR hold for connecting")
async def connecting_combined(stage: Stage) -> None:
    await ping_under(stage, Yes & Shut)
    await ping_under(stage, Shut | Yes)
    await ping_under(stage, Shut | Shut)


@scenario(
    "combinations nest",
    differs="D18",
    ours=[
        reply("ping", "pong"),
        reply(
            "wipe",
            status=403,
            errors=["You do not have permission to perform this action."],
            request_id=2,
        ),
    ],
)
async def nested(stage: Stage) -> None:
    await ping_under(stage, (No | Yes) & (Harmless | No))


@scenario("NOT of a permission that decides connecting itself")
async def not_shut(stage: Stage) -> None:
    class Closed(No):
        async def can_connect(
            self, scope: dict[str, Any], consumer: Any, message: Any = None
        ) -> bool:
            return False

    await ping_under(stage, ~Closed)


@scenario("IsAuthenticated lets nobody but users call, and everybody connect")
async def authenticated(stage: Stage) -> None:
    user = await User.objects.acreate(username="ada")
    await ping_under(stage, IsAuthenticated)
    await ping_under(stage, IsAuthenticated, user=user)
    await ping_under(stage, IsAuthenticated, without=("user",))


@scenario("AllowAny lets in a scope without a user")
async def allow_any(stage: Stage) -> None:
    await ping_under(stage, AllowAny, without=("user",))


@scenario("get_permissions may be overridden per action")
async def own_permissions(stage: Stage) -> None:
    class Consumer(Ping):
        async def get_permissions(self, action: str, **kwargs: Any) -> list[Any]:
            return [No()] if action == "wipe" else [Yes()]

    client = await stage.connect(Consumer)
    await client.call("ping")
    await client.call("wipe", request_id=2)


@scenario("check_permissions may be overridden")
async def own_check(stage: Stage) -> None:
    class Consumer(Ping):
        async def check_permissions(self, action: str, **kwargs: Any) -> None:
            stage.note([action, kwargs])
            await super().check_permissions(action, **kwargs)

    await (await stage.connect(Consumer)).call("ping", colour="red")


@scenario(
    "NOT of a permission that only decides calls lets clients connect",
    differs="D07",
    ours=[reply("ping", "pong"), reply("wipe", "wiped", request_id=2)],
)
async def negated(stage: Stage) -> None:
    await ping_under(stage, ~No)
