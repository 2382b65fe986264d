"""What calls and events of fifty cards may ask of the database; `-s` shows what they do ask."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.pagination import CursorPagination

from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import ListModelMixin, PaginatedModelListMixin, PatchModelMixin
from dcrf_graph.observer import model_observer
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from examples.board.models import Board, Card, Column, Comment, Label
from tests.loading.shelf import DeepSerializer
from tests.native.client import connected, in_thread
from tests.queries import Queries, counted

pytestmark = pytest.mark.django_db(transaction=True)


class CardConsumer(
    ListModelMixin, PatchModelMixin, ObserverModelInstanceMixin, GenericAsyncAPIConsumer
):
    queryset: Any = Card.objects.order_by("pk")
    serializer_class = DeepSerializer

    @action()
    def move(self, pk: int, position: int, **kwargs: Any) -> Any:
        card = self.get_object(pk=pk, **kwargs)
        card.position = position
        card.save()
        return self.get_serializer(instance=card, action_kwargs=kwargs).data, 200

    @model_observer(Card, serializer_class=DeepSerializer)
    async def activity(
        self, message: Any, action: Any = None, subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @action(subscribes="activity")
    async def subscribe_activity(self, request_id: Any, **kwargs: Any) -> None:
        await self.activity.subscribe(request_id=request_id)


class Cursor(CursorPagination):
    page_size = 50
    ordering = "pk"


class ByCursor(PaginatedModelListMixin, CardConsumer):
    queryset = Card.objects.order_by("pk")
    pagination_class = Cursor


class Alone(CardConsumer):
    """Wants to be left alone."""

    queryset = Card.objects.order_by("pk")
    load_relations = False


def create(cards: int) -> int:
    """Cards that each have an assignee, two labels and two comments; gives the key of the last."""
    board = Board.objects.create(name="Ships")
    column = Column.objects.create(board=board, title="To do")
    labels = [Label.objects.create(name=name) for name in ("red", "green")]
    for number in range(cards):
        user = User.objects.create(username=f"user {number}")
        card = Card.objects.create(
            board=board, column=column, title=f"{number}", position=number, assignee=user
        )
        card.labels.set(labels)
        for _ in range(2):
            Comment.objects.create(card=card, author=user, text="...")
    return card.pk


async def spent(consumer: Any, call: str, cards: int, **arguments: Any) -> tuple[Any, Queries]:
    """The data of a call, and what it asked of the database."""
    pk = await in_thread(create, cards)
    if call != "list":
        arguments["pk"] = pk
    async with connected(consumer) as client:
        with counted() as queries:
            frame = await client.call(call, **arguments)
            assert frame["response_status"] == 200, frame
    print(f"\n{consumer.__name__}.{call} of {cards}: {len(queries)} queries\n{queries}")
    return frame["data"], queries


@pytest.mark.parametrize("consumer", [CardConsumer, ByCursor])
async def test_a_list_of_fifty_costs_five_queries(consumer: Any) -> None:
    """The cards with assignees, columns and boards; members, labels, comments and authors."""
    data, queries = await spent(consumer, "list", 50)
    rows = data if isinstance(data, list) else data["results"]
    assert len(rows) == 50
    assert rows[0]["comments"][1]["author"]["username"] == "user 0"
    assert len(queries) == 5


async def test_a_consumer_that_wants_to_be_left_alone_is() -> None:
    _, queries = await spent(Alone, "list", 5)
    assert len(queries) > 20


@pytest.mark.parametrize(
    ("call", "arguments", "budget"),
    [
        ("retrieve", {}, 8),
        ("patch", {"data": {"title": "b"}}, 9),
        ("move", {"position": 7}, 9),
    ],
)
async def test_one_row_costs_a_query_for_each_relation(
    call: str, arguments: Any, budget: int
) -> None:
    """The row, its change, its assignee, column, board, members, labels, comments, authors."""
    _, queries = await spent(CardConsumer, call, 1, **arguments)
    assert len(queries) == budget


def discuss(pk: int, comments: int) -> None:
    card = Card.objects.get(pk=pk)
    for number in range(comments):
        author = User.objects.create(username=f"{comments} {number}")
        Comment.objects.create(card=card, author=author, text="...")


def change(pk: int) -> None:
    card = Card.objects.get(pk=pk)
    card.title = "changed"
    card.save()


@pytest.mark.parametrize("subscribing", ["subscribe_activity", "subscribe_instance"])
async def test_an_event_costs_the_same_however_much_is_related(subscribing: str) -> None:
    """Whoever subscribes, and however often: it is serialized once, its relations loaded once."""
    pk = await in_thread(create, 1)
    costs = []
    async with connected(CardConsumer) as client:
        arguments = {"pk": pk} if subscribing == "subscribe_instance" else {}
        for comments in (1, 20):
            await in_thread(discuss, pk, comments)
            await client.call(subscribing, comments, **arguments)
            await client.rest()
            with counted() as queries:
                await in_thread(change, pk)
                frame = await client.frame()
                await client.rest()
            print(f"\nAn event of {subscribing}: {len(queries)} queries\n{queries}")
            costs.append(len(queries))
    assert frame["data"]["comments"][-1]["author"]["username"] == "20 19"
    assert costs[0] == costs[1] <= 10
