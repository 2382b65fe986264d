"""A consumer of a model: which rows, which row, which serializer, which filters."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from rest_framework import serializers

from dcrf_graph.decorators import action
from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import (
    CreateModelMixin,
    DeleteModelMixin,
    ListModelMixin,
    PatchModelMixin,
    RetrieveModelMixin,
    UpdateModelMixin,
)
from tests.native.client import connected, in_thread
from tests.native.serializers import NoteSerializer
from tests.testapp.models import KeyedByUUID, Note, Slugged

pytestmark = pytest.mark.django_db(transaction=True)


class SluggedSerializer(serializers.ModelSerializer[Slugged]):
    class Meta:
        model = Slugged
        fields = ["slug", "title"]


class Notes(ListModelMixin, RetrieveModelMixin, GenericAsyncAPIConsumer):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer


async def test_a_row_is_found_by_its_key() -> None:
    note = await in_thread(Note.objects.create, text="a")
    async with connected(Notes) as client:
        for pk in (note.pk, str(note.pk)):
            assert (await client.call("retrieve", pk=pk))["data"] == {"id": note.pk, "text": "a"}


@pytest.mark.parametrize("pk", [0, "nonsense", None, 10**30, [1], {"a": 1}, 1.5, "\x00"])
async def test_a_key_that_is_no_rows_is_answered_with_404(pk: Any) -> None:
    async with connected(Notes) as client:
        frame = await client.call("retrieve", request_id=7, pk=pk)
    assert (frame["response_status"], frame["errors"]) == (404, ["Not found"])


async def test_a_call_without_a_key_says_which_argument_is_missing() -> None:
    async with connected(Notes) as client:
        frame = await client.call("retrieve", request_id=7)
    assert frame["response_status"] == 400
    assert frame["errors"] == [{"pk": ["This field is required."]}]


async def test_a_uuid_is_a_key_as_well() -> None:
    class KeyedSerializer(serializers.ModelSerializer[KeyedByUUID]):
        class Meta:
            model = KeyedByUUID
            fields = ["id", "title"]

    class Keyed(RetrieveModelMixin, GenericAsyncAPIConsumer):
        queryset = KeyedByUUID.objects.all()
        serializer_class = KeyedSerializer

    row = await in_thread(KeyedByUUID.objects.create, title="a")
    async with connected(Keyed) as client:
        frame = await client.call("retrieve", pk=str(row.pk))
        assert frame["data"] == {"id": str(row.pk), "title": "a"}
        assert (await client.call("retrieve", pk="no uuid"))["response_status"] == 404


@pytest.mark.parametrize(("kwarg", "argument"), [(None, "slug"), ("name", "name")])
async def test_a_row_is_found_by_another_field(kwarg: str | None, argument: str) -> None:
    class BySlug(RetrieveModelMixin, GenericAsyncAPIConsumer):
        queryset = Slugged.objects.all()
        serializer_class = SluggedSerializer
        lookup_field = "slug"
        lookup_url_kwarg = kwarg

    await in_thread(Slugged.objects.create, slug="here", title="a")
    async with connected(BySlug) as client:
        assert (await client.call("retrieve", **{argument: "here"}))["data"]["title"] == "a"
        assert (await client.call("retrieve", **{argument: "there"}))["response_status"] == 404
        frame = await client.call("retrieve", pk=1)
        assert frame["errors"] == [{argument: ["This field is required."]}]


async def test_the_queryset_may_depend_on_the_call_and_holds_for_every_action() -> None:
    class Visible(
        ListModelMixin, RetrieveModelMixin, PatchModelMixin, DeleteModelMixin,
        GenericAsyncAPIConsumer,
    ):  # fmt: skip
        serializer_class = NoteSerializer

        def get_queryset(self, **kwargs: Any) -> Any:
            seen.append((kwargs["action"], kwargs.get("extra")))
            return Note.objects.filter(text__startswith="public")

    seen: list[Any] = []
    hidden = await in_thread(Note.objects.create, text="secret")
    async with connected(Visible) as client:
        assert (await client.call("list", extra=1))["data"] == []
        for name in ("retrieve", "patch", "delete"):
            frame = await client.call(name, pk=hidden.pk, data={"text": "public"})
            assert frame["response_status"] == 404
    assert seen[0] == ("list", 1)
    assert [name for name, _ in seen] == ["list", "retrieve", "patch", "delete"]
    assert await in_thread(Note.objects.filter(text="secret").exists)


async def test_a_queryset_is_read_again_by_every_call() -> None:
    async with connected(Notes) as client:
        assert (await client.call("list"))["data"] == []
        await in_thread(Note.objects.create, text="a")
        assert len((await client.call("list"))["data"]) == 1


async def test_the_serializer_may_depend_on_the_action() -> None:
    class Short(serializers.ModelSerializer[Note]):
        class Meta:
            model = Note
            fields = ["text"]

    class TwoShapes(Notes):
        def get_serializer_class(self, **kwargs: Any) -> Any:
            return Short if kwargs["action"] == "list" else NoteSerializer

    note = await in_thread(Note.objects.create, text="a")
    async with connected(TwoShapes) as client:
        assert (await client.call("list"))["data"] == [{"text": "a"}]
        assert (await client.call("retrieve", pk=note.pk))["data"] == {"id": note.pk, "text": "a"}


@pytest.mark.parametrize("missing", ["queryset", "serializer_class"])
async def test_a_consumer_that_lacks_a_part_says_so_to_its_developer(
    missing: str, caplog: pytest.LogCaptureFixture
) -> None:
    incomplete: Any = type("Incomplete", (Notes,), {missing: None})
    async with connected(incomplete) as client:
        assert (await client.call("list"))["response_status"] == 500
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ConfigurationError)
    assert f"Incomplete needs a `{missing}`" in str(record.exc_info[1])


# -- what serializers find in their context --------------------------------------------


async def test_a_serializer_knows_the_request_the_view_and_the_consumer() -> None:
    seen: dict[str, Any] = {}

    class Looks(NoteSerializer):
        def to_representation(self, instance: Note) -> Any:
            seen.update(self.context)
            return super().to_representation(instance)

    class Looking(Notes):
        serializer_class = Looks

    note = await in_thread(Note.objects.create, text="a")
    async with connected(Looking) as client:
        await client.call("retrieve", pk=note.pk)
        assert seen["consumer"] is client.consumer
        assert seen["scope"] is client.consumer.scope
        assert seen["request"].method == "GET"
        assert seen["request"].user is client.consumer.scope["user"]
        assert (seen["view"].action, seen["view"].kwargs["pk"]) == ("retrieve", note.pk)
        assert seen["view"].request is seen["request"]


async def test_a_serializer_reads_the_user_of_its_own_call() -> None:
    class Owned(NoteSerializer):
        owner = serializers.HiddenField(default=serializers.CurrentUserDefault())

        class Meta(NoteSerializer.Meta):
            fields = ["id", "text", "owner"]

        def create(self, validated_data: Any) -> Note:
            return Note.objects.create(text=str(validated_data["owner"]))

    class Creating(CreateModelMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class = Owned

    async with connected(Creating) as client:
        assert (await client.call("create", data={"text": "a"}))["data"]["text"] == "AnonymousUser"


class PictureSerializer(serializers.Serializer[Any]):
    picture = serializers.FileField()


class Pictures(GenericAsyncAPIConsumer):
    serializer_class = PictureSerializer

    @action()
    def show(self, **kwargs: Any) -> tuple[Any, int]:
        storage = InMemoryStorage(base_url="/media/")
        name = storage.save("cat.png", ContentFile(b"meow"))
        picture = type("Picture", (), {"url": storage.url(name), "name": name})()
        return self.get_serializer(kwargs, {"picture": picture}).data, 200


@pytest.mark.parametrize(
    ("scope", "url"),
    [
        ({"scheme": "ws"}, "http://testserver/media/cat.png"),
        ({"scheme": "wss"}, "https://testserver/media/cat.png"),
        ({"headers": [], "server": ["localhost", 8000]}, "http://localhost:8000/media/cat.png"),
        # Nobody knows what this server is called: the path is all there is.
        ({"headers": []}, "/media/cat.png"),
    ],
)
async def test_files_have_absolute_urls(scope: dict[str, Any], url: str) -> None:
    async with connected(Pictures, **scope) as client:
        assert (await client.call("show"))["data"] == {"picture": url}


# -- names of hooks' own parameters ----------------------------------------------------


class Everything(
    ListModelMixin,
    RetrieveModelMixin,
    CreateModelMixin,
    UpdateModelMixin,
    PatchModelMixin,
    DeleteModelMixin,
    GenericAsyncAPIConsumer,
):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer


HOOKS = ["serializer", "instance", "queryset", "obj", "view", "partial", "limit"]
ACTIONS = {
    "list": {"queryset"},
    "retrieve": set(),
    "create": {"serializer"},
    "update": {"serializer"},
    "patch": {"serializer"},
    "delete": {"instance"},
}


@pytest.mark.parametrize("called", ACTIONS)
async def test_a_client_cannot_reach_the_parameters_of_hooks(called: str) -> None:
    async with connected(Everything) as client:
        for name in HOOKS:
            note = await in_thread(Note.objects.create, text="a")
            arguments = {"pk": note.pk, "data": {"text": "b"}, name: "from the client"}
            frame = await client.call(called, **arguments)
            if name in ACTIONS[called]:
                assert frame["errors"] == [{name: ["This argument is reserved."]}]
            else:
                assert frame["response_status"] in (200, 201, 204)
