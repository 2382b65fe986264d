"""Create, list, retrieve, update, patch and delete, and the hooks around them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tests.comparison.library import (
    CreateModelMixin,
    DeleteModelMixin,
    GenericAsyncAPIConsumer,
    ListModelMixin,
    PatchModelMixin,
    RetrieveModelMixin,
    UpdateModelMixin,
)
from tests.comparison.models import Board, Card, Country, Document, Label
from tests.comparison.scenario import reply, scenario
from tests.comparison.serializers import (
    CardSerializer,
    CountrySerializer,
    DocumentSerializer,
    LabelledCardSerializer,
)
from tests.comparison.stage import Stage


class Cards(
    CreateModelMixin,
    ListModelMixin,
    RetrieveModelMixin,
    UpdateModelMixin,
    PatchModelMixin,
    DeleteModelMixin,
    GenericAsyncAPIConsumer,
):
    """Everything on cards."""

    queryset = Card.objects.all()
    serializer_class: Any = CardSerializer


async def three_cards() -> None:
    """Cards 1, 2 and 3: one, two, three."""
    for position, title in enumerate(("one", "two", "three")):
        await Card.objects.acreate(title=title, position=position)


@scenario("create answers 201 with the new row")
async def create(stage: Stage) -> None:
    client = await stage.connect(Cards)
    await client.call("create", data={"title": "first", "position": 4})
    stage.note([card async for card in Card.objects.values("title", "position")])


@scenario("create ignores keys that the serializer does not know")
async def create_unknown_keys(stage: Stage) -> None:
    client = await stage.connect(Cards)
    await client.call("create", data={"title": "first", "id": 99, "owner": "me"})


@scenario("create with invalid data answers 400 with the errors by field")
async def create_invalid(stage: Stage) -> None:
    client = await stage.connect(Cards)
    await client.call("create", data={"position": "left", "title": "x" * 21})
    await client.call("create", request_id=2, data={})
    await client.call("create", request_id=3, data={"title": None})
    stage.note(await Card.objects.acount())


@scenario("create with a title that is taken answers 400")
async def create_taken(stage: Stage) -> None:
    await Card.objects.acreate(title="one")
    await (await stage.connect(Cards)).call("create", data={"title": "one"})


@scenario("data that is no object answers 400 with a non-field error")
async def create_no_object(stage: Stage) -> None:
    client = await stage.connect(Cards)
    await client.call("create", data="text")
    await client.call("create", request_id=2, data=[{"title": "x"}])


@scenario("a validator of the whole object answers under non_field_errors")
async def whole_object(stage: Stage) -> None:
    class Strict(CardSerializer):
        def validate(self, attrs: Any) -> Any:
            raise serializers.ValidationError("Not on a Sunday.")

    class Consumer(Cards):
        serializer_class = Strict

    await (await stage.connect(Consumer)).call("create", data={"title": "x"})


@scenario("list answers every row in the model's order")
async def listing(stage: Stage) -> None:
    client = await stage.connect(Cards)
    await client.call("list")
    await three_cards()
    await client.call("list", request_id=2)


@scenario("list reads the database anew each time")
async def listing_anew(stage: Stage) -> None:
    client = await stage.connect(Cards)
    await three_cards()
    await client.call("list")
    await Card.objects.filter(title="two").adelete()
    await client.call("list", request_id=2)


@scenario("retrieve answers one row by its key")
async def retrieve(stage: Stage) -> None:
    await three_cards()
    client = await stage.connect(Cards)
    await client.call("retrieve", pk=2)
    await client.call("retrieve", request_id=2, pk="3")


@scenario("a row that does not exist answers 404, whatever was asked of it")
async def missing_row(stage: Stage) -> None:
    client = await stage.connect(Cards)
    await client.call("retrieve", pk=9)
    await client.call("update", request_id=2, pk=9, data={"title": "x"})
    await client.call("patch", request_id=3, pk=9, data={"title": "x"})
    await client.call("delete", request_id=4, pk=9)


@scenario("a key of a wrong type answers 404")
async def wrong_key(stage: Stage) -> None:
    client = await stage.connect(Cards)
    await client.call("retrieve", pk="no number")
    await client.call("retrieve", request_id=2, pk=[1])
    await client.call("delete", request_id=3, pk={"a": 1})


@scenario("update replaces a row and answers with it")
async def update(stage: Stage) -> None:
    await three_cards()
    client = await stage.connect(Cards)
    await client.call("update", pk=1, data={"title": "uno", "position": 7})
    stage.note([card async for card in Card.objects.values("id", "title", "position")])


@scenario("update needs every required field")
async def update_incomplete(stage: Stage) -> None:
    await three_cards()
    client = await stage.connect(Cards)
    await client.call("update", pk=1, data={"position": 7})
    await client.call("update", request_id=2, pk=2, data={"title": "one"})
    stage.note(await Card.objects.filter(position=7).acount())


@scenario("patch changes the sent fields alone")
async def patch(stage: Stage) -> None:
    await three_cards()
    client = await stage.connect(Cards)
    await client.call("patch", pk=3, data={"title": "tres"})
    await client.call("patch", request_id=2, pk=3, data={})
    stage.note([card async for card in Card.objects.values("id", "title", "position")])


@scenario("patch validates the sent fields")
async def patch_invalid(stage: Stage) -> None:
    await three_cards()
    client = await stage.connect(Cards)
    await client.call("patch", pk=3, data={"position": "left"})
    await client.call("patch", request_id=2, pk=3, data={"title": "one"})


@scenario("delete answers 204 and the row is gone")
async def delete(stage: Stage) -> None:
    await three_cards()
    client = await stage.connect(Cards)
    await client.call("delete", pk=2)
    await client.call("delete", request_id=2, pk=2)
    stage.note([pk async for pk in Card.objects.values_list("pk", flat=True)])


@scenario("a primary key with a name of its own is still pk")
async def named_key(stage: Stage) -> None:
    class Countries(CreateModelMixin, RetrieveModelMixin, PatchModelMixin, GenericAsyncAPIConsumer):
        queryset = Country.objects.all()
        serializer_class = CountrySerializer

    client = await stage.connect(Countries)
    await client.call("create", data={"code": "no", "name": "Norway"})
    await client.call("retrieve", request_id=2, pk="no")
    await client.call("patch", request_id=3, pk="no", data={"name": "Noreg"})


@scenario("a UUID is written as text and looked up by it")
async def uuid_key(stage: Stage) -> None:
    class Documents(RetrieveModelMixin, ListModelMixin, GenericAsyncAPIConsumer):
        queryset = Document.objects.all()
        serializer_class = DocumentSerializer

    key = "6f3f6c1a-7d63-4c0e-9d6f-3d1b7a3b0001"
    await Document.objects.acreate(id=key, title="paper")
    client = await stage.connect(Documents)
    await client.call("retrieve", pk=key)
    await client.call("retrieve", request_id=2, pk="no uuid")


@scenario("relations are written and checked by key")
async def relations(stage: Stage) -> None:
    class Consumer(Cards):
        serializer_class = LabelledCardSerializer

    await Board.objects.acreate(name="b")
    await Label.objects.acreate(name="l1")
    await Label.objects.acreate(name="l2")
    client = await stage.connect(Consumer)
    await client.call("create", data={"title": "x", "board": 1, "labels": [1, 2]})
    await client.call("patch", request_id=2, pk=1, data={"labels": [2]})
    await client.call("create", request_id=3, data={"title": "y", "board": 8})


@scenario("a prefetched relation is fresh in the answer to a change")
async def prefetched(stage: Stage) -> None:
    class Consumer(Cards):
        queryset = Card.objects.prefetch_related("labels")
        serializer_class = LabelledCardSerializer

    await Label.objects.acreate(name="l1")
    await Card.objects.acreate(title="x")
    client = await stage.connect(Consumer)
    await client.call("patch", pk=1, data={"labels": [1]})
    await client.call("retrieve", request_id=2, pk=1)


@scenario("only the mixed-in actions exist")
async def only_mixed_in(stage: Stage) -> None:
    class Consumer(ListModelMixin, GenericAsyncAPIConsumer):
        queryset = Card.objects.all()
        serializer_class = CardSerializer

    client = await stage.connect(Consumer)
    await client.call("create", data={"title": "x"})
    await client.call("retrieve", request_id=2, pk=1)
    stage.note(Consumer.available_actions)


@scenario(
    "create without data is refused by the argument's name",
    differs="D03",
    ours=[
        reply("create", status=400, errors=[{"data": ["This field is required."]}]),
        reply("list", [], request_id=2),
    ],
)
async def create_without_data(stage: Stage) -> None:
    client = await stage.connect(Cards)
    await client.send(action="create", request_id=1)
    await client.call("list", request_id=2)


@scenario(
    "retrieve without a key is refused by the argument's name",
    differs="D03",
    ours=[
        reply("retrieve", status=400, errors=[{"pk": ["This field is required."]}]),
        reply("list", [], request_id=2),
    ],
)
async def retrieve_without_key(stage: Stage) -> None:
    client = await stage.connect(Cards)
    await client.call("retrieve", request_id=1)
    await client.call("list", request_id=2)
