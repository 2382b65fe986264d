"""Django and DRF views over a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.template import engines
from django.template.response import SimpleTemplateResponse
from django.views import View
from rest_framework import viewsets
from rest_framework.decorators import api_view
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dcrf_graph.consumers import view_as_consumer
from dcrf_graph.permissions import IsAuthenticated as OurIsAuthenticated
from tests.native.client import SOMEBODY, SOMEBODY_ELSE, connected, in_thread
from tests.native.serializers import NoteSerializer
from tests.testapp.models import Note


class Echo(APIView):
    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(
            {"method": "GET", "query": request.query_params.dict(), "kwargs": kwargs}, status=203
        )

    def put(self, request: Request) -> Response:
        return Response({"method": "PUT", "data": request.data})

    def patch(self, request: Request) -> Response:
        return Response({"method": "PATCH", "user": str(request.user)})


class Notes(viewsets.ModelViewSet[Note]):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer


def serving(view: Any, actions: dict[str, str] | None = None) -> Any:
    """The consumer class of a view."""
    return view_as_consumer(view, actions).consumer_class


async def test_an_action_is_the_http_method_that_it_is_mapped_to() -> None:
    async with connected(serving(Echo.as_view())) as client:
        assert (await client.call("create", data={"a": [1]}))["data"] == {
            "method": "PUT",
            "data": {"a": [1]},
        }
        assert (await client.call("update"))["data"]["method"] == "PATCH"
        frame = await client.call("retrieve", query={"b": "2"}, parameters={"pk": 3})
    assert frame == {
        "errors": [],
        "data": {"method": "GET", "query": {"b": "2"}, "kwargs": {"pk": 3}},
        "action": "retrieve",
        "response_status": 203,
        "request_id": 1,
    }


def plain(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(str(number))


@pytest.mark.parametrize(
    ("view", "actions", "parameters", "reason"),
    [
        (Echo.as_view(), {"put": "PUT"}, {"pk": 1}, "got an unexpected keyword argument 'pk'"),
        (plain, {"put": "PUT"}, {}, "missing a required argument: 'number'"),
        (plain, {"put": "PUT"}, {"number": 1, "a b": 2}, "unexpected keyword argument 'a b'"),
        (Notes.as_view({"get": "retrieve"}), {"put": "GET"}, {"pk": 1, "b": 2}, None),
    ],
)
@pytest.mark.django_db(transaction=True)
async def test_parameters_that_the_view_does_not_take_are_the_clients_fault(
    view: Any, actions: dict[str, str], parameters: dict[str, Any], reason: str | None
) -> None:
    async with connected(serving(view, actions)) as client:
        frame = await client.call("put", parameters=parameters)
    if reason is None:
        assert frame["response_status"] == 404
        return
    assert frame["response_status"] == 400
    assert reason in frame["errors"][0]["parameters"][0]


async def test_actions_may_be_mapped_otherwise() -> None:
    async with connected(serving(Echo.as_view(), {"change": "PATCH"})) as client:
        assert (await client.call("change"))["data"]["method"] == "PATCH"
        assert (await client.call("list"))["response_status"] == 405


async def test_a_method_that_the_view_does_not_have_is_answered_with_405() -> None:
    async with connected(serving(Echo.as_view(), {"remove": "DELETE"})) as client:
        frame = await client.call("remove")
    assert (frame["response_status"], frame["data"]["detail"]) == (
        405,
        'Method "DELETE" not allowed.',
    )


async def test_two_connections_have_two_consumers_with_two_users() -> None:
    """Upstream keeps one for all: the first client was answered as the second."""
    consumer = serving(Echo.as_view())
    async with (
        connected(consumer, user=SOMEBODY) as first,
        connected(consumer, user=SOMEBODY_ELSE) as second,
    ):
        assert (await first.call("update"))["data"]["user"] == "somebody"
        assert (await second.call("update"))["data"]["user"] == "somebody else"
        assert (await first.call("update"))["data"]["user"] == "somebody"
        assert await first.silent()
        assert await second.silent()


async def test_the_application_makes_a_consumer_for_each_connection() -> None:
    application = view_as_consumer(Echo.as_view())
    made: list[Any] = []

    class Counted(application.consumer_class):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    for _ in range(2):
        async with connected(Counted):
            pass
    assert len({id(each) for each in made}) == 2


async def test_a_view_checks_its_own_permissions() -> None:
    class Private(Echo):
        permission_classes = [IsAuthenticated]

    consumer = serving(Private.as_view())
    async with connected(consumer) as client:
        assert (await client.call("list"))["response_status"] == 403
    async with connected(consumer, user=SOMEBODY) as client:
        assert (await client.call("list"))["response_status"] == 203


async def test_the_permissions_of_the_consumer_come_before_the_views() -> None:
    class Guarded(serving(Echo.as_view())):  # type: ignore[misc]
        permission_classes = [OurIsAuthenticated]

    async with connected(Guarded) as client:
        assert (await client.call("list"))["response_status"] == 403
        assert (await client.call("no_such_action"))["response_status"] == 403


@pytest.mark.parametrize("name", ["query", "parameters"])
async def test_query_and_parameters_must_be_objects(name: str) -> None:
    async with connected(serving(Echo.as_view())) as client:
        frame = await client.call("list", **{name: [1]})
        assert (frame["response_status"], list(frame["errors"][0])) == (400, [name])


@pytest.mark.parametrize("name", ["self", "request"])
async def test_a_client_cannot_pass_what_the_view_is_called_with(name: str) -> None:
    async with connected(serving(Echo.as_view())) as client:
        frame = await client.call("list", parameters={name: 1})
    assert frame["errors"] == [{name: ["This argument is reserved."]}]


@pytest.mark.django_db(transaction=True)
async def test_a_viewset_writes_and_reads_rows() -> None:
    view = Notes.as_view({"get": "list", "post": "create"})
    async with connected(serving(view, {"list": "GET", "create": "POST"})) as client:
        frame = await client.call("create", data={"text": "a"})
        assert frame["response_status"] == 201
        frame = await client.call("create", data={})
        assert (frame["response_status"], frame["data"]) == (
            400,
            {"text": ["This field is required."]},
        )
        assert [row["text"] for row in (await client.call("list"))["data"]] == ["a"]
    assert await in_thread(Note.objects.count) == 1


async def test_a_plain_view_is_answered_as_text() -> None:
    def plain(request: HttpRequest) -> HttpResponse:
        assert isinstance(request.user, AnonymousUser)
        assert json.loads(str(request.POST)) == {"a": 1}
        return HttpResponse("plain", status=202)

    async with connected(serving(plain)) as client:
        frame = await client.call("list", data={"a": 1})
    assert (frame["data"], frame["response_status"]) == ("plain", 202)


async def test_a_class_based_view_gets_the_method() -> None:
    class Plain(View):
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse(request.GET["a"])

    async with connected(serving(Plain.as_view())) as client:
        assert (await client.call("list", query={"a": "b"}))["data"] == "b"
        assert (await client.call("create"))["response_status"] == 405


async def test_a_template_response_is_rendered() -> None:
    def greeting(request: HttpRequest) -> SimpleTemplateResponse:
        template = engines["django"].from_string("Hello {{ name }}!")
        return SimpleTemplateResponse(template, {"name": "you"})

    async with connected(serving(greeting)) as client:
        assert (await client.call("list"))["data"] == "Hello you!"


async def test_bytes_that_are_no_text_are_answered_as_hexadecimal() -> None:
    async with connected(serving(lambda request: HttpResponse(b"\xff\x00"))) as client:
        assert (await client.call("list"))["data"] == "ff00"


@pytest.mark.parametrize(
    ("error", "status"), [(Http404("gone"), 404), (RuntimeError("a secret"), 500)]
)
async def test_what_a_plain_view_raises_is_answered(error: Exception, status: int) -> None:
    def fails(request: HttpRequest) -> HttpResponse:
        raise error

    async with connected(serving(fails)) as client:
        frame = await client.call("list", request_id=7)
        assert (frame["response_status"], frame["request_id"]) == (status, 7)
        assert (await client.call("list", request_id=8))["request_id"] == 8


async def test_headers_and_cookies_of_the_socket_reach_the_view() -> None:
    @api_view(["GET"])
    def looks(request: Request) -> Response:
        return Response([request.META["HTTP_AUTHORIZATION"], request.COOKIES["c"]])

    headers = [(b"host", b"testserver"), (b"authorization", b"Token 7"), (b"cookie", b"c=1")]
    async with connected(serving(looks), headers=headers) as client:
        assert (await client.call("list"))["data"] == ["Token 7", "1"]
