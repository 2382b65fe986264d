"""Who may do what on the board, asked of the consumers with native frames."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser, User

from examples.board import consumers, rules
from examples.board.models import Activity, Board, Card, Column, Comment

pytestmark = pytest.mark.django_db(transaction=True)

STREAMS = {
    "boards": consumers.BoardConsumer,
    "columns": consumers.ColumnConsumer,
    "labels": consumers.LabelConsumer,
    "cards": consumers.CardConsumer,
    "comments": consumers.CommentConsumer,
    "chat": consumers.ChatConsumer,
    "activities": consumers.ActivityConsumer,
    "users": consumers.UserConsumer,
}


@dataclass
class Place:
    """A public board and a private one of ada's, each with two columns, a card and a comment."""

    ada: User
    grace: User
    public: Board
    private: Board

    def card(self, board: Board) -> Card:
        return board.cards.get()

    def last_column(self, board: Board) -> Column:
        column = board.columns.last()
        assert column is not None
        return column


@pytest.fixture
def place() -> Place:
    ada, grace = (User.objects.create(username=name) for name in ("ada", "grace"))
    boards = [Board.objects.create(name=name, public=name == "public") for name in ("public", "")]
    for board in boards:
        board.members.add(ada)
        first, _ = (
            Column.objects.create(board=board, title=t, position=p) for p, t in enumerate("ab")
        )
        card = Card.objects.create(board=board, column=first, title="a card")
        Comment.objects.create(card=card, author=ada, text="Hm.")
        Activity.objects.create(board=board, verb=Activity.Verb.ADDED, subject=card.title)
    return Place(ada, grace, *boards)


Ask = Callable[..., Awaitable[dict[str, Any]]]


@asynccontextmanager
async def connection(stream: str, user: User | None) -> AsyncIterator[WebsocketCommunicator]:
    socket = WebsocketCommunicator(STREAMS[stream].as_asgi(), "/")
    socket.scope["user"] = user or AnonymousUser()  # type: ignore[typeddict-unknown-key]
    connected, _ = await socket.connect()
    assert connected
    yield socket
    await socket.disconnect()


async def ask(stream: str, user: User | None, action: str, **arguments: Any) -> dict[str, Any]:
    """What a client of this stream is answered."""
    async with connection(stream, user) as socket:
        await socket.send_json_to({"action": action, "request_id": 1, **arguments})
        reply: dict[str, Any] = await socket.receive_json_from()
        return reply


async def status(stream: str, user: User | None, action: str, **arguments: Any) -> int:
    return int((await ask(stream, user, action, **arguments))["response_status"])


async def test_a_visitor_moves_a_card_of_the_public_board(place: Place) -> None:
    card = await sync_to_async(place.card)(place.public)
    target = await sync_to_async(place.last_column)(place.public)
    reply = await ask("cards", None, "move", pk=card.pk, column=target.pk)
    assert (reply["response_status"], reply["data"]["column"]) == (200, target.pk)


async def test_a_visitor_writes_nothing_else(place: Place) -> None:
    card = await sync_to_async(place.card)(place.public)
    data = {"title": "b", "column": card.column_id}
    assert await status("cards", None, "create", data=data) == 403
    assert await status("cards", None, "patch", pk=card.pk, data=data) == 403
    assert await status("cards", None, "delete", pk=card.pk) == 403
    assert await status("comments", None, "create", data={"card": card.pk, "text": "!"}) == 403
    assert await status("chat", None, "post", board=place.public.pk, text="!") == 403
    assert await status("users", None, "list") == 403


@pytest.mark.parametrize("who", ["visitor", "grace"])
async def test_who_is_no_member_finds_nothing_of_a_private_board(place: Place, who: str) -> None:
    user = place.grace if who == "grace" else None
    board, card = place.private.pk, await sync_to_async(place.card)(place.private)
    column = await sync_to_async(place.last_column)(place.private)
    assert await status("boards", user, "retrieve", pk=board) == 404
    assert await status("boards", user, "summary", pk=board) == 404
    assert await status("columns", user, "retrieve", pk=column.pk) == 404
    assert await status("cards", user, "retrieve", pk=card.pk) == 404
    assert await status("cards", user, "move", pk=card.pk, column=column.pk) == 404
    assert await status("cards", user, "subscribe_instance", pk=card.pk) == 404
    assert await status("cards", user, "subscribe_card_activity", board=board) == 404
    assert await status("comments", user, "subscribe_comment_activity", card=card.pk) == 404
    assert await status("chat", user, "join", board=board) == 404


