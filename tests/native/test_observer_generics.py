"""Following one row: ``subscribe_instance``, its events, and what ends them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from dcrf_graph.changes.hub import hub
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import DeleteModelMixin, PatchModelMixin
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.permissions import BasePermission
from tests.native.client import Client, connected, in_thread
from tests.native.serializers import ArticleSerializer, NoteSerializer
from tests.testapp.models import Article, Label, Note, Slugged

pytestmark = pytest.mark.django_db(transaction=True)


class Notes(ObserverModelInstanceMixin, PatchModelMixin, DeleteModelMixin, GenericAsyncAPIConsumer):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer


@pytest.fixture
async def note() -> Note:
    return await in_thread(Note.objects.create, text="old")


def rename(row: Any, text: str = "new") -> None:
    row.text = text
    row.save()


async def follow(client: Client, row: Any, *request_ids: Any) -> None:
    for request_id in request_ids:
        frame = await client.call("subscribe_instance", request_id=request_id, pk=row.pk)
        assert (frame["response_status"], frame["data"]) == (201, None)


async def test_a_follower_hears_changes_as_retrieve_answers_them(note: Note) -> None:
    pk = note.pk
    async with connected(Notes) as client:
        await follow(client, note, 7)
        await in_thread(rename, note)
        assert await client.frame() == {
            "errors": [],
            "data": {"id": pk, "text": "new"},
            "action": "update",
            "response_status": 200,
            "request_id": 7,
        }
        await in_thread(note.delete)
        assert await client.frame() == {
            "errors": [],
            "data": {"pk": pk},
            "action": "delete",
            "response_status": 204,
            "request_id": 7,
        }
        assert await client.silent()


async def test_the_changes_of_other_rows_are_not_heard(note: Note) -> None:
    other = await in_thread(Note.objects.create, text="other")
    async with connected(Notes) as client:
        await follow(client, note, 7)
        await in_thread(rename, other)
        assert await client.silent()


async def test_every_request_hears_and_the_row_is_read_once(note: Note) -> None:
    read: list[Any] = []

    class Counted(Notes):
        def get_queryset(self, **kwargs: Any) -> Any:
            read.append(kwargs["action"])
            return super().get_queryset(**kwargs)

    async with connected(Counted) as client:
        await follow(client, note, 1, 2, 3)
        read.clear()
        await in_thread(rename, note)
        assert [frame["request_id"] for frame in await client.rest()] == [1, 2, 3]
        assert read == ["update"]


async def test_requests_that_asked_for_different_things_are_answered_differently(
    note: Note,
) -> None:
    class Fields(Notes):
        def get_serializer(self, action_kwargs: Any = None, *args: Any, **kwargs: Any) -> Any:
            serializer = super().get_serializer(action_kwargs, *args, **kwargs)
            for name in (action_kwargs or {}).get("without", []):
                del serializer.fields[name]
            return serializer

    async with connected(Fields) as client:
        await client.call("subscribe_instance", request_id=1, pk=note.pk)
        await client.call("subscribe_instance", request_id=2, pk=note.pk, without=["id"])
        await in_thread(rename, note)
        first, second = [frame["data"] for frame in await client.rest()]
    assert (first, second) == ({"id": note.pk, "text": "new"}, {"text": "new"})


async def test_a_request_that_subscribes_twice_hears_once(note: Note) -> None:
    async with connected(Notes) as client:
        await follow(client, note, 7, 7)
        await in_thread(rename, note)
        assert len(await client.rest()) == 1


async def test_subscribing_needs_a_request_id(note: Note) -> None:
    async with connected(Notes) as client:
        await client.send("subscribe_instance", pk=note.pk)
        frame = await client.frame()
        assert (frame["response_status"], list(frame["errors"][0])) == (400, ["request_id"])
    assert hub.count() == 0


async def test_a_row_that_is_not_there_cannot_be_followed() -> None:
    async with connected(Notes) as client:
        frame = await client.call("subscribe_instance", pk=0)
        assert frame["response_status"] == 404
        frame = await client.call("subscribe_instance")
        assert frame["errors"] == [{"pk": ["This field is required."]}]
        assert hub.count() == 0


# -- unsubscribing ------------------------------------------------------------------


async def test_one_request_unsubscribes_and_the_others_go_on(note: Note) -> None:
    async with connected(Notes) as client:
        await follow(client, note, 1, 2)
        frame = await client.call("unsubscribe_instance", request_id=1, pk=note.pk)
        assert frame["response_status"] == 204
        await in_thread(rename, note)
        assert [frame["request_id"] for frame in await client.rest()] == [2]


async def test_a_request_that_has_subscribed_nothing_ends_what_follows_the_row(
    note: Note,
) -> None:
    other = await in_thread(Note.objects.create, text="other")
    async with connected(Notes) as client:
        await follow(client, note, 1, 2)
        await follow(client, other, 3)
        await client.call("unsubscribe_instance", request_id=9, pk=note.pk)
        assert hub.count() == 1
        await client.send("unsubscribe_instance", pk=other.pk)
        assert (await client.frame())["response_status"] == 204
        assert hub.count() == 0


async def test_a_request_that_follows_two_rows_unsubscribes_them_one_by_one(note: Note) -> None:
    other = await in_thread(Note.objects.create, text="other")
    async with connected(Notes) as client:
        await follow(client, note, 7)
        await follow(client, other, 7)
        await client.call("unsubscribe_instance", request_id=7, pk=note.pk)
        await in_thread(rename, note)
        await in_thread(rename, other)
        assert [frame["data"]["id"] for frame in await client.rest()] == [other.pk]
        await client.call("unsubscribe_instance", request_id=7)
        assert hub.count() == 0


async def test_a_row_that_is_gone_can_be_unsubscribed(note: Note) -> None:
    pk = note.pk
    async with connected(Notes) as client:
        await follow(client, note, 7)
        await in_thread(note.delete)
        assert (await client.frame())["action"] == "delete"
        frame = await client.call("unsubscribe_instance", request_id=7, pk=pk)
        assert frame["response_status"] == 204
        assert hub.count() == 0


# -- permissions at delivery ---------------------------------------------------------


class Revocable(BasePermission):
    """Agrees until the test says otherwise, and writes down what it is asked."""

    revoked = False
    asked: list[str] = []

    async def has_permission(self, scope: Any, consumer: Any, action: str, **kwargs: Any) -> bool:
        self.asked.append(action)
        return not self.revoked


@pytest.fixture(autouse=True)
def nothing_revoked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Revocable, "revoked", False)
    monkeypatch.setattr(Revocable, "asked", [])


async def test_when_permission_is_revoked_one_refusal_comes_and_no_row(note: Note) -> None:
    class Guarded(Notes):
        permission_classes = [Revocable]

    async with connected(Guarded) as client:
        await follow(client, note, 7)
        Revocable.revoked = True
        await in_thread(rename, note, "secret")
        (frame,) = await client.rest()
        assert (frame["response_status"], frame["request_id"]) == (403, 7)
        assert frame["data"] is None
        Revocable.revoked = False
        await in_thread(rename, note, "secret again")
        assert await client.silent()
        assert hub.count() == 0


async def test_at_delivery_the_subscribing_action_is_asked_for(note: Note) -> None:
    class Reads(BasePermission):
        """Who may not change a row goes on reading it."""

        async def has_permission(
            self, scope: Any, consumer: Any, action: str, **kwargs: Any
        ) -> bool:
            asked.append((action, kwargs))
            return action == "subscribe_instance"

    class Guarded(Notes):
        permission_classes = [Reads]

    asked: list[Any] = []
    async with connected(Guarded) as client:
        await follow(client, note, 7)
        await in_thread(rename, note)
        assert [frame["response_status"] for frame in await client.rest()] == [200]
    assert asked == [("subscribe_instance", {"pk": note.pk})] * 2


async def test_the_object_is_asked_about_when_subscribing_and_at_every_delivery(
    note: Note,
) -> None:
    class NotSecret(BasePermission):
        async def has_permission(self, *args: Any, **kwargs: Any) -> bool:
            return True

        async def has_object_permission(
            self, scope: Any, consumer: Any, action: str, obj: Any, **kwargs: Any
        ) -> bool:
            asked.add(action)
            return bool(obj.text != "secret")

    class Guarded(Notes):
        permission_classes = [NotSecret]

    asked: set[str] = set()
    secret = await in_thread(Note.objects.create, text="secret")
    async with connected(Guarded) as client:
        frame = await client.call("subscribe_instance", pk=secret.pk)
        assert frame["response_status"] == 403
        await follow(client, note, 7)
        await in_thread(rename, note, "fine")
        assert [frame["response_status"] for frame in await client.rest()] == [200]
        await in_thread(rename, note, "secret")
        (frame,) = await client.rest()
        assert (frame["response_status"], frame["data"], frame["request_id"]) == (403, None, 7)
        assert hub.count() == 0
    assert asked == {"subscribe_instance"}


async def test_a_row_that_leaves_the_clients_sight_ends_the_subscription(note: Note) -> None:
    class Public(Notes):
        def get_queryset(self, **kwargs: Any) -> Any:
            return super().get_queryset(**kwargs).exclude(text="secret")

    async with connected(Public) as client:
        await follow(client, note, 7)
        await in_thread(rename, note, "secret")
        (frame,) = await client.rest()
        assert (frame["response_status"], frame["data"]) == (404, None)
        assert hub.count() == 0


# -- transactions ---------------------------------------------------------------------


async def test_what_a_savepoint_takes_back_is_never_heard(note: Note) -> None:
    def work() -> None:
        with transaction.atomic():
            rename(note, "outer")
            with suppress(ValueError), transaction.atomic():
                rename(note, "inner")
                raise ValueError

    async with connected(Notes) as client:
        await follow(client, note, 7)
        await in_thread(work)
        assert [frame["data"]["text"] for frame in await client.rest()] == ["outer"]


async def test_what_a_transaction_takes_back_is_never_heard(note: Note) -> None:
    def work() -> None:
        with transaction.atomic():
            rename(note, "never")
            transaction.set_rollback(True)

    async with connected(Notes) as client:
        await follow(client, note, 7)
        await in_thread(work)
        assert await client.silent()


async def test_the_reply_to_a_change_comes_before_its_event(note: Note) -> None:
    async with connected(Notes) as client:
        await follow(client, note, 7)
        for number in range(5):
            await client.send("patch", request_id=f"patch {number}", pk=note.pk, data={"text": "x"})
            reply, event = await client.frames(2)
            assert (reply["request_id"], event["request_id"]) == (f"patch {number}", 7)
        await client.send("delete", request_id="delete", pk=note.pk)
        reply, event = await client.frames(2)
        assert (reply["request_id"], event["request_id"]) == ("delete", 7)


# -- what is bound to which model --------------------------------------------------------


async def test_two_consumers_of_one_model_share_nothing(note: Note) -> None:
    class Loud(Notes):
        queryset = Note.objects.all()

    async with connected(Notes) as first, connected(Loud) as second:
        await follow(first, note, 7)
        await in_thread(rename, note)
        assert len(await first.rest()) == 1
        assert await second.silent()
        assert second.consumer.subscribed_requests == {}


async def test_a_subclass_without_a_queryset_of_its_own_follows_rows_too(note: Note) -> None:
    class Same(Notes): ...

    async with connected(Notes) as first, connected(Same) as second:
        await follow(first, note, 1)
        await follow(second, note, 2)
        await in_thread(rename, note)
        assert [frame["request_id"] for frame in await first.rest()] == [1]
        assert [frame["request_id"] for frame in await second.rest()] == [2]


async def test_a_mixin_that_is_added_follows_the_rows_of_the_queryset_that_is_inherited(
    note: Note,
) -> None:
    class Plain(GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class = Notes.serializer_class

    class Followed(ObserverModelInstanceMixin, Plain): ...

    async with connected(Followed) as client:
        await follow(client, note, 1)
        await in_thread(rename, note)
        assert [frame["request_id"] for frame in await client.rest()] == [1]


async def test_rows_may_be_followed_by_another_field() -> None:
    class BySlug(ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
        queryset = Slugged.objects.all()
        lookup_field = "slug"

        def get_serializer(self, *args: Any, instance: Any, **kwargs: Any) -> Any:
            return type("Shown", (), {"data": {"slug": instance.slug, "title": instance.title}})

    row = await in_thread(Slugged.objects.create, slug="here", title="a")
    async with connected(BySlug) as client:
        await client.call("subscribe_instance", request_id=7, slug="here")
        row.title = "b"
        await in_thread(row.save)
        assert (await client.frame())["data"] == {"slug": "here", "title": "b"}
        await client.call("unsubscribe_instance", request_id=9, slug="here")
        assert hub.count() == 0


async def test_relations_are_changes_where_the_consumer_says_so() -> None:
    class Articles(ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
        queryset = Article.objects.all()
        serializer_class = ArticleSerializer

    class Related(Articles):
        queryset = Article.objects.all()
        observer_many_to_many_relationships = True

    article = await in_thread(Article.objects.create, title="a")
    label = await in_thread(Label.objects.create, name="red")
    async with connected(Articles) as deaf, connected(Related) as client:
        await follow(deaf, article, 7)
        await follow(client, article, 7)
        await in_thread(article.labels.add, label)
        assert [frame["action"] for frame in await client.rest()] == ["update"]
        await in_thread(label.articles.clear)
        assert [frame["action"] for frame in await client.rest()] == ["update"]
        assert await deaf.silent()


async def test_a_consumer_may_handle_changes_its_own_way(note: Note) -> None:
    class Own(Notes):
        async def handle_observed_action(
            self, action: str, group: str | None = None, **kwargs: Any
        ) -> None:
            await self.send_json({"seen": action, "requests": self.subscribed_requests[str(group)]})

        @classmethod
        async def encode_json(cls, content: Any) -> str:
            if "requests" in content:
                content = {**content, "requests": sorted(content["requests"])}
            return await super().encode_json(content)

    async with connected(Own) as client:
        await follow(client, note, 1, 2)
        await in_thread(rename, note)
        assert await client.rest() == [{"seen": "update", "requests": [1, 2]}]


async def test_nothing_is_read_or_serialized_while_nobody_follows(note: Note) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            rename(note)
        return len(captured)

    assert await in_thread(queries) == 1
