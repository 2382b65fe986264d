"""DRF's own permission classes on a consumer."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from rest_framework import permissions as drf

from tests.comparison.library import (
    CreateModelMixin,
    DeleteModelMixin,
    GenericAsyncAPIConsumer,
    ListModelMixin,
    PatchModelMixin,
    RetrieveModelMixin,
    UpdateModelMixin,
    action,
)
from tests.comparison.models import Card
from tests.comparison.scenario import reply, scenario
from tests.comparison.scenarios.permissions import Harmless, Ping, Shut, ping_under
from tests.comparison.serializers import CardSerializer
from tests.comparison.stage import Stage


class DRFYes(drf.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return True


class DRFNo(drf.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return False


@scenario("a DRF permission class is wrapped")
async def drf_wrapped(stage: Stage) -> None:
    await ping_under(stage, DRFYes)


@scenario("a DRF permission that says no closes the socket")
async def drf_refused(stage: Stage) -> None:
    await ping_under(stage, DRFNo)


@scenario("DRF permissions combine with each other")
async def drf_combined(stage: Stage) -> None:
    await ping_under(stage, DRFYes & DRFYes)
    await ping_under(stage, DRFNo | DRFYes)
    await ping_under(stage, ~DRFNo)
    await ping_under(stage, DRFYes & DRFNo)


@scenario("DRF permissions combine with the consumer's")
async def drf_mixed(stage: Stage) -> None:
    await ping_under(stage, Harmless & DRFYes)
    await ping_under(stage, Shut | DRFYes)


@scenario(
    "DRF permissions combine in either order",
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
async def drf_first(stage: Stage) -> None:
    await ping_under(stage, DRFYes & Harmless)


@scenario("DRF's IsAuthenticated closes the socket of the anonymous")
async def drf_authenticated(stage: Stage) -> None:
    user = await User.objects.acreate(username="ada")
    await ping_under(stage, drf.IsAuthenticated)
    await ping_under(stage, drf.IsAuthenticated, user=user)


@scenario("a DRF permission sees the user, the session and the cookies of the scope")
async def drf_request(stage: Stage) -> None:
    class Curious(drf.BasePermission):
        def has_permission(self, request: Any, view: Any) -> bool:
            stage.note([request.path, str(request.user), request.session, request.COOKIES])
            return True

    class Consumer(Ping):
        permission_classes = [Curious]

    user = await User.objects.acreate(username="ada")
    client = await stage.connect(Consumer, user=user, session={"a": 1}, cookies={"b": "2"})
    await client.call("ping")


@scenario(
    "a scope without a user is anonymous to DRF's permissions",
    differs="D08",
    ours=[{"closed": 1000}],
)
async def no_user(stage: Stage) -> None:
    await ping_under(stage, drf.IsAuthenticated, without=("user",))


@scenario(
    "a DRF permission sees each action's HTTP method",
    differs="D09",
    ours=[
        reply("create", {"id": 1, "title": "x", "position": 0}, status=201),
        reply("list", [{"id": 1, "title": "x", "position": 0}]),
        reply("retrieve", {"id": 1, "title": "x", "position": 0}),
        reply("update", {"id": 1, "title": "y", "position": 0}),
        reply("patch", {"id": 1, "title": "z", "position": 0}),
        reply("delete", status=204),
        reply("shuffle"),
        {"notes": ["HEAD", "POST", "GET", "GET", "PUT", "PATCH", "DELETE", "POST", "POST"]},
    ],
)
async def drf_methods(stage: Stage) -> None:
    class Methods(drf.BasePermission):
        def has_permission(self, request: Any, view: Any) -> bool:
            stage.note(request.method)
            return True

    class Consumer(
        CreateModelMixin,
        ListModelMixin,
        RetrieveModelMixin,
        UpdateModelMixin,
        PatchModelMixin,
        DeleteModelMixin,
        GenericAsyncAPIConsumer,
    ):
        permission_classes = [Methods]
        queryset = Card.objects.all()
        serializer_class = CardSerializer

        @action()
        async def shuffle(self, **kwargs: Any) -> tuple[Any, int]:
            return None, 200

    client = await stage.connect(Consumer)
    await client.call("create", data={"title": "x"})
    await client.call("list")
    await client.call("retrieve", pk=1)
    await client.call("update", pk=1, data={"title": "y"})
    await client.call("patch", pk=1, data={"title": "z"})
    await client.call("delete", pk=1)
    await client.call("shuffle")


@scenario(
    "a DRF permission sees headers as an HTTP request has them",
    differs="D10",
    ours=[{"notes": ["Token abc", "Token abc"]}],
)
async def drf_headers(stage: Stage) -> None:
    class Token(drf.BasePermission):
        def has_permission(self, request: Any, view: Any) -> bool:
            stage.note(request.META.get("HTTP_AUTHORIZATION"))
            return True

    class Consumer(Ping):
        permission_classes = [Token]

    await stage.connect(Consumer, headers=[(b"authorization", b"Token abc")])


@scenario(
    "a DRF permission is asked for the object too",
    differs="D11",
    ours=[
        reply("retrieve", {"id": 1, "title": "mine", "position": 0}),
        reply(
            "retrieve",
            status=403,
            errors=["You do not have permission to perform this action."],
            request_id=2,
        ),
    ],
)
async def drf_object(stage: Stage) -> None:
    class Movable(drf.BasePermission):
        def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
            return bool(obj.position == 0)

    class Consumer(RetrieveModelMixin, GenericAsyncAPIConsumer):
        permission_classes = [Movable]
        queryset = Card.objects.all()
        serializer_class = CardSerializer

    await Card.objects.acreate(title="mine")
    await Card.objects.acreate(title="theirs", position=1)
    client = await stage.connect(Consumer)
    await client.call("retrieve", pk=1)
    await client.call("retrieve", request_id=2, pk=2)
