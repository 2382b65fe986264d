"""Groups of model observers: who hears which row."""

# mypy: disable-error-code="no-redef"
# An observer and its hooks share one name: upstream's way to write them.
from __future__ import annotations

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.comparison.library import (
    AsyncAPIConsumer,
    GenericAsyncAPIConsumer,
    action,
    model_observer,
)
from tests.comparison.models import Board, Card
from tests.comparison.scenario import reply, scenario
from tests.comparison.scenarios.model_observers import CardEvents, listening
from tests.comparison.serializers import CardSerializer, TitleSerializer
from tests.comparison.stage import Stage

ONE = {"id": 1, "title": "one", "position": 0}
KEY = {"pk": 1, "id": 1}


class BoardCards(GenericAsyncAPIConsumer):
    """The cards of one board."""

    queryset = Card.objects.all()
    serializer_class = CardSerializer

    @model_observer(Card, serializer_class=CardSerializer)
    async def board_card_event(
        self, message: Any, action: str, subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        for request_id in sorted(subscribing_request_ids):
            await self.reply(data=message, action=action, request_id=request_id)

    @board_card_event.groups_for_signal
    def board_card_event(self, instance: Card, **kwargs: Any) -> Any:
        if instance.board_id:
            yield f"board-{instance.board_id}"

    @board_card_event.groups_for_consumer
    def board_card_event(self, board: int | None = None, **kwargs: Any) -> Any:
        if board:
            yield f"board-{board}"

    @action()
    async def listen(self, board: int, request_id: Any, **kwargs: Any) -> tuple[Any, int]:
        await self.board_card_event.subscribe(board=board, request_id=request_id)
        return None, 201

    @action()
    async def ignore(
        self, board: int, request_id: Any, which: Any = None, **kwargs: Any
    ) -> tuple[Any, int]:
        await self.board_card_event.unsubscribe(board=board, request_id=which)
        return None, 204


async def two_boards() -> None:
    """Boards 1 and 2."""
    await Board.objects.acreate(name="first")
    await Board.objects.acreate(name="second")


@scenario("a change reaches its group alone")
async def own_group(stage: Stage) -> None:
    await two_boards()
    client = await listening(stage, BoardCards, board=1)
    await Card.objects.acreate(title="elsewhere", board_id=2)
    await Card.objects.acreate(title="nowhere")
    await Card.objects.acreate(title="here", board_id=1)
    await client.until(action="create")


@scenario(
    "a row that moves is deleted from its old group and created in its new one",
    differs="D28",
    ours=[
        reply("listen", status=201),
        reply("delete", KEY),
        {"client": 2, "frames": [reply("listen", status=201), reply("create", ONE)]},
    ],
)
async def moving(stage: Stage) -> None:
    await two_boards()
    card = await Card.objects.acreate(title="one", board_id=1)
    old = await listening(stage, BoardCards, board=1)
    new = await listening(stage, BoardCards, board=2)
    card.board_id = 2
    await card.asave()
    await old.until(action="delete")
    await new.until(action="create")


@scenario(
    "one client of both groups hears a move from both sides",
    differs="D28",
    ours=[
        reply("listen", status=201, request_id="old"),
        reply("listen", status=201, request_id="new"),
        reply("delete", KEY, request_id="old"),
        reply("create", ONE, request_id="new"),
    ],
)
async def moving_seen_twice(stage: Stage) -> None:
    await two_boards()
    card = await Card.objects.acreate(title="one", board_id=1)
    client = await stage.connect(BoardCards)
    await client.call("listen", board=1, request_id="old")
    await client.call("listen", board=2, request_id="new")
    card.board_id = 2
    await card.asave()
    await client.until(action="create")


@scenario(
    "a row that enters and leaves the grouped rows is created and deleted",
    differs="D28",
    ours=[
        reply("listen", status=201),
        reply("create", ONE),
        reply("update", {**ONE, "title": "uno"}),
        reply("delete", KEY),
    ],
)
async def entering(stage: Stage) -> None:
    await two_boards()
    card = await Card.objects.acreate(title="one")
    client = await listening(stage, BoardCards, board=1)
    card.board_id = 1
    await card.asave()
    await client.until(action="create")
    card.title = "uno"
    await card.asave()
    await client.until(action="update")
    card.board_id = None
    await card.asave()
    await client.until(action="delete")


@scenario(
    "a move through another instance of the row is seen",
    differs="D28",
    ours=[
        reply("listen", status=201),
        reply("delete", KEY),
    ],
)
async def moving_reloaded(stage: Stage) -> None:
    await two_boards()
    await Card.objects.acreate(title="one", board_id=1)
    client = await listening(stage, BoardCards, board=1)
    card = await Card.objects.aget(title="one")
    card.board_id = 2
    await card.asave()
    await client.until(action="delete")


@scenario("a deleted row is told to the group it was in")
async def deleting(stage: Stage) -> None:
    await two_boards()
    card = await Card.objects.acreate(title="one", board_id=1)
    client = await listening(stage, BoardCards, board=1)
    await card.adelete()
    await client.until(action="delete")


@scenario("a cascading deletion is told")
async def cascade(stage: Stage) -> None:
    await two_boards()
    await Card.objects.acreate(title="one", board_id=1)
    client = await listening(stage, BoardCards, board=1)
    await (await Board.objects.aget(pk=1)).adelete()
    await client.until(action="delete")


@scenario("leaving one group keeps the other")
async def leaving_a_group(stage: Stage) -> None:
    await two_boards()
    client = await stage.connect(BoardCards)
    await client.call("listen", board=1, request_id=1)
    await client.call("listen", board=2, request_id=2)
    await client.call("ignore", board=1, request_id=3, which=1)
    await Card.objects.acreate(title="unheard", board_id=1)
    await Card.objects.acreate(title="heard", board_id=2)
    await client.until(action="create", request_id=2)


@scenario("groups serves model and consumer at once")
async def shared_groups(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        async def accept(self, *args: Any, **kwargs: Any) -> None:
            await self.card_changed.subscribe(title="one")
            await super().accept(*args, **kwargs)

        @model_observer(Card)
        async def card_changed(self, message: Any, action: str, **kwargs: Any) -> None:
            await self.send_json({"body": message, "action": action})

        @card_changed.groups
        def card_changed(
            self, instance: Card | None = None, title: str | None = None, **kwargs: Any
        ) -> Any:
            yield f"-title-{instance.title if instance else title}"

    client = await stage.connect(Consumer)
    await Card.objects.acreate(title="two")
    await Card.objects.acreate(title="one")
    await client.until(action="create")


@scenario("groups_for_consumer is given the consumer")
async def groups_know_the_consumer(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @model_observer(Card)
        async def card_changed(self, message: Any, action: str, **kwargs: Any) -> None:
            await self.send_json({"body": message, "action": action})

        @card_changed.groups_for_signal
        def card_changed(self, instance: Card, **kwargs: Any) -> Any:
            yield instance.title

        @card_changed.groups_for_consumer
        def card_changed(self, consumer: Any, **kwargs: Any) -> Any:
            yield consumer.scope["wanted"]

        @action()
        async def listen(self, **kwargs: Any) -> tuple[Any, int]:
            await self.card_changed.subscribe()
            return None, 201

    client = await stage.connect(Consumer, wanted="mine")
    await client.call("listen")
    await Card.objects.acreate(title="yours")
    await Card.objects.acreate(title="mine")
    await client.until(action="create")


@scenario(
    "an observer's groups are not the consumer's own",
    differs="D25",
    ours=[reply("listen", status=201), reply("joined", 0)],
)
async def no_layer_groups(stage: Stage) -> None:
    class Consumer(CardEvents):
        @action()
        async def joined(self, **kwargs: Any) -> tuple[Any, int]:
            return len(self.groups), 200

    client = await listening(stage, Consumer)
    await client.call("joined")


@scenario(
    "consumers of one module that name their observers alike do not hear each other",
    differs="D20",
    ours=[{"titles": {"title": "one"}}, {"notes": [True]}],
)
async def named_alike(stage: Stage) -> None:
    class Titles(AsyncAPIConsumer):
        async def accept(self, *args: Any, **kwargs: Any) -> None:
            await self.changed.subscribe()
            await super().accept(*args, **kwargs)

        @model_observer(Card, serializer_class=TitleSerializer)
        async def changed(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"titles": message})

    class Keys(AsyncAPIConsumer):
        @model_observer(Card)
        async def changed(self, message: Any, **kwargs: Any) -> None:
            await self.send_json({"keys": message})

    stage.note(Keys.changed is not Titles.changed)
    client = await stage.connect(Titles)
    await Card.objects.acreate(title="one")
    await client.until(titles={"title": "one"})


@scenario(
    "loading rows of an observed model costs no further queries",
    differs="D22",
    ours=[reply("listen", status=201), {"notes": [1]}],
)
async def deferred_columns(stage: Stage) -> None:
    def load() -> int:
        with CaptureQueriesContext(connection) as queries:
            list(Card.objects.only("title"))
        return len(queries)

    await Board.objects.acreate(name="first")
    for title in ("one", "two", "three"):
        await Card.objects.acreate(title=title, board_id=1)
    await listening(stage, BoardCards, board=1)
    stage.note(await stage.run(load))


@scenario("subscribe and unsubscribe answer with the names of the groups")
async def group_names(stage: Stage) -> None:
    class Consumer(AsyncAPIConsumer):
        @model_observer(Card)
        async def card_changed(self, message: Any, **kwargs: Any) -> None:
            """Nothing is changed in this scenario."""

        @card_changed.groups_for_consumer
        def card_changed(self, boards: Any = (), **kwargs: Any) -> Any:
            for board in boards:
                yield f"board-{board}"

        @action()
        async def listen(self, boards: Any, **kwargs: Any) -> tuple[Any, int]:
            joined = list(await self.card_changed.subscribe(boards=boards))
            left = list(await self.card_changed.unsubscribe(boards=boards))
            return [len(joined), len(set(joined)), joined == left, max(map(len, joined))], 200

    await (await stage.connect(Consumer)).call("listen", boards=[1, 2])
