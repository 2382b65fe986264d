"""What the project answers: a router with one consumer, whose pages are DRF's by cursor."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.pagination import CursorPagination

from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import PaginatedModelListMixin, RetrieveModelMixin
from dcrf_graph.routers import Router
from tests.testapp.models import Article


class ByTitle(CursorPagination):
    page_size = 10
    page_size_query_param = "size"
    ordering: Any = ("title", "pk")


class ArticleSerializer(serializers.ModelSerializer[Article]):
    place = serializers.IntegerField(source="body", read_only=True)

    class Meta:
        model = Article
        fields = ["id", "title", "place"]


class ArticleConsumer(PaginatedModelListMixin, RetrieveModelMixin, GenericAsyncAPIConsumer):
    queryset = Article.objects.all()
    serializer_class = ArticleSerializer
    pagination_class = ByTitle


# Relay's store needs ids that no other type has.
router = Router(node=True)
router.register("articles", ArticleConsumer)


def health(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok", **router.statistics()})


def schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(router.sdl, content_type="text/plain")


urlpatterns = [
    path("graphql/", router.graphql_view()),
    path("health/", health),
    path("schema/", schema),
]
