"""graphene-django: the list over HTTP."""

from __future__ import annotations

from typing import Any

import graphene
from django.contrib.auth.models import User
from django.core.handlers.asgi import ASGIHandler
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from graphene_django import DjangoObjectType
from graphene_django.views import GraphQLView

from benchmarks.world import models, rows, urls


class Owner(DjangoObjectType):
    class Meta:
        model = User
        fields = ("id", "username", "email")


class Card(DjangoObjectType):
    class Meta:
        model = models.Card
        fields = (*rows.FIELDS, "owner")


class Query(graphene.ObjectType):
    cards = graphene.List(graphene.NonNull(Card))

    def resolve_cards(self, info: Any) -> Any:
        return models.Card.objects.select_related("owner").order_by("pk")


schema = graphene.Schema(query=Query)
urls.urlpatterns.append(path("graphql/", csrf_exempt(GraphQLView.as_view(schema=schema))))
application = ASGIHandler()
commands: dict[str, Any] = {}
