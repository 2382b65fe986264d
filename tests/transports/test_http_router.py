"""The view of a real router: what its consumers answer over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.cache import caches
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from rest_framework import serializers

from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.persisted import sha256
from dcrf_graph.mixins import CreateModelMixin, ListModelMixin
from dcrf_graph.routers import Router
from tests.testapp.models import Label


class LabelSerializer(serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ["id", "name"]


class LabelConsumer(ListModelMixin, CreateModelMixin, GenericAsyncAPIConsumer):
    queryset = Label.objects.order_by("id")
    serializer_class = LabelSerializer


router = Router()
router.register("labels", LabelConsumer)
urlpatterns = [path("graphql/", router.graphql_view())]

CREATE = 'mutation { labelCreate(data: {name: "urgent"}) { name } }'
LIST = "{ labels { name } }"
URGENT = [{"name": "urgent"}]

pytestmark = pytest.mark.django_db(transaction=True)


async def ask(query: str, method: str = "POST", accept: str = "application/json") -> Any:
    client = AsyncClient(enforce_csrf_checks=True)
    headers = {"Accept": accept}
    with override_settings(ROOT_URLCONF=__name__):
        if method == "GET":
            return await client.get("/graphql/", {"query": query}, headers=headers)
        body = json.dumps({"query": query})
        return await client.post(
            "/graphql/", body, content_type="application/json", headers=headers
        )


async def test_a_consumer_is_called_by_post_and_by_get() -> None:
    assert (await ask(CREATE)).json() == {"data": {"labelCreate": {"name": "urgent"}}}
    assert (await ask(LIST)).json() == {"data": {"labels": URGENT}}
    assert (await ask(LIST, "GET")).json() == {"data": {"labels": URGENT}}


def test_a_consumer_is_called_under_wsgi() -> None:
    Label.objects.create(name="urgent")
    with override_settings(ROOT_URLCONF=__name__):
        text = json.dumps({"query": LIST})
        response = Client().post("/graphql/", text, content_type="application/json")
    assert response.json() == {"data": {"labels": URGENT}}


async def test_a_mutation_by_get_creates_nothing() -> None:
    response = await ask(CREATE, "GET")
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert not await Label.objects.aexists()


async def test_a_refusal_of_the_consumer_is_a_result() -> None:
    """The request was executed, so its status is 200 for every media type."""
    await Label.objects.acreate(name="urgent")
    response = await ask(CREATE, accept="application/graphql-response+json")
    assert response.status_code == 200
    [error] = json.loads(response.content)["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("query", ["{ nothing }", "{", "query A { labels { id } } query B { a }"])
async def test_a_wrong_document_is_a_request_error(query: str) -> None:
    response = await ask(query, accept="application/graphql-response+json")
    assert response.status_code == 400
    assert "data" not in json.loads(response.content)


async def test_a_request_leaves_nothing_behind() -> None:
    before = router.statistics()
    await ask(LIST)
    assert router.statistics() == before


PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": sha256(LIST)}}


async def by_hash(method: str = "POST", **wire: Any) -> Any:
    client = AsyncClient()
    headers = {"Accept": "application/graphql-response+json"}
    with override_settings(ROOT_URLCONF=__name__):
        if method == "GET":
            query = {"extensions": json.dumps(PERSISTED), **wire}
            return await client.get("/graphql/", query, headers=headers)
        body = json.dumps({"extensions": PERSISTED, **wire})
        return await client.post(
            "/graphql/", body, content_type="application/json", headers=headers
        )


@override_settings(DCRF_GRAPH={"GRAPHQL_PERSISTED_CACHE": "default"})
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_client_sends_a_document_once_and_then_its_hash(method: str) -> None:
    await Label.objects.acreate(name="urgent")
    unknown = await by_hash(method)
    # Apollo's links read the code; a cache must not answer this to the next who asks.
    assert unknown.status_code == 200
    assert "no-cache" in unknown["Cache-Control"]
    [error] = unknown.json()["errors"]
    assert error["message"] == "PersistedQueryNotFound"
    assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert (await by_hash(method, query=LIST)).json() == {"data": {"labels": URGENT}}
    assert (await by_hash(method)).json() == {"data": {"labels": URGENT}}
    caches["default"].clear()


async def test_a_server_without_a_cache_says_so() -> None:
    [error] = (await by_hash()).json()["errors"]
    assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert (await by_hash(query=LIST)).json() == {"data": {"labels": []}}
