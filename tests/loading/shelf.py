"""Serializers of every kind of reading, over the rows of the example's boards."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model
from rest_framework import serializers

from examples.board.models import Board, Card, Column, Comment, Label
from examples.board.serializers import CardSerializer, UserSerializer


class AuthoredSerializer(serializers.ModelSerializer[Comment]):
    author = UserSerializer()

    class Meta:
        model = Comment
        fields = ("id", "author", "text")


class DeepSerializer(serializers.ModelSerializer[Card]):
    """Nested to the ground."""

    comments = AuthoredSerializer(many=True)
    assignee = UserSerializer()

    class Meta:
        model = Card
        fields = ("id", "title", "comments", "assignee", "column", "labels")
        depth = 2


class FlatSerializer(serializers.ModelSerializer[Card]):
    """Every related field, and sources with dots."""

    labels: Any = serializers.SlugRelatedField(slug_field="name", many=True, read_only=True)
    label_ids: Any = serializers.PrimaryKeyRelatedField(source="labels", many=True, read_only=True)
    label_names: Any = serializers.StringRelatedField(source="labels", many=True)
    comments: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)
    assignee: Any = serializers.SlugRelatedField(slug_field="username", read_only=True)
    assigned: Any = serializers.StringRelatedField(source="assignee")
    board_name = serializers.CharField(source="column.board.name")
    board_key = serializers.IntegerField(source="board_id")
    members = UserSerializer(source="column.board.members", many=True)
    shown = serializers.CharField(source="get_status_display")

    class Meta:
        model = Card
        fields = (
            "pk",
            "labels",
            "label_ids",
            "label_names",
            "comments",
            "assignee",
            "assigned",
            "board_name",
            "board_key",
            "members",
            "shown",
        )


class BasicsSerializer(serializers.ModelSerializer[Card]):
    assignee = UserSerializer()

    class Meta:
        model = Card
        fields = ("title", "assignee")


class OwnSerializer(serializers.ModelSerializer[Card]):
    """Methods, an own representation, and one serializer inside another of the same row."""

    basics = BasicsSerializer(source="*")
    words = serializers.SerializerMethodField()
    author_names = serializers.SerializerMethodField()
    text = serializers.CharField(source="__str__")

    class Meta:
        model = Card
        fields = ("basics", "words", "author_names", "text")

    def get_words(self, card: Card) -> int:
        return len(card.description.split())

    def get_author_names(self, card: Card) -> list[str]:
        return [str(comment.author) for comment in card.comments.select_related("author")]

    def to_representation(self, instance: Card) -> dict[str, Any]:
        return {**super().to_representation(instance), "where": instance.column.title}


class ColumnWithCardsSerializer(serializers.ModelSerializer[Column]):
    """From the other end."""

    cards = CardSerializer(many=True, read_only=True)

    class Meta:
        model = Column
        fields = ("id", "title", "cards")


ROWS: dict[type[serializers.ModelSerializer[Any]], type[Model]] = {
    CardSerializer: Card,
    DeepSerializer: Card,
    FlatSerializer: Card,
    OwnSerializer: Card,
    BasicsSerializer: Card,
    ColumnWithCardsSerializer: Column,
    AuthoredSerializer: Comment,
}


def filled(cards: int = 6) -> Board:
    """A board whose cards differ in what they are related to."""
    users = [User.objects.create(username=name) for name in ("ada", "grace", "hedy")]
    labels = [Label.objects.create(name=name) for name in ("red", "green", "blue")]
    board = Board.objects.create(name="Ships", public=True)
    board.members.set(users)
    columns = [
        Column.objects.create(board=board, title=t, position=9 - n) for n, t in enumerate("ab")
    ]
    for number in range(cards):
        card = Card.objects.create(
            board=board,
            column=columns[number % 2],
            title=f"Card {number}",
            description="to be done " * number,
            position=cards - number,
            assignee=users[number % 3] if number % 4 else None,
        )
        card.labels.set(labels[: number % 4])
        for comment in range(number % 3):
            author = users[comment] if number % 2 else None
            Comment.objects.create(card=card, author=author, text=f"{number}.{comment}")
    return board
