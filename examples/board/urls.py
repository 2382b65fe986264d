"""What answers HTTP."""

from __future__ import annotations

from django.urls import path

from examples.board.api import router
from examples.board.views import asset, health, page, session

urlpatterns = [
    path("", page),
    path("page/<str:name>", asset),
    path("session/", session),
    path("health/", health),
    path("graphql/", router.graphql_view()),
]
