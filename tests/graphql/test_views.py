"""Wrapped views: typed by the serializer of a generic view, else JSON."""

from __future__ import annotations

from typing import Any

import pytest
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import filters, generics, viewsets
from rest_framework.decorators import action, api_view
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.views import APIView

from dcrf_graph.consumers import view_as_consumer
from dcrf_graph.graphql.operations import Operation
from dcrf_graph.graphql.schema import Derived, derive
from tests.graphql.board import LabelSerializer, NoteSerializer, Registered, SluggedSerializer
from tests.testapp.models import Note, Slugged


class Numbered(PageNumberPagination):
    page_size = 2


class NoteViewSet(viewsets.ModelViewSet[Note]):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer
    pagination_class = Numbered
    filter_backends = [DjangoFilterBackend, filters.SearchFilter]
    filterset_fields = ["text"]
    search_fields = ["text"]

    def get_serializer_class(self) -> Any:
        return LabelSerializer if self.action == "create" else NoteSerializer

    @action(detail=True)
    def shout(self, request: Any, pk: Any) -> Response:
        return Response({"text": "!"})


class SluggedView(generics.RetrieveUpdateDestroyAPIView[Slugged]):
    queryset = Slugged.objects.all()
    serializer_class = SluggedSerializer
    lookup_field = "slug"
    lookup_url_kwarg = "page_slug"


class Counting(generics.GenericAPIView[Note]):
    serializer_class = NoteSerializer

    def get(self, request: Any) -> Response:
        return Response(self.get_serializer([], many=True).data)

    def post(self, request: Any) -> Response:
        return Response({"count": 1})


class Plain(APIView):
    def get(self, request: Any) -> Response:
        return Response([])


@api_view(["GET"])
def function(request: Any) -> Response:
    return Response([])


LIST: Any = {"get": "list", "post": "create"}
DETAIL: Any = {
    "get": "retrieve",
    "put": "update",
    "patch": "partial_update",
    "delete": "destroy",
    "options": "shout",
}


def derived_of(view: Any, actions: dict[str, str]) -> Derived:
    consumer = view_as_consumer(view, actions).consumer_class
    return derive([Registered("notes", consumer, "note")])


def described(operation: Operation) -> str:
    arguments = ", ".join(f"{a.name}: {a.type}" for a in operation.arguments)
    return f"{operation.name}({arguments}): {operation.result}"


REST = "query: JSON, parameters: JSON"


@pytest.mark.parametrize(
    ("view", "action_name", "method", "expected"),
    [
        (
            NoteViewSet.as_view(LIST),
            "list",
            "GET",
            f"notes(page: Int, filter: NoteFilter, search: String, {REST}): NotePage",
        ),
        (
            NoteViewSet.as_view(LIST),
            "create",
            "POST",
            f"noteCreate(data: LabelInput!, {REST}): Label",
        ),
        (NoteViewSet.as_view(DETAIL), "retrieve", "GET", f"note(id: ID!, {REST}): Note"),
        (
            NoteViewSet.as_view(DETAIL),
            "update",
            "PUT",
            f"noteUpdate(id: ID!, data: NoteInput!, {REST}): Note",
        ),
        (
            NoteViewSet.as_view(DETAIL),
            "patch",
            "PATCH",
            f"notePatch(id: ID!, data: NotePatchInput!, {REST}): Note",
        ),
        (NoteViewSet.as_view(DETAIL), "delete", "DELETE", f"noteDelete(id: ID!, {REST}): ID"),
        (NoteViewSet.as_view(DETAIL), "shout", "OPTIONS", f"noteShout({REST}): JSON"),
        (
            SluggedView.as_view(),
            "retrieve",
            "GET",
            f"note(pageSlug: String!, {REST}): Slugged",
        ),
        (SluggedView.as_view(), "delete", "DELETE", f"noteDelete(pageSlug: String!, {REST}): ID"),
        (Counting.as_view(), "list", "GET", f"notes({REST}): [Note!]"),
        (Counting.as_view(), "retrieve", "GET", f"note({REST}): Note"),
        (Counting.as_view(), "create", "POST", f"noteCreate(data: JSON, {REST}): JSON"),
        (Counting.as_view(), "count", "GET", f"noteCount({REST}): JSON"),
        (Plain.as_view(), "list", "GET", f"notes({REST}): JSON"),
        (function, "list", "GET", f"notes({REST}): JSON"),
        (function, "say", "POST", f"noteSay(data: JSON, {REST}): JSON"),
    ],
)
def test_a_view_is_typed_by_its_serializer(
    view: Any, action_name: str, method: str, expected: str
) -> None:
    (operation,) = derived_of(view, {action_name: method}).operations
    assert described(operation) == expected


def test_a_key_is_what_the_path_would_name() -> None:
    (operation,) = derived_of(SluggedView.as_view(), {"retrieve": "GET"}).operations
    values = {"pageSlug": "a", "parameters": {"board": 1}, "query": None}
    assert operation.native_arguments(values) == {"parameters": {"board": 1, "page_slug": "a"}}


def test_a_page_and_filters_are_what_the_query_would_say() -> None:
    (operation,) = derived_of(NoteViewSet.as_view(LIST), {"list": "GET"}).operations
    values = {"page": 2, "search": "a", "query": {"format": "json"}}
    assert operation.native_arguments(values) == {
        "query": {"format": "json", "page": "2", "search": "a"}
    }


def test_a_view_without_a_serializer_is_information() -> None:
    (problem,) = derived_of(Plain.as_view(), {"list": "GET"}).problems
    assert (problem.id, problem.level) == ("dcrf_graph.I001", "info")
    assert derived_of(NoteViewSet.as_view(LIST), {"list": "GET"}).problems == ()


def test_a_serializer_that_wants_a_request_is_the_declared_one() -> None:
    class Wanting(NoteViewSet):
        def get_serializer_class(self) -> Any:
            user: Any = self.request.user
            return user.serializer

    (operation,) = derived_of(Wanting.as_view(LIST), {"create": "POST"}).operations
    assert operation.result == "Note"
