"""ObserverModelInstanceMixin: a client follows one row."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from tests.comparison.library import (
    GenericAsyncAPIConsumer,
    ObserverModelInstanceMixin,
    PatchModelMixin,
    action,
)
from tests.comparison.models import Board, Card, Country
from tests.comparison.scenario import reply, scenario
from tests.comparison.scenarios.mixins import three_cards
from tests.comparison.serializers import (
    BoardSerializer,
    CardSerializer,
    CountrySerializer,
)
from tests.comparison.stage import Client, Stage


class Cards(PatchModelMixin, ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
    """Cards to follow."""

    queryset = Card.objects.all()
    serializer_class = CardSerializer


async def follower(stage: Stage, consumer: Any, *pks: Any, **scope: Any) -> Client:
    """A client that follows these rows, each under its key as the request id."""
    client = await stage.connect(consumer, **scope)
    for pk in pks:
        await client.call("subscribe_instance", request_id=pk, pk=pk)
    return client


async def rename(pk: Any, title: str) -> None:
    """Save a card with another title."""
    card = await Card.objects.aget(pk=pk)
    card.title = title
    await card.asave()


@scenario("subscribe_instance answers 201, then each update brings the row")
async def updates(stage: Stage) -> None:
    await three_cards()
    client = await follower(stage, Cards, 1)
    await rename(1, "uno")
    await client.until(action="update")
    await rename(1, "eins")
    await client.until(action="update")


@scenario("a deletion brings the key and 204")
async def deletion(stage: Stage) -> None:
    await three_cards()
    client = await follower(stage, Cards, 2)
    await (await Card.objects.aget(pk=2)).adelete()
    await client.until(action="delete")


@scenario("a row that does not exist cannot be followed")
async def missing(stage: Stage) -> None:
    client = await stage.connect(Cards)
    await client.call("subscribe_instance", pk=9)


@scenario(
    "a row that does not exist and was never followed can be unsubscribed",
    differs="D15",
    ours=[reply("unsubscribe_instance", status=204)],
)
async def unsubscribe_missing(stage: Stage) -> None:
    await (await stage.connect(Cards)).call("unsubscribe_instance", pk=9)


@scenario("other rows are silent")
async def other_rows(stage: Stage) -> None:
    await three_cards()
    client = await follower(stage, Cards, 2)
    await rename(1, "uno")
    await Card.objects.acreate(title="four")
    await rename(2, "dos")
    await client.until(action="update")


@scenario("two rows are followed under their own request ids")
async def two_rows(stage: Stage) -> None:
    await three_cards()
    client = await follower(stage, Cards, 1, 2)
    await rename(2, "dos")
    await client.until(action="update", request_id=2)
    await rename(1, "uno")
    await client.until(action="update", request_id=1)


@scenario("one row followed twice brings each change under both request ids")
async def followed_twice(stage: Stage) -> None:
    await three_cards()
    client = await stage.connect(Cards)
    await client.call("subscribe_instance", request_id="a", pk=1)
    await client.call("subscribe_instance", request_id="b", pk=1)
    await rename(1, "uno")
    seen = {(await client.until(action="update"))["request_id"] for _ in range(2)}
    client.frames.sort(key=lambda frame: (frame["action"], frame["request_id"]))
    stage.note(sorted(seen))


@scenario("two clients follow one row")
async def two_clients(stage: Stage) -> None:
    await three_cards()
    first, second = await follower(stage, Cards, 1), await follower(stage, Cards, 1, 2)
    await rename(1, "uno")
    await first.until(action="update")
    await second.until(action="update")


@scenario("a row that is no longer followed is silent")
async def unsubscribed(stage: Stage) -> None:
    await three_cards()
    client = await follower(stage, Cards, 1, 2)
    await client.call("unsubscribe_instance", request_id=1, pk=1)
    await rename(1, "uno")
    await rename(2, "dos")
    await client.until(action="update", request_id=2)


@scenario("unsubscribe_instance without a request id ends every following of the row")
async def unsubscribed_all(stage: Stage) -> None:
    await three_cards()
    client = await follower(stage, Cards, 2)
    await client.call("subscribe_instance", request_id="a", pk=1)
    await client.call("subscribe_instance", request_id="b", pk=1)
    await client.send(action="unsubscribe_instance", pk=1)
    await client.until(action="unsubscribe_instance")
    await rename(1, "uno")
    await rename(2, "dos")
    await client.until(action="update", request_id=2)


@scenario("a row may be followed again")
async def again(stage: Stage) -> None:
    await three_cards()
    client = await follower(stage, Cards, 1)
    await client.call("unsubscribe_instance", request_id=1, pk=1)
    await client.call("subscribe_instance", request_id=5, pk=1)
    await rename(1, "uno")
    await client.until(action="update")


@scenario("the mixin retrieves too")
async def retrieves(stage: Stage) -> None:
    await three_cards()
    client = await stage.connect(Cards)
    await client.call("retrieve", pk=3)
    stage.note(sorted(Cards.available_actions))


@scenario("a follower that patches its row gets the reply and the update")
async def patching(stage: Stage) -> None:
    await three_cards()
    client = await follower(stage, Cards, 1)
    await client.call("patch", request_id="p", pk=1, data={"title": "uno"})
    await client.until(action="update")


@scenario("a row with a key of text is followed and deleted by it")
async def text_key(stage: Stage) -> None:
    class Countries(ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
        queryset = Country.objects.all()
        serializer_class = CountrySerializer

    country = await Country.objects.acreate(code="no", name="Norway")
    client = await follower(stage, Countries, "no")
    country.name = "Noreg"
    await country.asave()
    await client.until(action="update")
    await country.adelete()
    await client.until(action="delete")


@scenario("consumers of two models do not hear each other")
async def two_models(stage: Stage) -> None:
    class Boards(ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
        queryset = Board.objects.all()
        serializer_class = BoardSerializer

    await three_cards()
    board = await Board.objects.acreate(name="b")
    cards, boards = await follower(stage, Cards, 1), await follower(stage, Boards, 1)
    await rename(1, "uno")
    await cards.until(action="update")
    board.name = "B"
    await board.asave()
    await boards.until(action="update")


@scenario("the serializer of an update may depend on the follower")
async def per_follower(stage: Stage) -> None:
    class Consumer(Cards):
        queryset = Card.objects.all()

        @action()
        async def retrieve(self, **kwargs: Any) -> tuple[Any, int]:
            data, status = await super().retrieve(**kwargs)
            return {**data, "for": dict(self.scope)["name"]}, status

    await three_cards()
    ada = await follower(stage, Consumer, 1, name="ada")
    bob = await follower(stage, Consumer, 1, name="bob")
    await rename(1, "uno")
    await ada.until(action="update")
    await bob.until(action="update")


@scenario("handle_observed_action may be wrapped")
async def wrapped_handler(stage: Stage) -> None:
    class Consumer(Cards):
        queryset = Card.objects.all()

        async def handle_observed_action(
            self, action: Any, group: str | None = None, **kwargs: Any
        ) -> None:
            stage.note([action, isinstance(group, str), kwargs])
            await super().handle_observed_action(action=action, group=group, **kwargs)

    await three_cards()
    client = await follower(stage, Consumer, 1)
    await rename(1, "uno")
    await client.until(action="update")
    await (await Card.objects.aget(pk=1)).adelete()
    await client.until(action="delete")


@scenario("subscribed_requests has the request ids of each followed row")
async def subscribed_requests(stage: Stage) -> None:
    class Consumer(Cards):
        queryset = Card.objects.all()

        @action()
        async def followed(self, **kwargs: Any) -> tuple[Any, int]:
            return sorted(sorted(ids) for ids in self.subscribed_requests.values()), 200

    await three_cards()
    client = await stage.connect(Consumer)
    await client.call("followed", request_id=0)
    for request_id, pk in (("a", 1), ("b", 1), ("c", 2)):
        await client.call("subscribe_instance", request_id=request_id, pk=pk)
    await client.call("followed", request_id=0)
    await client.call("unsubscribe_instance", request_id="a", pk=1)
    await client.call("followed", request_id=0)


@scenario("an observer's state of a row keeps its groups until the deletion commits")
async def observer_state(stage: Stage) -> None:
    def work() -> None:
        observed: Any = Cards.handle_instance_change
        card = Card.objects.get(pk=1)

        def groups() -> set[str]:
            return set(observed.get_observer_state(card).current_groups)

        before = groups()
        with transaction.atomic():
            card.delete()
            stage.note([len(before), groups() == before])
        stage.note(groups() == before)

    await three_cards()
    await follower(stage, Cards, 1)
    await stage.run(work)


@scenario(
    "subscribe_instance without a request id is refused",
    differs="D02",
    ours=[
        reply(
            "subscribe_instance",
            status=400,
            errors=[{"request_id": ["This field is required."]}],
            request_id=None,
        ),
        reply("retrieve", {"id": 1, "title": "one", "position": 0}, request_id=2),
    ],
)
async def no_request_id(stage: Stage) -> None:
    await three_cards()
    client = await stage.connect(Cards)
    await client.send(action="subscribe_instance", pk=1)
    await client.call("retrieve", request_id=2, pk=1)


@scenario(
    "a deleted row can be unsubscribed",
    differs="D15",
    ours=[
        reply("subscribe_instance", status=201),
        reply("delete", {"pk": 1}, status=204),
        reply("unsubscribe_instance", status=204),
    ],
)
async def unsubscribe_deleted(stage: Stage) -> None:
    await three_cards()
    client = await follower(stage, Cards, 1)
    await (await Card.objects.aget(pk=1)).adelete()
    await client.until(action="delete")
    await client.call("unsubscribe_instance", request_id=1, pk=1)


@scenario(
    "a change is read once for all request ids that follow the row",
    differs="D24",
    ours=[
        reply("subscribe_instance", status=201, request_id="a"),
        reply("subscribe_instance", status=201, request_id="b"),
        reply("update", {"id": 1, "title": "uno", "position": 0}, request_id="a"),
        reply("update", {"id": 1, "title": "uno", "position": 0}, request_id="b"),
        {"notes": [1]},
    ],
)
async def read_once(stage: Stage) -> None:
    reads: list[str] = []

    class Consumer(Cards):
        queryset = Card.objects.all()

        def get_queryset(self, **kwargs: Any) -> Any:
            reads.append("read")
            return super().get_queryset(**kwargs)

    await three_cards()
    client = await stage.connect(Consumer)
    await client.call("subscribe_instance", request_id="a", pk=1)
    await client.call("subscribe_instance", request_id="b", pk=1)
    reads.clear()
    await rename(1, "uno")
    await client.until(action="update")
    await client.until(action="update")
    client.frames.sort(key=lambda frame: (frame["action"], frame["request_id"]))
    stage.note(len(reads))
