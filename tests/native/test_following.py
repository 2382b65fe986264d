"""A changed row is read once for all who read it alike, and by each who does not."""

from __future__ import annotations

import asyncio
import functools
import gc
from contextlib import AsyncExitStack
from typing import Any

import pytest
from django.test import override_settings
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.filters import BaseFilterBackend
from rest_framework.permissions import IsAdminUser

from dcrf_graph.calls import Call
from dcrf_graph.changes.hub import hub
from dcrf_graph.decorators import action
from dcrf_graph.following import Noticing
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import DeleteModelMixin
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.permissions import BasePermission, IsAuthenticated
from dcrf_graph.routers import Router
from tests.native.client import PATIENCE, SOMEBODY, SOMEBODY_ELSE, connected, in_thread
from tests.native.serializers import NoteSerializer
from tests.testapp.models import Note
from tests.transports.sockets import graphql

pytestmark = pytest.mark.django_db(transaction=True)


class Counted(NoteSerializer):
    """Counts how often a row is written."""

    written: list[Any] = []

    def to_representation(self, instance: Any) -> Any:
        self.written.append(instance.pk)
        return super().to_representation(instance)


class Notes(ObserverModelInstanceMixin, DeleteModelMixin, GenericAsyncAPIConsumer):
    queryset = Note.objects.all()
    serializer_class: Any = Counted
    permission_classes: Any = [IsAuthenticated]


async def told(consumer_class: Any, *users: Any, clients: int = 1) -> list[Any]:
    """What each client of each user hears of one change; ``Counted.written`` is of that alone."""
    note = await in_thread(Note.objects.create, text="old")
    async with AsyncExitStack() as stack:
        opened = []
        for user in users:
            for _ in range(clients):
                client = await stack.enter_async_context(connected(consumer_class, user=user))
                await client.call("subscribe_instance", request_id=7, pk=note.pk)
                opened.append(client)
        Counted.written.clear()
        note.text = "new"
        await in_thread(note.save)
        return [frame["data"] for client in opened for frame in await client.rest()]


CHANGED = "subscription($pk: ID!) { noteChanged(id: $pk) { data { id text } } }"


async def told_in_graphql(consumer_class: Any, *users: Any, clients: int = 1) -> list[Any]:
    """The same in GraphQL; None for an error."""
    router = Router()
    router.register("notes", consumer_class)
    note = await in_thread(Note.objects.create, text="old")
    async with AsyncExitStack() as stack:
        opened = []
        for user in users:
            for _ in range(clients):
                client = await stack.enter_async_context(graphql(router, user=user))
                await client.start("w", CHANGED, pk=note.pk)
                opened.append(client)
        async with asyncio.timeout(PATIENCE):
            while hub.count() < len(opened):  # noqa: ASYNC110  (the hub tells nobody)
                await asyncio.sleep(0)
        Counted.written.clear()
        note.text = "new"
        await in_thread(note.save)
        results = [await client.next("w") for client in opened]
    return [
        (each["data"] or {"noteChanged": {"data": None}})["noteChanged"]["data"] for each in results
    ]


@pytest.fixture(params=[told, told_in_graphql], ids=["native", "graphql"])
def hear(request: pytest.FixtureRequest) -> Any:
    """What clients hear of one change, by one of the protocols."""
    return request.param


async def test_a_row_is_read_once_for_all_clients_of_all_users(hear: Any) -> None:
    heard = await hear(Notes, SOMEBODY, SOMEBODY_ELSE, clients=5)
    assert [each["text"] for each in heard] == ["new"] * 10
    assert len(Counted.written) == 1


class OfUser(Counted):
    """Says to whom it is written, as adversaries find out."""

    way: Any = None
    text = serializers.SerializerMethodField()

    def get_text(self, note: Note) -> str:
        return f"for {type(self).way(self).username}"


WAYS: dict[str, Any] = {
    "scope": lambda self: self.context["scope"]["user"],
    "request": lambda self: self.context.get("request").user,
    "consumer": lambda self: self.context["consumer"].scope["user"],
    "view": lambda self: dict(self.context)["view"].request.user,
    "unpacked": lambda self: {**self.context}["scope"]["user"],
    "private": lambda self: self.root._context["scope"]["user"],
    "items": lambda self: next(v for k, v in self.context.items() if k == "scope")["user"],
    "copy": lambda self: self.context.copy()["scope"]["user"],
    "merged": lambda self: (self.context | {})["scope"]["user"],
}


