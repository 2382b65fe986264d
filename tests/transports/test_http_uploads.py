"""Files that come with an operation, from the form to a serializer's field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.middleware.csrf import get_token
from django.test import AsyncClient, RequestFactory, override_settings
from django.urls import path
from rest_framework import serializers

from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import CreateModelMixin
from dcrf_graph.routers import Router
from tests.testapp.models import Note

PREFLIGHT = {"GraphQL-Require-Preflight": "1"}
HELLO = b"hello"


class FileSerializer(serializers.Serializer[Any]):
    text = serializers.FileField(write_only=True)
    more = serializers.ListField(
        child=serializers.FileField(), write_only=True, required=False, max_length=5
    )
    size = serializers.IntegerField(read_only=True)

    def create(self, validated_data: dict[str, Any]) -> dict[str, Any]:
        files = [validated_data["text"], *validated_data.get("more", [])]
        assert all(isinstance(each, UploadedFile) for each in files)
        # Chunks begin at the start, also of a file that stands in several places.
        return {"size": sum(len(b"".join(each.chunks())) for each in files)}


class FileConsumer(CreateModelMixin, GenericAsyncAPIConsumer):
    queryset = Note.objects.all()
    serializer_class = FileSerializer


router = Router()
router.register("notes", FileConsumer)
urlpatterns = [path("graphql/", router.graphql_view())]
ONE = "mutation($file: Upload!) { noteCreate(data: {text: $file}) { size } }"
SEVERAL = """
    mutation($file: Upload!, $more: [Upload!]) {
      noteCreate(data: {text: $file, more: $more}) { size }
    }
