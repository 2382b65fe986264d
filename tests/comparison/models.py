"""The rows of the scenarios: a small board, and rows whose key is not a number."""

from __future__ import annotations

import uuid

from django.db import models


class Board(models.Model):
    """What cards stand on."""

    name = models.CharField(max_length=20)

    class Meta:
        app_label = "comparison"


class Label(models.Model):
    """What cards are marked with."""

    name = models.CharField(max_length=20)

    class Meta:
        app_label = "comparison"


class Card(models.Model):
    """The usual row: a unique title, a number, a foreign key and a many-to-many relation."""

    title = models.CharField(max_length=20, unique=True)
    position = models.IntegerField(default=0)
    board = models.ForeignKey(Board, models.CASCADE, null=True, blank=True, related_name="cards")
    labels = models.ManyToManyField(Label, blank=True, related_name="cards")

    class Meta:
        app_label = "comparison"
        ordering = ("id",)


class Country(models.Model):
    """A row whose primary key has a name of its own and is text."""

    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "comparison"


class Document(models.Model):
    """A row whose key JSON cannot carry as it is."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = models.CharField(max_length=20)

    class Meta:
        app_label = "comparison"
