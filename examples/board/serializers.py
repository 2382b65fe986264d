"""
How the board's rows look to clients; GraphQL's types come from these.

What a client writes (`label_ids`, `assignee_id`) and what it reads (`labels`, `assignee`) are
apart where they have different shapes.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from rest_framework import serializers

from examples.board.models import Activity, Board, Card, Column, Comment, Label, Message, Visitor


class VisibleField(serializers.PrimaryKeyRelatedField[Any]):
    """The key of a row that the one who writes may see; any other key does not exist for them."""

    def get_queryset(self) -> QuerySet[Any]:
        user: Visitor = AnonymousUser()
        if scope := self.context.get("scope"):
            user = scope["user"]
        rows: Any = super().get_queryset()
        visible: QuerySet[Any] = rows.visible_to(user)
        return visible


class UserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("id", "username")


class BoardSerializer(serializers.ModelSerializer[Board]):
    members = UserSerializer(many=True, read_only=True)
    member_ids = serializers.PrimaryKeyRelatedField(
        source="members", many=True, queryset=User.objects.all(), write_only=True, required=False
    )

    class Meta:
        model = Board
        fields = ("id", "name", "public", "members", "member_ids")


class ColumnSerializer(serializers.ModelSerializer[Column]):
    board = VisibleField(queryset=Board.objects.all())

    class Meta:
        model = Column
        fields = ("id", "board", "title", "position")


class LabelSerializer(serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ("id", "name", "colour")


class CardSerializer(serializers.ModelSerializer[Card]):
    column = VisibleField(queryset=Column.objects.all())
    labels = LabelSerializer(many=True, read_only=True)
    label_ids = serializers.PrimaryKeyRelatedField(
        source="labels", many=True, queryset=Label.objects.all(), write_only=True, required=False
    )
    assignee = UserSerializer(read_only=True)
    assignee_id = serializers.PrimaryKeyRelatedField(
        source="assignee",
        queryset=User.objects.all(),
        write_only=True,
        required=False,
        allow_null=True,
    )

    class Meta:
        model = Card
        fields = (
            "id",
            "board",
            "column",
            "position",
            "title",
            "description",
            "status",
            "estimate",
            "due",
            "labels",
            "label_ids",
            "assignee",
            "assignee_id",
            "comment_count",
        )
        read_only_fields = ("board", "position", "comment_count")


class CommentSerializer(serializers.ModelSerializer[Comment]):
    card = VisibleField(queryset=Card.objects.all())
    author = UserSerializer(read_only=True)

    class Meta:
        model = Comment
        fields = ("id", "card", "author", "text", "created")


class MessageSerializer(serializers.ModelSerializer[Message]):
    author = UserSerializer(read_only=True)

    class Meta:
        model = Message
        fields = ("id", "board", "author", "text", "created")
        read_only_fields = ("board",)


class ActivitySerializer(serializers.ModelSerializer[Activity]):
    actor = UserSerializer(read_only=True)

    class Meta:
        model = Activity
        fields = ("id", "board", "actor", "verb", "subject", "created")


class SummarySerializer(serializers.Serializer[Any]):
    """A board as text."""

    board = serializers.IntegerField()
    text = serializers.CharField()


class StatSerializer(serializers.Serializer[Any]):
    """How much there is in one column."""

    board = serializers.IntegerField()
    column = serializers.IntegerField()
    title = serializers.CharField()
    cards = serializers.IntegerField()
    estimate = serializers.DecimalField(max_digits=9, decimal_places=1, allow_null=True)