"""

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def urls() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield


def wire(query: str = ONE, **variables: Any) -> dict[str, Any]:
    return {"query": query, "variables": variables or {"file": None}}


async def send(
    operations: object,
    places: object,
    headers: Any = None,
    client: Any = None,
    **files: Any,
) -> Any:
    form = {
        "operations": operations if isinstance(operations, str) else json.dumps(operations),
        "map": places if isinstance(places, str) else json.dumps(places),
        **files,
    }
    client = client or AsyncClient(enforce_csrf_checks=True)
    return await client.post("/graphql/", form, headers=PREFLIGHT if headers is None else headers)


def hello(name: str = "hello.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, HELLO, "text/plain")


async def test_a_file_reaches_the_field_of_a_serializer() -> None:
    response = await send(wire(), {"a": ["variables.file"]}, a=hello())
    assert response.json() == {"data": {"noteCreate": {"size": 5}}}


async def test_files_stand_in_lists_and_one_file_in_several_places() -> None:
    operations = wire(SEVERAL, file=None, more=[None, None])
    places = {"a": ["variables.file", "variables.more.1"], "b": ["variables.more.0"]}
    response = await send(operations, places, a=hello(), b=hello())
    assert response.json() == {"data": {"noteCreate": {"size": 15}}}


async def test_a_file_that_is_none_is_refused_by_the_serializer() -> None:
    empty = SimpleUploadedFile("empty.txt", b"")
    response = await send(wire(), {"a": ["variables.file"]}, a=empty)
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["fields"] == {"text": ["The submitted file is empty."]}


async def test_a_text_is_no_file() -> None:
    client = AsyncClient()
    response = await client.post("/graphql/", wire(file="hello"), content_type="application/json")
    assert "multipart" in response.json()["errors"][0]["message"]


@override_settings(DCRF_GRAPH={"GRAPHQL_MAX_BATCH": 2})
async def test_a_batch_may_have_files() -> None:
    response = await send(
        [wire(), wire()], {"a": ["0.variables.file", "1.variables.file"]}, a=hello()
    )
    assert [each["data"]["noteCreate"]["size"] for each in response.json()] == [5, 5]


# Pages of other sites


async def test_a_form_of_another_site_is_refused() -> None:
    response = await send(wire(), {"a": ["variables.file"]}, {}, a=hello())
    assert response.status_code == 403
    message = response.json()["errors"][0]["message"]
    assert "CSRF token" in message
    assert "GraphQL-Require-Preflight" in message


@pytest.mark.parametrize(
    "name", ["GraphQL-Require-Preflight", "Apollo-Require-Preflight", "X-Requested-With"]
)
async def test_a_header_that_no_form_has_lets_it_in(name: str) -> None:
    response = await send(wire(), {"a": ["variables.file"]}, {name: "anything"}, a=hello())
    assert response.json() == {"data": {"noteCreate": {"size": 5}}}


@pytest.mark.parametrize("place", ["field", "header"])
async def test_djangos_token_lets_it_in(place: str) -> None:
    request = RequestFactory().get("/")
    token = get_token(request)
    client = AsyncClient(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = str(request.META["CSRF_COOKIE"])
    headers = {"X-CSRFToken": token} if place == "header" else {}
    fields = {"csrfmiddlewaretoken": token} if place == "field" else {}
    response = await send(wire(), {"a": ["variables.file"]}, headers, client, a=hello(), **fields)
    assert response.json() == {"data": {"noteCreate": {"size": 5}}}


# Limits


async def test_the_size_of_a_form_is_limited() -> None:
    with override_settings(DCRF_GRAPH={"GRAPHQL_MAX_UPLOAD_SIZE": 300}):
        response = await send(wire(), {"a": ["variables.file"]}, a=hello())
    assert response.status_code == 413
    told = response.json()["errors"][0]["message"]
    assert told.startswith("body: expected at most 300 bytes")
    with override_settings(DCRF_GRAPH={"GRAPHQL_MAX_UPLOAD_SIZE": 1_000}):
        assert (await send(wire(), {"a": ["variables.file"]}, a=hello())).status_code == 200


async def test_the_number_of_files_is_limited() -> None:
    operations = wire(SEVERAL, file=None, more=[None, None])
    places = {"a": ["variables.file"], "b": ["variables.more.0"], "c": ["variables.more.1"]}
    files = {name: hello() for name in places}
    with override_settings(DCRF_GRAPH={"GRAPHQL_MAX_UPLOADS": 3}):
        assert (await send(operations, places, **files)).status_code == 200
    files = {name: hello() for name in places}
    with override_settings(DCRF_GRAPH={"GRAPHQL_MAX_UPLOADS": 2}):
        response = await send(operations, places, **files)
    assert response.status_code == 413
    assert response.json()["errors"][0]["message"] == "files: expected at most 2, got 3"


@override_settings(DATA_UPLOAD_MAX_NUMBER_FILES=1)
async def test_the_limits_of_the_project_hold_too() -> None:
    response = await send(wire(), {"a": ["variables.file"]}, a=hello(), b=hello())
    assert response.status_code == 413


async def test_the_operation_itself_is_limited_like_any_other() -> None:
    with override_settings(DCRF_GRAPH={"MAX_FRAME_SIZE": 20}):
        response = await send(wire(), {"a": ["variables.file"]}, a=hello())
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"].startswith("operations: expected at most 20")


# What is wrong with a form


@pytest.mark.parametrize(
    ("operations", "places", "message"),
    [
        ("{", {}, "operations: expected JSON"),
        (wire(), "{", "map: expected JSON"),
        ([1], {}, "operations: expected an object, got a number"),
        ("1", {}, "operations: expected an object, got a number"),
        (wire(), [], "Invalid type for the 'map' multipart field"),
        (wire(), {"a": "variables.file"}, "Invalid type for the 'map' multipart field entry"),
        (wire(), {"a": [1]}, "Invalid type for the 'map' multipart field entry"),
        (wire(), {"b": ["variables.file"]}, "File data was missing for entry key 'b'"),
        (
            wire(),
            {"a": ["variables.other"]},
            "map.a: expected null at variables.other, got nothing",
        ),
        (wire(), {"a": ["query"]}, "map.a: expected null at query, got a path outside of"),
        (
            wire(file="x"),
            {"a": ["variables.file"]},
            "map.a: expected null at variables.file, got a",
        ),
        (
            wire(file=None, more=[None]),
            {"a": ["variables.more.00"]},
            "map.a: expected null at variables.more.00, got nothing",
        ),
        ({"variables": {"file": None}}, {"a": ["variables.file"]}, "query: expected a non-empty"),
    ],
)
async def test_a_wrong_form_is_refused_by_the_name_of_its_field(
    operations: object, places: object, message: str
) -> None:
    response = await send(operations, places, a=hello())
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"].startswith(message)


@pytest.mark.parametrize("missing", ["operations", "map"])
async def test_a_form_without_its_fields_is_refused(missing: str) -> None:
    form = {"operations": json.dumps(wire()), "map": "{}", "a": hello()}
    del form[missing]
    response = await AsyncClient().post("/graphql/", form, headers=PREFLIGHT)
    assert response.status_code == 400
    message = f"{missing}: expected a field of the form, got nothing"
    assert response.json()["errors"][0]["message"] == message


async def test_a_body_that_is_no_form_is_refused() -> None:
    response = await AsyncClient().post(
        "/graphql/", b"hello", content_type="multipart/form-data", headers=PREFLIGHT
    )
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"].startswith("body: expected a form, got ")
