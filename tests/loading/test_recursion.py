"""A serializer that nests itself is read as deep as its rows go, and no deeper."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework import serializers

from dcrf_graph.loading.representation import loading
from examples.board.models import Card, Column

pytestmark = pytest.mark.django_db


class ColumnSerializer(serializers.ModelSerializer[Column]):
    """A column, the cards in it, their column, and so on."""

    class Meta:
        model = Column
        fields = ["id", "cards"]

    def get_fields(self) -> Any:
        return {**super().get_fields(), "cards": CardSerializer(many=True, read_only=True)}


class CardSerializer(serializers.ModelSerializer[Card]):
    class Meta:
        model = Card
        fields = ["id", "comments"]

    def get_fields(self) -> Any:
        fields = super().get_fields()
        if not isinstance(getattr(self.parent, "parent", None), CardSerializer):
            fields["column"] = ColumnSerializer(read_only=True)
        return fields


def test_rows_of_a_serializer_that_nests_itself_are_loaded() -> None:
    assert loading(ColumnSerializer(Column.objects.all(), many=True)).data == []
