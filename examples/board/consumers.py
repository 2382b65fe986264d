"""
The board's consumers, in the style of djangochannelsrestframework.

Nothing in here knows of GraphQL but `@action(output=, kind=, subscribes=)`, which say what a
reader of the code would want to know anyway.
"""

# An observer's serializer and groups are declared under its own name, as a property's setter is.
# mypy: disable-error-code="no-redef"

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import PermissionDenied
from rest_framework.filters import OrderingFilter, SearchFilter

from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.live_lists import LiveListMixin
from dcrf_graph.mixins import (
    CreateModelMixin,
    DeleteModelMixin,
    ListModelMixin,
    PaginatedModelListMixin,
    PatchModelMixin,
    RetrieveModelMixin,
    StreamedPaginatedListMixin,
    UpdateModelMixin,
)
from dcrf_graph.observer import model_observer, observer
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.pagination import WebsocketLimitOffsetPagination
from dcrf_graph.permissions import IsAuthenticated
from examples.board import rules
from examples.board.models import (
    Activity,
    Board,
    Card,
    Column,
    Comment,
    Label,
    Message,
    Visitor,
)
from examples.board.permissions import (
    AuthorsMayChange,
    MembersMayChange,
    SeesTheBoard,
    VisitorsMayLook,
    is_member,
)
from examples.board.serializers import (
    ActivitySerializer,
    BoardSerializer,
    CardSerializer,
    ColumnSerializer,
    CommentSerializer,
    LabelSerializer,
    MessageSerializer,
    SummarySerializer,
    UserSerializer,
)


class BoardAPIConsumer(GenericAsyncAPIConsumer):
    """Answers with the rows that the user may see; every other row does not exist for them."""

    @property
    def user(self) -> Visitor:
        user: Visitor = self.scope["user"]
        return user

    def get_queryset(self, **kwargs: Any) -> QuerySet[Any]:
        rows: Any = super().get_queryset(**kwargs)
        visible: QuerySet[Any] = rows.visible_to(self.user)
        return visible

    def visible_board(self, pk: int) -> Board:
        return get_object_or_404(Board.objects.visible_to(self.user), pk=pk)


class UserConsumer(ListModelMixin, RetrieveModelMixin, GenericAsyncAPIConsumer):
    queryset = User.objects.order_by("username")
    serializer_class = UserSerializer
    permission_classes = [IsAuthenticated]


class BoardConsumer(
    ListModelMixin,
    CreateModelMixin,
    UpdateModelMixin,
    PatchModelMixin,
    DeleteModelMixin,
    ObserverModelInstanceMixin,
    BoardAPIConsumer,
):
    queryset = Board.objects.prefetch_related("members")
    serializer_class = BoardSerializer
    permission_classes = [VisitorsMayLook, MembersMayChange]
    visitor_actions = frozenset({"summary"})
    observer_many_to_many_relationships = True

    def perform_create(self, serializer: Any, **kwargs: Any) -> None:
        """Whoever makes a board is its first member."""
        serializer.save().members.add(self.user.pk)

    @action(detached=True, kind="query", output=SummarySerializer)
    async def summary(self, pk: int, **kwargs: Any) -> tuple[dict[str, Any], int]:
        """The board as text; written while the connection goes on with other things."""
        board = await database_sync_to_async(self.get_object)(pk=pk, **kwargs)
        text = await database_sync_to_async(self.write_summary)(board)
        return {"board": board.pk, "text": text}, 200

    def write_summary(self, board: Board) -> str:
        columns = board.columns.prefetch_related("cards__assignee")
        return rules.summary(board, list(columns))


class ColumnConsumer(
    ListModelMixin,
    CreateModelMixin,
    UpdateModelMixin,
    PatchModelMixin,
    DeleteModelMixin,
    ObserverModelInstanceMixin,
    BoardAPIConsumer,
):
    queryset = Column.objects.all()
    serializer_class = ColumnSerializer
    permission_classes = [VisitorsMayLook, MembersMayChange]
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ("board",)

    def perform_create(self, serializer: Any, **kwargs: Any) -> None:
        self.save(serializer)

    def perform_update(self, serializer: Any, **kwargs: Any) -> None:
        self.save(serializer)

    def perform_patch(self, serializer: Any, **kwargs: Any) -> None:
        self.save(serializer)

    def save(self, serializer: Any) -> None:
        """Also the board that a column comes to must be one of the user's."""
        board = serializer.validated_data.get("board")
        if board is not None and not is_member(self.user, board.pk):
            raise PermissionDenied()
        serializer.save()


