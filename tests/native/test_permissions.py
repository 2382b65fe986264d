"""Who may connect and who may call: our permissions, DRF's, and what combines them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from rest_framework import permissions as drf
from rest_framework.exceptions import AuthenticationFailed

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import (
    CreateModelMixin,
    DeleteModelMixin,
    ListModelMixin,
    PatchModelMixin,
    RetrieveModelMixin,
    UpdateModelMixin,
)
from dcrf_graph.observer import model_observer
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.permissions import AllowAny, BasePermission, IsAuthenticated
from tests.native.client import SOMEBODY, connected, in_thread, may_connect
from tests.native.serializers import NoteSerializer
from tests.testapp.models import Note

DENIED = ["You do not have permission to perform this action."]


class Yes(BasePermission):
    async def has_permission(self, *args: Any, **kwargs: Any) -> bool:
        return True


class No(BasePermission):
    async def has_permission(self, *args: Any, **kwargs: Any) -> bool:
        return False


class Nothing(BasePermission):
    """Says nothing at all."""


class Stranger(BasePermission):
    """May connect when nobody is logged in."""

    async def can_connect(self, scope: dict[str, Any], *args: Any, **kwargs: Any) -> bool:
        return bool(scope["user"].is_anonymous)

    async def has_permission(self, *args: Any, **kwargs: Any) -> bool:
        return True


class DRFYes(drf.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return True


class DRFNo(drf.BasePermission):
    message = "Not on a Monday."

    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(request.method == "HEAD")


def guarded(*classes: Any) -> type[AsyncAPIConsumer]:
    """A consumer with one action, behind these permissions."""

    class Guarded(AsyncAPIConsumer):
        permission_classes = classes

        @action()
        async def enter(self, **kwargs: Any) -> tuple[str, int]:
            return "come in", 200

    return Guarded


async def status_of_call(*classes: Any, **scope: Any) -> int:
    async with connected(guarded(*classes), **scope) as client:
        status: int = (await client.call("enter"))["response_status"]
        return status


async def test_a_refusal_is_answered_and_says_why() -> None:
    async with connected(guarded(DRFNo)) as client:
        frame = await client.call("enter", request_id=7)
    assert frame == {
        "errors": ["Not on a Monday."],
        "data": None,
        "action": "enter",
        "response_status": 403,
        "request_id": 7,
    }


@pytest.mark.parametrize(
    ("permission", "status"),
    [
        (Yes, 200),
        (No, 403),
        (Nothing, 403),
        (AllowAny, 200),
        (IsAuthenticated, 403),
        (Yes & Yes, 200),
        (Yes & No, 403),
        (Yes | No, 200),
        (No | Yes, 200),
        (No | No, 403),
        (~No, 200),
        (~Yes, 403),
        (~~Yes, 200),
        ((Yes & No) | Yes, 200),
        (Yes & (No | ~No), 200),
        (~(Yes & No), 200),
        (~(No | No), 200),
        # DRF's class on the left: its operators take a coroutine for a yes.
        (DRFYes & No, 403),
        (DRFNo | No, 403),
        (DRFYes & Yes, 200),
        (DRFNo | Yes, 200),
        (~(DRFYes & No), 200),
        # ours on the left
        (Yes & DRFNo, 403),
        (No | DRFYes, 200),
        (No | DRFNo, 403),
        # both sides DRF's
        (DRFYes & DRFNo, 403),
        (DRFYes | DRFNo, 200),
    ],
)
async def test_permissions_combine_with_each_other_and_with_those_of_drf(
    permission: Any, status: int
) -> None:
    assert await status_of_call(permission) == status


async def test_every_permission_of_a_consumer_must_agree() -> None:
    assert await status_of_call(Yes, Yes) == 200
    assert await status_of_call(Yes, No) == 403


async def test_a_permission_that_answers_nothing_denies() -> None:
    assert await status_of_call(Nothing) == 403


async def test_a_synchronous_permission_that_passes_on_our_coroutine_is_awaited() -> None:
    """``return super().has_permission(...)`` in a plain ``def`` returns a coroutine: no yes."""

    class Plain(No):
        def has_permission(self, *args: Any, **kwargs: Any) -> Any:
            return super().has_permission(*args, **kwargs)

    assert await status_of_call(Plain) == 403
    assert await status_of_call(Plain | No) == 403
    assert await status_of_call(~Plain) == 200


async def test_who_is_logged_in_may() -> None:
    assert await status_of_call(IsAuthenticated, user=SOMEBODY) == 200
    assert await status_of_call(IsAuthenticated, user=AnonymousUser()) == 403


@pytest.mark.parametrize("permission", [IsAuthenticated, drf.IsAuthenticated & AllowAny])
async def test_without_the_auth_middleware_nobody_is_logged_in(permission: Any) -> None:
    class Polite(IsAuthenticated):
        """Asks at the first call only."""

    async with connected(guarded(Polite), without=("user",)) as client:
        assert (await client.call("enter"))["response_status"] == 403
    async with connected(guarded(AllowAny), without=("user",)) as client:
        assert (await client.call("enter"))["response_status"] == 200


async def test_without_the_auth_middleware_drf_sees_an_anonymous_user() -> None:
    seen: list[Any] = []

    class Looks(drf.BasePermission):
        def has_permission(self, request: Any, view: Any) -> bool:
            seen.append(request.user)
            return True

    async with connected(guarded(Looks), without=("user",)):
        pass
    assert [type(user) for user in seen] == [AnonymousUser]


# -- connecting -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permission", "nobody", "somebody"),
    [
        (No, True, True),
        (Stranger, True, False),
        (~Stranger, False, True),
        # What says nothing about connecting has nothing that could be negated.
        (~No, True, True),
        (~Yes, True, True),
        (~(Yes & No), True, True),
        (~(Yes | No), True, True),
        (~~Yes, True, True),
        (~(Yes | Stranger), False, True),
        (~(Stranger & Stranger), False, True),
        (~~Stranger, True, False),
        (Stranger | drf.IsAuthenticated, True, True),
        (Stranger & drf.IsAuthenticated, False, False),
        # A DRF class is asked for connecting too.
        (drf.IsAuthenticated, False, True),
        (~drf.IsAuthenticated & AllowAny, True, False),
        (drf.IsAuthenticated & Yes, False, True),
    ],
)
async def test_who_may_connect(permission: Any, nobody: bool, somebody: bool) -> None:
    consumer = guarded(permission)
    assert await may_connect(consumer) is nobody
    assert await may_connect(consumer, user=SOMEBODY) is somebody


# -- DRF's own --------------------------------------------------------------------


class Everything(
    ListModelMixin,
    CreateModelMixin,
    UpdateModelMixin,
    PatchModelMixin,
    DeleteModelMixin,
    ObserverModelInstanceMixin,
    GenericAsyncAPIConsumer,
):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer

    @action()
    async def archive(self, **kwargs: Any) -> tuple[None, int]:
        return None, 200

    @model_observer(Note)
    async def notes(self, message: Any, **kwargs: Any) -> None: ...

    @action(subscribes="notes")
    async def follow(self, **kwargs: Any) -> tuple[None, int]:
        return None, 201

    @action(kind="query")
    async def count(self, **kwargs: Any) -> tuple[int, int]:
        return 0, 200


class Records(drf.BasePermission):
    """Writes down what a DRF permission sees, and agrees."""

    seen: list[Any] = []

    def has_permission(self, request: Any, view: Any) -> bool:
        self.seen.append((view.action, request.method))
        return True


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("list", "GET"),
        ("retrieve", "GET"),
        ("create", "POST"),
        ("update", "PUT"),
        ("patch", "PATCH"),
        ("delete", "DELETE"),
        ("subscribe_instance", "GET"),
        ("unsubscribe_instance", "GET"),
        ("archive", "POST"),
        ("count", "GET"),
        ("follow", "GET"),
        ("no_such_action", "POST"),
    ],
)
@pytest.mark.django_db(transaction=True)
async def test_a_drf_permission_sees_the_http_method_of_the_action(name: str, method: str) -> None:
    class Recording(Everything):
        permission_classes = [Records]

    Records.seen.clear()
    async with connected(Recording) as client:
        await client.call(name, pk=0, data={})
    assert Records.seen == [("connect", "HEAD"), (name, method)]


async def test_an_action_of_the_app_is_no_safe_method() -> None:
    assert await status_of_call(drf.IsAuthenticatedOrReadOnly) == 403
    assert await status_of_call(drf.IsAuthenticatedOrReadOnly, user=SOMEBODY) == 200


async def test_a_drf_permission_sees_headers_cookies_query_data_and_arguments() -> None:
    seen: dict[str, Any] = {}

    class Looks(drf.BasePermission):
        def has_permission(self, request: Any, view: Any) -> bool:
            seen["authorization"] = request.META.get("HTTP_AUTHORIZATION")
            seen["header"] = request.headers.get("X-Tenant")
            seen["query"] = request.query_params.dict()
            seen["data"] = request.data
            seen["kwargs"] = view.kwargs
            seen["secure"] = request.is_secure()
            return True

    headers = [(b"host", b"testserver"), (b"authorization", b"Token 7"), (b"x-tenant", b"blue")]
    async with connected(
        guarded(Looks), headers=headers, query_string=b"a=1", scheme="wss"
    ) as client:
        await client.call("enter", pk=3, query={"b": 2, "yes": True}, data={"title": "x"})
    assert seen == {
        "authorization": "Token 7",
        "header": "blue",
        "query": {"a": "1", "b": "2", "yes": "true"},
        "data": {"title": "x"},
        "kwargs": {"pk": 3, "query": {"b": 2, "yes": True}, "data": {"title": "x"}},
        "secure": True,
    }


async def test_a_permission_may_raise_a_refusal_of_its_own() -> None:
    class Expired(BasePermission):
        async def has_permission(self, *args: Any, **kwargs: Any) -> bool:
            raise AuthenticationFailed("The token has expired.")

    async with connected(guarded(Expired)) as client:
        frame = await client.call("enter")
    assert (frame["response_status"], frame["errors"]) == (401, ["The token has expired."])


# -- object permissions -------------------------------------------------------------


class MineOnly(drf.BasePermission):
    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return bool(obj.text == "mine")


class ReadYours(BasePermission):
    """Ours: everybody reads, only "mine" is written."""

    async def has_permission(self, *args: Any, **kwargs: Any) -> bool:
        return True

    async def has_object_permission(
        self, scope: Any, consumer: Any, action: str, obj: Any, **kwargs: Any
    ) -> bool:
        return action == "retrieve" or obj.text == "mine"


class Deaf(BasePermission):
    """Agrees to nothing, but to every object."""

    async def has_permission(self, *args: Any, **kwargs: Any) -> bool:
        return False

    async def has_object_permission(self, *args: Any, **kwargs: Any) -> bool:
        return True


@pytest.mark.parametrize(
    ("permission", "reads", "writes"),
    [
        (MineOnly, 403, 403),
        (ReadYours, 200, 403),
        (MineOnly & ReadYours, 403, 403),
        (ReadYours & AllowAny, 200, 403),
        (MineOnly | ReadYours, 200, 403),
        (AllowAny | MineOnly, 200, 204),
        # Only who agrees to the action may agree to the object.
        (Deaf | MineOnly, 403, 403),
    ],
)
@pytest.mark.django_db(transaction=True)
async def test_object_permissions_are_asked_by_get_object(
    permission: Any, reads: int, writes: int
) -> None:
    class Owned(RetrieveModelMixin, DeleteModelMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class = NoteSerializer
        permission_classes = [permission]

    yours = await in_thread(Note.objects.create, text="yours")
    mine = await in_thread(Note.objects.create, text="mine")
    async with connected(Owned) as client:
        assert (await client.call("retrieve", pk=mine.pk))["response_status"] == 200
        assert (await client.call("retrieve", pk=yours.pk))["response_status"] == reads
        assert (await client.call("delete", pk=yours.pk))["response_status"] == writes
        assert (await client.call("delete", pk=mine.pk))["response_status"] == 204


@pytest.mark.django_db(transaction=True)
async def test_the_object_is_asked_of_the_permission_that_the_call_asked() -> None:
    """What a permission has found out about the call it may use for the object."""
    asked: list[int] = []

    class Remembers(BasePermission):
        async def has_permission(self, *args: Any, **kwargs: Any) -> bool:
            asked.append(id(self))
            return True

        async def has_object_permission(self, *args: Any, **kwargs: Any) -> bool:
            asked.append(id(self))
            return True

    class Owned(RetrieveModelMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class = NoteSerializer
        permission_classes = [Remembers]

    note = await in_thread(Note.objects.create, text="a")
    async with connected(Owned) as client:
        await client.call("retrieve", pk=note.pk)
    first, second = asked
    assert first == second


@pytest.mark.django_db(transaction=True)
async def test_a_synchronous_permission_may_use_the_orm() -> None:
    class Counts(BasePermission):
        def has_permission(self, *args: Any, **kwargs: Any) -> Any:
            return not Note.objects.exists()

    assert await status_of_call(Counts) == 200


def test_an_action_is_no_reading_one_because_its_name_begins_with_subscribe() -> None:
    """Only an action that subscribes an observer is asked for as GET."""

    class Newsletter(AsyncAPIConsumer):
        @action()
        async def subscribe_to_newsletter(self, address: str, **kwargs: Any) -> None: ...

    assert Newsletter().http_method_of("subscribe_to_newsletter") == "POST"
