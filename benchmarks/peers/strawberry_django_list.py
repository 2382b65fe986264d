"""strawberry-django: the list over HTTP, with its query optimizer."""

from __future__ import annotations

from typing import Any

import strawberry
import strawberry_django
from django.contrib.auth.models import User
from django.core.handlers.asgi import ASGIHandler
from django.urls import path
from strawberry.django.views import AsyncGraphQLView
from strawberry_django.optimizer import DjangoOptimizerExtension

from benchmarks.world import models, urls


@strawberry_django.type(User)
class Owner:
    id: strawberry.auto
    username: strawberry.auto
    email: strawberry.auto


@strawberry_django.type(models.Card)
class Card:
    id: strawberry.auto
    title: strawberry.auto
    text: strawberry.auto
    board: strawberry.auto
    position: strawberry.auto
    done: strawberry.auto
    due: strawberry.auto
    owner: Owner


@strawberry.type
class Query:
    @strawberry_django.field
    def cards(self) -> list[Card]:
        return models.Card.objects.order_by("pk")  # type: ignore[return-value]


schema = strawberry.Schema(query=Query, extensions=[DjangoOptimizerExtension])
urls.urlpatterns.append(path("graphql/", AsyncGraphQLView.as_view(schema=schema)))
application = ASGIHandler()
commands: dict[str, Any] = {}