class Loud(Counted):
    text = serializers.SerializerMethodField()

    def get_text(self, note: Note) -> str:
        return note.text.upper()


@pytest.mark.parametrize("computed", [property, functools.cached_property])
@pytest.mark.parametrize("read_before", [False, True])
async def test_a_serializer_that_a_property_chooses_is_each_clients_own(
    hear: Any, computed: Any, read_before: bool
) -> None:
    class Own(Notes):
        def chosen(self) -> Any:
            # The schema asks without a client.
            return Loud if getattr(self, "scope", {}).get("user") is SOMEBODY else Counted

        serializer_class = computed(chosen)
        if computed is functools.cached_property:
            serializer_class.__set_name__(None, "serializer_class")

        async def connect(self) -> None:
            if read_before:
                assert self.serializer_class
            await super().connect()

    heard = await hear(Own, SOMEBODY, SOMEBODY_ELSE)
    assert [each["text"] for each in heard] == ["NEW", "new"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_serializer_that_looks_at_its_context_writes_for_each_client(
    hear: Any, way: str
) -> None:
    class Own(Notes):
        serializer_class = type("Own", (OfUser,), {"way": staticmethod(WAYS[way])})

    heard = await hear(Own, SOMEBODY, SOMEBODY_ELSE)
    assert [each["text"] for each in heard] == ["for somebody", "for somebody else"]


async def test_an_overridden_queryset_is_asked_for_each_client(hear: Any) -> None:
    class Own(Notes):
        hidden: Any = False

        def get_queryset(self, **kwargs: Any) -> Any:
            rows = super().get_queryset(**kwargs)
            mine = not self.hidden or self.scope["user"].pk == SOMEBODY.pk
            return rows if mine else rows.none()

        async def handle_observed_action(self, *args: Any, **kwargs: Any) -> None:
            type(self).hidden = True
            await super().handle_observed_action(*args, **kwargs)

    mine, others = await hear(Own, SOMEBODY, SOMEBODY_ELSE)
    assert (mine["text"], others) == ("new", None)


async def test_a_filter_of_the_applications_own_is_asked_for_each_client(hear: Any) -> None:
    class Hiding(BaseFilterBackend):
        """Hides what is not old any more from everybody but somebody."""

        def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
            return queryset if request.user.pk == SOMEBODY.pk else queryset.filter(text="old")

    class Own(Notes):
        filter_backends = [Hiding]

    mine, others = await hear(Own, SOMEBODY, SOMEBODY_ELSE)
    assert (mine["text"], others) == ("new", None)


async def test_a_permission_that_is_added_while_somebody_listens_is_asked() -> None:
    class Own(Notes):
        permission_classes = [IsAuthenticated]

    note = await in_thread(Note.objects.create, text="old")
    async with connected(Own, user=SOMEBODY) as client:
        await client.call("subscribe_instance", request_id=7, pk=note.pk)
        await in_thread(note.save)
        assert (await client.frame())["response_status"] == 200
        Own.permission_classes.append(IsAdminUser)
        await in_thread(note.save)
        assert (await client.frame())["response_status"] == 403
        await in_thread(note.save)
        assert await client.silent()


async def test_a_way_of_asking_that_a_consumer_gets_while_it_listens_is_asked() -> None:
    class Own(Notes):
        @action()
        async def close_up(self, **kwargs: Any) -> None:
            async def nobody(*args: Any, **kwargs: Any) -> None:
                raise PermissionDenied()

            self.check_permissions = nobody  # type: ignore[method-assign]

    note = await in_thread(Note.objects.create, text="old")
    async with connected(Own, user=SOMEBODY) as client:
        await client.call("subscribe_instance", request_id=7, pk=note.pk)
        await in_thread(note.save)
        assert (await client.frame())["response_status"] == 200
        await client.call("close_up", request_id=8)
        await in_thread(note.save)
        assert (await client.frame())["response_status"] == 403


@pytest.mark.parametrize("name", ["serializer_class", "queryset"])
async def test_a_consumer_that_changes_how_it_reads_after_subscribing_reads_alone(
    name: str,
) -> None:
    class Shouted(Counted):
        def to_representation(self, instance: Any) -> Any:
            return {**super().to_representation(instance), "text": instance.text.upper()}

    def changed(consumer: Any) -> None:
        own = {"serializer_class": Shouted, "queryset": Note.objects.exclude(text="newest")}
        setattr(consumer, name, own[name])

    class Changing(Notes):
        @action()
        async def change(self, **kwargs: Any) -> None:
            changed(self)

    note = await in_thread(Note.objects.create, text="old")
    async with (
        connected(Changing, user=SOMEBODY) as changing,
        connected(Changing, user=SOMEBODY) as same,
    ):
        for client in (changing, same):
            await client.call("subscribe_instance", request_id=7, pk=note.pk)
        for text in ("new", "newest"):
            note.text = text
            await in_thread(note.save)
            if text == "new":
                assert (await changing.frame())["data"]["text"] == "new"
                await changing.call("change", request_id=8)
        [last] = await changing.rest()
        heard = (last["data"] or {}).get("text"), last["response_status"]
        assert heard == {"serializer_class": ("NEWEST", 200), "queryset": (None, 404)}[name]
        assert [each["data"]["text"] for each in await same.rest()] == ["new", "newest"]


async def test_a_handler_of_the_applications_own_tells_a_shared_row_itself() -> None:
    class Own(Notes):
        async def handle_observed_action(
            self, action: str, group: str | None = None, **kwargs: Any
        ) -> None:
            await self.send_json({"own": action, "data": kwargs["pk"]})

    [first, second] = await told(Own, SOMEBODY, clients=2)
    assert isinstance(first, int)
    assert first == second


class Trusted(BasePermission):
    """Somebody may look, until somebody else is asked."""

    def has_object_permission(  # type: ignore[override]
        self, scope: Any, consumer: Any, action: str, obj: Any, **kwargs: Any
    ) -> bool:
        return bool(obj.text == "old" or scope["user"].pk == SOMEBODY.pk)

    async def has_permission(self, scope: Any, consumer: Any, action: str, **kwargs: Any) -> bool:
        return True


async def test_a_permission_of_the_applications_own_is_asked_for_each_client(hear: Any) -> None:
    class Own(Notes):
        permission_classes = [IsAuthenticated & Trusted]

    mine, others = await hear(Own, SOMEBODY, SOMEBODY_ELSE)
    assert (mine["text"], others) == ("new", None)


async def test_each_user_of_a_shared_row_is_asked_who_it_is() -> None:
    """A demotion is seen by the next event, by the socket of that user alone."""

    class Own(Notes):
        permission_classes = [IsAdminUser]

    staff = type(SOMEBODY)(pk=3, username="staff", is_staff=True)
    former = type(SOMEBODY)(pk=4, username="former", is_staff=True)
    note = await in_thread(Note.objects.create, text="old")
    async with connected(Own, user=staff) as one, connected(Own, user=former) as other:
        for client in (one, other):
            await client.call("subscribe_instance", request_id=7, pk=note.pk)
        former.is_staff = False
        note.text = "new"
        await in_thread(note.save)
        assert [frame["response_status"] for frame in await one.rest()] == [200]
        assert [frame["response_status"] for frame in await other.rest()] == [403]


async def test_a_reply_of_the_applications_own_gets_its_own_copy(hear: Any) -> None:
    class Own(Notes):
        async def reply(self, action: Any, data: Any = None, **kwargs: Any) -> None:  # type: ignore[override]
            if data is not None:
                data["text"] += self.scope["user"].username
            await super().reply(action=action, data=data, **kwargs)

    heard = await hear(Own, SOMEBODY, SOMEBODY_ELSE)
    assert [each["text"] for each in heard] == ["newsomebody", "newsomebody else"]


class Replying(Notes):
    """Its frames go by a reply of the application's own, one by one."""

    async def reply(self, *args: Any, **kwargs: Any) -> None:
        await super().reply(*args, **kwargs)


@pytest.mark.parametrize("request_id", [7, "7", 'a "quoted" one', 1.5, True, 2**70])
async def test_the_frame_of_a_shared_row_is_the_one_that_reply_writes(request_id: Any) -> None:
    note = await in_thread(Note.objects.create, text="old")
    async with connected(Notes, user=SOMEBODY) as one, connected(Replying, user=SOMEBODY) as other:
        for client in (one, other):
            await client.call("subscribe_instance", request_id=request_id, pk=note.pk)
        await in_thread(note.save)
        [shared], [own] = await one.rest(), await other.rest()
        assert shared == own
        assert shared["request_id"] == request_id
        assert list(shared) == list(own)


async def test_who_changes_a_shared_row_hears_of_it_after_the_reply() -> None:
    """Also where all others have heard of it long before."""
    heard = asyncio.Event()

    class Saving(Notes):
        @action()
        async def save(self, pk: int, **kwargs: Any) -> tuple[None, int]:
            await (await Note.objects.aget(pk=pk)).asave()
            await asyncio.wait_for(heard.wait(), PATIENCE)
            return None, 200

    note = await in_thread(Note.objects.create, text="old")
    async with connected(Saving, user=SOMEBODY) as one, connected(Saving, user=SOMEBODY) as other:
        for client in (one, other):
            await client.call("subscribe_instance", request_id=7, pk=note.pk)
        await one.send("save", 8, pk=note.pk)
        assert (await other.frame())["action"] == "update"
        assert await other.silent()
        heard.set()
        assert [frame["request_id"] for frame in await one.frames(2)] == [8, 7]


async def test_a_call_is_forgotten_when_its_own_event_has_been_told() -> None:
    class Saving(Notes):
        @action()
        async def save(self, pk: int, **kwargs: Any) -> tuple[None, int]:
            await (await Note.objects.aget(pk=pk)).asave()
            return None, 200

    note = await in_thread(Note.objects.create, text="old")
    async with connected(Saving, user=SOMEBODY) as client:
        await client.call("subscribe_instance", request_id=7, pk=note.pk)
        await client.send("save", 8, pk=note.pk)
        await client.frames(2)
        await client.rest()
        gc.collect()
        assert not [each for each in gc.get_objects() if is_call(each, "save")]


def is_call(each: object, action: str) -> bool:
    return type(each) is Call and each.action == action


async def test_whoever_may_read_the_row_hears_of_its_deletion() -> None:
    """An object permission that looks the row up finds none when it has been deleted."""

    class StillThere(Trusted):
        async def has_object_permission(  # type: ignore[override]
            self, scope: Any, consumer: Any, action: str, obj: Any, **kwargs: Any
        ) -> bool:
            return await Note.objects.filter(pk=obj.pk).aexists()

    class Own(Notes):
        permission_classes = [StillThere]

    note = await in_thread(Note.objects.create, text="old")
    pk = note.pk
    async with connected(Own, user=SOMEBODY) as client:
        await client.call("subscribe_instance", request_id=7, pk=pk)
        await in_thread(note.delete)
        [frame] = await client.rest()
    assert (frame["response_status"], frame["action"], frame["data"]) == (204, "delete", {"pk": pk})


@override_settings(DCRF_GRAPH={"MAX_SUBSCRIPTIONS": 500})
async def test_a_row_that_left_the_queryset_ends_each_follower(hear: Any) -> None:
    class Own(Notes):
        queryset = Note.objects.filter(text="old")

    heard = await hear(Own, SOMEBODY, SOMEBODY_ELSE)
    assert heard == [None, None]


def test_a_context_that_nobody_looks_into_notices_nothing() -> None:
    context = Noticing({"a": 1})
    assert not context.noticed
    assert {**context} == {"a": 1}
    assert context.noticed


async def test_permissions_that_a_property_names_are_asked_for_each_client(hear: Any) -> None:
    class Own(Notes):
        @property
        def permission_classes(self) -> Any:
            return [IsAuthenticated]

    heard = await hear(Own, SOMEBODY, SOMEBODY_ELSE)
    assert [each["text"] for each in heard] == ["new", "new"]
