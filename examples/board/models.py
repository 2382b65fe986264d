"""
What is on a board, and who may see it.

Visibility is asked in one way everywhere, `Model.objects.visible_to(user)`: a
public board is everybody's to see, a private one its members'. What people do
on a board, and the order of its cards, is in `rules`.
"""

from __future__ import annotations

from typing import Self, TypeAlias, TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db import models

Visitor: TypeAlias = User | AnonymousUser

AnyModel = TypeVar("AnyModel", bound=models.Model, covariant=True)


class BoardQuerySet(models.QuerySet["Board"]):
    """Boards."""

    def visible_to(self, user: Visitor) -> Self:
        """The public ones and, for somebody who is logged in, those they are a member of."""
        public = models.Q(public=True)
        if isinstance(user, AnonymousUser):
            return self.filter(public)
        # By key and not by a join, so that a row never comes twice.
        return self.filter(public | models.Q(pk__in=user.boards.values("pk")))


class BoardedQuerySet(models.QuerySet[AnyModel]):
    """Rows with a `board`, which are as visible as it is."""

    def visible_to(self, user: Visitor) -> Self:
        """The rows of the boards that this user sees."""
        return self.filter(board__in=Board.objects.visible_to(user))


class CommentQuerySet(models.QuerySet["Comment"]):
    """Comments."""

    def visible_to(self, user: Visitor) -> Self:
        """The comments on the cards that this user sees."""
        return self.filter(card__board__in=Board.objects.visible_to(user))


class Board(models.Model):
    name = models.CharField(max_length=80)
    public = models.BooleanField(default=False, help_text="Anybody may read it and move its cards.")
    members = models.ManyToManyField(User, related_name="boards", blank=True)

    objects = BoardQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)


class Column(models.Model):
    board = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="columns")
    title = models.CharField(max_length=80)
    position = models.PositiveIntegerField(default=0, help_text="From the left, beginning at 0.")

    objects = BoardedQuerySet["Column"].as_manager()

    class Meta:
        ordering = ("position", "pk")


class Label(models.Model):
    class Colour(models.TextChoices):
        BLUE = "blue", "Blue"
        GREEN = "green", "Green"
        AMBER = "amber", "Amber"
        ROSE = "rose", "Rose"
        VIOLET = "violet", "Violet"

    name = models.CharField(max_length=40, unique=True)
    colour = models.CharField(max_length=10, choices=Colour.choices, default=Colour.BLUE)

    class Meta:
        ordering = ("name",)


class Card(models.Model):
    class Status(models.TextChoices):
        ON_TRACK = "on-track", "On track"
        AT_RISK = "at-risk", "At risk"
        BLOCKED = "blocked", "Blocked"

    column = models.ForeignKey(Column, on_delete=models.CASCADE, related_name="cards")
    # Always the column's. Kept here too because every change of a card is sent to its board's
    # group, and a group must not cost a query.
    board = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="cards", editable=False)
    title = models.CharField(max_length=140)
    description = models.TextField(blank=True, default="")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ON_TRACK)
    estimate = models.DecimalField(
        max_digits=5, decimal_places=1, null=True, blank=True, help_text="Days of work."
    )
    due = models.DateField(null=True, blank=True)
    labels = models.ManyToManyField(Label, related_name="cards", blank=True)
    assignee = models.ForeignKey(
        User, on_delete=models.SET_NULL, related_name="cards", null=True, blank=True
    )
    position = models.PositiveIntegerField(
        default=0, editable=False, help_text="From the top of its column, beginning at 0, no gaps."
    )
    comment_count = models.PositiveIntegerField(default=0, editable=False)

    objects = BoardedQuerySet["Card"].as_manager()

    class Meta:
        ordering = ("column__position", "position", "pk")


class Comment(models.Model):
    card = models.ForeignKey(Card, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, on_delete=models.SET_NULL, related_name="+", null=True)
    text = models.TextField(max_length=2000)
    created = models.DateTimeField(auto_now_add=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        ordering = ("created", "pk")


class Message(models.Model):
    """One line of a board's chat."""

    board = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(User, on_delete=models.SET_NULL, related_name="+", null=True)
    text = models.TextField(max_length=1000)
    created = models.DateTimeField(auto_now_add=True)

    objects = BoardedQuerySet["Message"].as_manager()

    class Meta:
        ordering = ("created", "pk")


class Activity(models.Model):
    """One line of a board's history; nothing is ever written over."""

    class Verb(models.TextChoices):
        ADDED = "added", "Added"
        MOVED = "moved", "Moved"
        EDITED = "edited", "Edited"
        DELETED = "deleted", "Deleted"
        COMMENTED = "commented", "Commented"

    board = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="activities")
    # Without an actor it was a visitor who had not logged in.
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, related_name="+", null=True)
    verb = models.CharField(max_length=10, choices=Verb.choices)
    subject = models.CharField(max_length=140, help_text="The title that the card had then.")
    created = models.DateTimeField(auto_now_add=True)

    objects = BoardedQuerySet["Activity"].as_manager()

    class Meta:
        ordering = ("-created", "-pk")
        verbose_name_plural = "activities"
