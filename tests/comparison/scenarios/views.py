"""HTTP views spoken to through a socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from rest_framework import viewsets
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.comparison.library import DjangoViewAsConsumer, view_as_consumer
from tests.comparison.models import Card
from tests.comparison.scenario import reply, scenario
from tests.comparison.serializers import CardSerializer
from tests.comparison.stage import Stage


class Words(APIView):
    """Answers GET with the query, and other methods with their name."""

    def get(self, request: Any) -> Response:
        return Response({"method": "GET", "query": dict(request.GET)})

    def put(self, request: Any) -> Response:
        return Response({"method": "PUT"}, status=201)

    def patch(self, request: Any) -> Response:
        return Response({"method": "PATCH"})


@scenario("list and retrieve are GET, create is PUT and update is PATCH")
async def methods(stage: Stage) -> None:
    client = await stage.connect(view_as_consumer(Words.as_view()))
    for number, name in enumerate(("list", "retrieve", "create", "update"), start=1):
        await client.call(name, request_id=number)


@scenario("an action that is not mapped is refused with 405")
async def unmapped(stage: Stage) -> None:
    await (await stage.connect(view_as_consumer(Words.as_view()))).call("delete")


@scenario("actions may be mapped to methods")
async def mapped(stage: Stage) -> None:
    app = view_as_consumer(Words.as_view(), {"ask": "GET", "delete": "DELETE"})
    client = await stage.connect(app)
    await client.call("ask")
    await client.call("delete", request_id=2)
    await client.call("list", request_id=3)


@scenario("the query of a frame is the request's GET")
async def query(stage: Stage) -> None:
    client = await stage.connect(view_as_consumer(Words.as_view()))
    await client.call("list", query={"word": "yes", "many": ["a", "b"]})
    await client.call("list", request_id=2, query={"number": 1, "many": [1, None]})


@scenario("the parameters of a frame are the view's keyword arguments")
async def parameters(stage: Stage) -> None:
    class Numbers(viewsets.ViewSet):
        def retrieve(self, request: Any, pk: Any, kind: str = "?") -> Response:
            return Response({"pk": pk, "kind": kind})

    client = await stage.connect(view_as_consumer(Numbers.as_view({"get": "retrieve"})))
    await client.call("retrieve", parameters={"pk": 42})
    await client.call("retrieve", request_id=2, parameters={"pk": "x", "kind": "odd"})


@scenario("a viewset of models lists and retrieves")
async def model_viewset(stage: Stage) -> None:
    class Cards(viewsets.ReadOnlyModelViewSet[Card]):
        queryset = Card.objects.all()
        serializer_class = CardSerializer

    await Card.objects.acreate(title="one")
    listed = view_as_consumer(Cards.as_view({"get": "list"}))
    single = view_as_consumer(Cards.as_view({"get": "retrieve"}))
    await (await stage.connect(listed)).call("list")
    client = await stage.connect(single)
    await client.call("retrieve", parameters={"pk": 1})
    await client.call("retrieve", request_id=2, parameters={"pk": 8})


@scenario("a plain Django view answers with its text")
async def plain_view(stage: Stage) -> None:
    def hello(request: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(f"hello {request.GET.get('name')}", status=202)

    client = await stage.connect(view_as_consumer(hello))
    await client.call("list", query={"name": "Ada"})


@scenario("a JSON response of a plain view answers as text")
async def json_view(stage: Stage) -> None:
    def numbers(request: Any) -> HttpResponse:
        return JsonResponse({"one": 1})

    await (await stage.connect(view_as_consumer(numbers))).call("list")


@scenario("bytes that are no text are answered in hexadecimal")
async def binary_view(stage: Stage) -> None:
    def image(request: Any) -> HttpResponse:
        return HttpResponse(b"\x89PNG\xff", content_type="image/png")

    await (await stage.connect(view_as_consumer(image))).call("list")


@scenario("a template response is rendered")
async def template_view(stage: Stage) -> None:
    def hello(request: Any) -> HttpResponse:
        return TemplateResponse(request, "hello.html", {"name": "Ada"})

    await (await stage.connect(view_as_consumer(hello))).call("list")


@scenario("a view's refusal keeps its status and body")
async def refused_view(stage: Stage) -> None:
    class Nothing(APIView):
        def get(self, request: Any) -> Response:
            raise NotFound("Nothing here.")

    client = await stage.connect(view_as_consumer(Nothing.as_view()))
    await client.call("list")
    await client.call("create", request_id=2)


@scenario("a view sees the user and the path of the socket")
async def view_request(stage: Stage) -> None:
    def who(request: Any) -> HttpResponse:
        return HttpResponse(f"{request.user} {request.path} {request.method}")

    user = await User.objects.acreate(username="ada")
    client = await stage.connect(view_as_consumer(who), user=user, path="/elsewhere/")
    await client.call("list")


@scenario("the query of the socket's own address is not a view's")
async def address_query(stage: Stage) -> None:
    client = await stage.connect(view_as_consumer(Words.as_view()), query_string=b"word=no")
    await client.call("list", query={"other": "yes"})


@scenario("a plain view finds the data of a frame in POST, as text")
async def plain_data(stage: Stage) -> None:
    def echo(request: Any) -> HttpResponse:
        return JsonResponse({"title": json.loads(request.POST)["title"]})

    await (await stage.connect(view_as_consumer(echo))).call("create", data={"title": "x"})


@scenario("a view may be wrapped by a class with arguments of its own")
async def view_class(stage: Stage) -> None:
    def where(request: Any, board: int, **kwargs: Any) -> HttpResponse:
        return HttpResponse(f"{request.method} {board} {sorted(kwargs)}")

    class Boards(DjangoViewAsConsumer):
        view = where
        actions = {"show": "GET", "change": "POST"}

        def get_view_args(self, action: str, **kwargs: Any) -> Any:
            return [self.scope["url_route"]["kwargs"]["board"]], {action: True}

    client = await stage.connect(Boards, url_route={"args": [], "kwargs": {"board": 3}})
    await client.call("show")
    await client.call("change", request_id=2)


@scenario("an empty response is answered with its status")
async def empty_view(stage: Stage) -> None:
    class Empty(APIView):
        def get(self, request: Any) -> Response:
            return Response(status=204)

    await (await stage.connect(view_as_consumer(Empty.as_view()))).call("list")


@scenario(
    "the data of a frame is the body of the request",
    differs="D12",
    ours=[reply("create", {"title": "x", "deep": [1, {"a": None}]})],
)
async def view_data(stage: Stage) -> None:
    class Echo(APIView):
        def put(self, request: Any) -> Response:
            return Response(request.data)

    client = await stage.connect(view_as_consumer(Echo.as_view()))
    await client.call("create", data={"title": "x", "deep": [1, {"a": None}]})


@scenario(
    "each connection of a view has a consumer of its own",
    differs="D13",
    ours=[
        reply("list", "ada", request_id="from ada"),
        {"client": 2, "frames": [reply("list", "bob", request_id="from bob")]},
    ],
)
async def view_scopes(stage: Stage) -> None:
    loop, called = asyncio.get_running_loop(), asyncio.Event()

    def who(request: Any) -> HttpResponse:
        loop.call_soon_threadsafe(called.set)
        return HttpResponse(str(request.user))

    app = view_as_consumer(who)
    ada = await stage.connect(app, user=await User.objects.acreate(username="ada"), fence=None)
    bob = await stage.connect(app, user=await User.objects.acreate(username="bob"))
    await ada.send(action="list", request_id="from ada")
    await called.wait()
    await bob.send(action="list", request_id="from bob")
    await stage.until_frames(2)  # upstream answers both on bob's socket


@scenario(
    "a view that raises is answered",
    differs="D02",
    ours=[
        reply("list", status=500, errors=["Internal server error"]),
        reply("missing", status=405, errors=['Method "missing" not allowed.'], request_id=2),
    ],
)
async def raising_view(stage: Stage) -> None:
    def broken(request: Any) -> HttpResponse:
        raise RuntimeError("a secret of the server")

    client = await stage.connect(view_as_consumer(broken))
    await client.send(action="list", request_id=1)
    await client.call("missing", request_id=2)
