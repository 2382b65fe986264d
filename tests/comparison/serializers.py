"""How the scenarios' rows are written as JSON."""

from __future__ import annotations

from rest_framework import serializers

from tests.comparison.models import Board, Card, Country, Document


class CardSerializer(serializers.ModelSerializer[Card]):
    """A card's own columns."""

    class Meta:
        model = Card
        fields = ("id", "title", "position")


class LabelledCardSerializer(serializers.ModelSerializer[Card]):
    """A card and the keys of its relations."""

    class Meta:
        model = Card
        fields = ("id", "title", "board", "labels")


class TitleSerializer(serializers.ModelSerializer[Card]):
    """Only the title: for consumers that choose between serializers."""

    class Meta:
        model = Card
        fields = ("title",)


class BoardSerializer(serializers.ModelSerializer[Board]):
    """A board."""

    class Meta:
        model = Board
        fields = ("id", "name")


class CountrySerializer(serializers.ModelSerializer[Country]):
    """A row with a named key."""

    class Meta:
        model = Country
        fields = ("code", "name")


class DocumentSerializer(serializers.ModelSerializer[Document]):
    """A row with a UUID."""

    class Meta:
        model = Document
        fields = ("id", "title")
