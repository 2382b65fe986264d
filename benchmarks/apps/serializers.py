"""The serializers of the contenders that use Django REST Framework."""

from __future__ import annotations

from django.contrib.auth.models import User
from rest_framework import serializers

from benchmarks.world import rows
from benchmarks.world.models import Card


class CardSerializer(serializers.ModelSerializer[Card]):
    class Meta:
        model = Card
        fields = rows.FIELDS


class OwnerSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("id", "username", "email")


class ListedCardSerializer(serializers.ModelSerializer[Card]):
    owner = OwnerSerializer()

    class Meta:
        model = Card
        fields = (*rows.FIELDS, "owner")