@pytest.mark.parametrize(
    ("stream", "count"), [("boards", 1), ("columns", 2), ("comments", 1), ("chat", 0)]
)
async def test_lists_leave_the_private_board_out(place: Place, stream: str, count: int) -> None:
    assert len((await ask(stream, None, "list"))["data"]) == count
    assert (await ask("cards", None, "list"))["data"]["count"] == 1
    assert (await ask("activities", None, "list"))["data"]["count"] == 1


async def test_nobody_moves_a_card_to_a_column_that_they_cannot_see(place: Place) -> None:
    card = await sync_to_async(place.card)(place.public)
    hidden = await sync_to_async(place.last_column)(place.private)
    assert await status("cards", place.grace, "move", pk=card.pk, column=hidden.pk) == 404
    data = {"column": hidden.pk}
    assert await status("cards", place.grace, "patch", pk=card.pk, data=data) == 400
    assert await status("cards", place.grace, "create", data={**data, "title": "b"}) == 400


async def test_only_members_change_the_board_and_its_columns(place: Place) -> None:
    column = await sync_to_async(place.last_column)(place.public)
    data = {"board": place.public.pk, "title": "c"}
    for user, changed, made in ((place.grace, 403, 403), (place.ada, 200, 201)):
        assert await status("columns", user, "create", data=data) == made
        assert await status("columns", user, "patch", pk=column.pk, data=data) == changed
        name = {"name": "ours"}
        assert await status("boards", user, "patch", pk=place.public.pk, data=name) == changed


async def test_who_makes_a_board_is_its_first_member(place: Place) -> None:
    made = await ask("boards", place.grace, "create", data={"name": "Grace's"})
    assert await status("boards", place.grace, "retrieve", pk=made["data"]["id"]) == 200


async def test_a_comment_is_changed_by_its_author_only(place: Place) -> None:
    comment = await Comment.objects.select_related("card").afirst()
    assert comment is not None
    change = {"pk": comment.pk, "data": {"text": "Ha."}}
    assert await status("comments", place.grace, "patch", **change) == 403
    assert await status("comments", place.grace, "delete", pk=comment.pk) == 403
    assert await status("comments", place.ada, "patch", **change) == 200


async def test_a_move_reaches_whoever_watches_the_board(place: Place) -> None:
    card = await sync_to_async(place.card)(place.public)
    target = await sync_to_async(place.last_column)(place.public)
    async with connection("cards", None) as socket:
        watch = {"action": "subscribe_card_activity", "request_id": 7, "board": place.public.pk}
        await socket.send_json_to(watch)
        assert (await socket.receive_json_from())["response_status"] == 204
        await sync_to_async(rules.move_card)(card, target, 0, place.ada)
        event = await socket.receive_json_from()
    assert (event["action"], event["request_id"]) == ("update", 7)
    assert (event["data"]["id"], event["data"]["column"]) == (card.pk, target.pk)


async def test_what_is_said_reaches_the_room_of_its_board_only(place: Place) -> None:
    async with connection("chat", place.ada) as socket:
        await socket.send_json_to({"action": "join", "request_id": 7, "board": place.private.pk})
        assert (await socket.receive_json_from())["response_status"] == 204
        await sync_to_async(rules.post_message)(place.public, "elsewhere", place.grace)
        await sync_to_async(rules.post_message)(place.private, "here", place.ada)
        heard = await socket.receive_json_from()
    assert (heard["data"]["text"], heard["data"]["author"]["username"]) == ("here", "ada")


async def test_the_history_comes_in_pages(place: Place) -> None:
    async with connection("activities", place.ada) as socket:
        await socket.send_json_to({"action": "list", "request_id": 1, "limit": 1})
        pages = [await socket.receive_json_from(), await socket.receive_json_from()]
    assert [(page["data"]["offset"], page["data"]["count"]) for page in pages] == [(0, 2), (1, 2)]