class LabelConsumer(
    ListModelMixin,
    RetrieveModelMixin,
    CreateModelMixin,
    UpdateModelMixin,
    PatchModelMixin,
    DeleteModelMixin,
    GenericAsyncAPIConsumer,
):
    queryset = Label.objects.all()
    serializer_class = LabelSerializer
    permission_classes = [VisitorsMayLook]


class CardPagination(WebsocketLimitOffsetPagination):
    default_limit = 50
    max_limit = 200


class CardConsumer(
    PaginatedModelListMixin,
    CreateModelMixin,
    UpdateModelMixin,
    PatchModelMixin,
    DeleteModelMixin,
    ObserverModelInstanceMixin,
    LiveListMixin,
    BoardAPIConsumer,
):
    queryset = Card.objects.select_related("assignee").prefetch_related("labels")
    serializer_class = CardSerializer
    permission_classes = [VisitorsMayLook, SeesTheBoard]
    visitor_actions = frozenset({"move", "subscribe_card_activity"})
    pagination_class = CardPagination
    filter_backends = [DjangoFilterBackend, SearchFilter, OrderingFilter]
    filterset_fields = ("board", "column", "status", "assignee", "labels")
    search_fields = ("title", "description")
    ordering_fields = ("position", "due", "estimate", "title")
    observer_many_to_many_relationships = True

    def perform_create(self, serializer: Any, **kwargs: Any) -> None:
        rules.add_card(serializer.save, serializer.validated_data["column"], self.user)

    def perform_update(self, serializer: Any, **kwargs: Any) -> None:
        column = serializer.validated_data.get("column")
        rules.edit_card(serializer.save, serializer.instance, column, self.user)

    def perform_patch(self, serializer: Any, **kwargs: Any) -> None:
        self.perform_update(serializer, **kwargs)

    def perform_delete(self, instance: Card, **kwargs: Any) -> None:
        rules.delete_card(instance, self.user)

    @action(output=CardSerializer)
    def move(self, pk: int, column: int, position: int = 0, **kwargs: Any) -> tuple[Any, int]:
        """Put a card at a position of a column; visitors of a public board may, too."""
        card = self.get_object(pk=pk, **kwargs)
        target = get_object_or_404(Column.objects.visible_to(self.user), pk=column)
        rules.move_card(card, target, position, self.user)
        return self.get_serializer(instance=card, action_kwargs=kwargs).data, 200

    @model_observer(Card, serializer_class=CardSerializer, many_to_many=True)
    async def card_activity(
        self,
        message: Any,
        action: str | None = None,
        subscribing_request_ids: Iterable[Any] = (),
        **kwargs: Any,
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @card_activity.groups_for_signal
    def card_activity(self, instance: Card, **kwargs: Any) -> Iterator[str]:
        yield f"board-{instance.board_id}"

    @card_activity.groups_for_consumer
    def card_activity(self, board: int, **kwargs: Any) -> Iterator[str]:
        yield f"board-{board}"

    @action(subscribes="card_activity")
    async def subscribe_card_activity(self, board: int, request_id: Any, **kwargs: Any) -> None:
        """Hear of every card of a board that is added, changed, moved or deleted."""
        await database_sync_to_async(self.visible_board)(board)
        await self.card_activity.subscribe(board=board, request_id=request_id)

    @action()
    async def unsubscribe_card_activity(self, board: int, request_id: Any, **kwargs: Any) -> None:
        await self.card_activity.unsubscribe(board=board, request_id=request_id)


class CommentConsumer(
    ListModelMixin,
    RetrieveModelMixin,
    CreateModelMixin,
    UpdateModelMixin,
    PatchModelMixin,
    DeleteModelMixin,
    BoardAPIConsumer,
):
    queryset = Comment.objects.select_related("author", "card")
    serializer_class = CommentSerializer
    permission_classes = [VisitorsMayLook, AuthorsMayChange]
    visitor_actions = frozenset({"subscribe_comment_activity"})
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ("card",)

    def perform_create(self, serializer: Any, **kwargs: Any) -> None:
        rules.add_comment(serializer.save, self.user)

    def perform_delete(self, instance: Comment, **kwargs: Any) -> None:
        rules.delete_comment(instance)

    @model_observer(Comment, serializer_class=CommentSerializer)
    async def comment_activity(
        self,
        message: Any,
        action: str | None = None,
        subscribing_request_ids: Iterable[Any] = (),
        **kwargs: Any,
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @comment_activity.groups_for_signal
    def comment_activity(self, instance: Comment, **kwargs: Any) -> Iterator[str]:
        yield f"card-{instance.card_id}"

    @comment_activity.groups_for_consumer
    def comment_activity(self, card: int, **kwargs: Any) -> Iterator[str]:
        yield f"card-{card}"

    @action(subscribes="comment_activity")
    async def subscribe_comment_activity(self, card: int, request_id: Any, **kwargs: Any) -> None:
        """Hear of the comments on a card."""
        await database_sync_to_async(self.visible_card)(card)
        await self.comment_activity.subscribe(card=card, request_id=request_id)

    @action()
    async def unsubscribe_comment_activity(self, card: int, request_id: Any, **kwargs: Any) -> None:
        await self.comment_activity.unsubscribe(card=card, request_id=request_id)

    def visible_card(self, pk: int) -> Card:
        return get_object_or_404(Card.objects.visible_to(self.user), pk=pk)


class ChatConsumer(ListModelMixin, BoardAPIConsumer):
    """One room per board. Its events come from a signal, not from a model."""

    queryset = Message.objects.select_related("author")
    serializer_class = MessageSerializer
    permission_classes = [VisitorsMayLook, SeesTheBoard]
    visitor_actions = frozenset({"join", "leave"})
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ("board",)

    @action(output=MessageSerializer)
    def post(self, board: int, text: str, **kwargs: Any) -> tuple[Any, int]:
        """Say something to everybody who has joined the board's room."""
        room = self.visible_board(board)
        serializer = self.get_serializer(data={"text": text}, action_kwargs=kwargs)
        serializer.is_valid(raise_exception=True)
        message = rules.post_message(room, serializer.validated_data["text"], self.user)
        return self.get_serializer(instance=message, action_kwargs=kwargs).data, 201

    @observer(rules.message_posted)
    async def posted(
        self, message: Any, subscribing_request_ids: Iterable[Any] = (), **kwargs: Any
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action="posted", request_id=request_id)

    @posted.serializer
    def posted(self, signal: Any, instance: Message, **kwargs: Any) -> Any:
        return MessageSerializer(instance).data

    @posted.groups_for_signal
    def posted(self, instance: Message, **kwargs: Any) -> Iterator[str]:
        yield f"room-{instance.board_id}"

    @posted.groups_for_consumer
    def posted(self, board: int, **kwargs: Any) -> Iterator[str]:
        yield f"room-{board}"

    @action(subscribes="posted", output=MessageSerializer)
    async def join(self, board: int, request_id: Any, **kwargs: Any) -> None:
        """Hear what is said on a board from now on."""
        await database_sync_to_async(self.visible_board)(board)
        await self.posted.subscribe(board=board, request_id=request_id)

    @action(graphql=False)
    async def leave(self, board: int, request_id: Any, **kwargs: Any) -> None:
        await self.posted.unsubscribe(board=board, request_id=request_id)


class ActivityPagination(WebsocketLimitOffsetPagination):
    default_limit = 20
    max_limit = 100


class ActivityConsumer(StreamedPaginatedListMixin, BoardAPIConsumer):
    """The history of the boards: one `list` answers with page after page until the end."""

    queryset = Activity.objects.select_related("actor")
    serializer_class = ActivitySerializer
    permission_classes = [VisitorsMayLook]
    pagination_class = ActivityPagination
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ("board",)
