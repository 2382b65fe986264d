"""Whatever fails, a stranger learns nothing of the code, the database or the models behind it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.test import AsyncClient, override_settings
from rest_framework.generics import get_object_or_404 as drf_get_object_or_404

from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.routers import Router
from tests.limits import world
from tests.limits.clients import OPENERS, Urls
from tests.limits.table import Stage, refused
from tests.testapp.models import Label

pytestmark = pytest.mark.django_db(transaction=True)

SECRETS = (
    "Traceback",
    "File ",
    "Error:",
    "SELECT",
    "INSERT",
    "UNIQUE",
    "constraint",
    "testapp",
    "Label",
    "no_such_table",
    "matches",
    "secret",
)


def violate() -> None:
    Label.objects.create(name="twice")
    Label.objects.create(name="twice")


def invalidate() -> None:
    Label(name="x" * 100).full_clean()


def ask_wrongly() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM no_such_table")


def fail() -> None:
    raise ValueError("the secret of Label in testapp")


def miss() -> None:
    raise Http404("No Label matches the given query.")


def declare_invalid() -> None:
    raise ValidationError("the secret of Label")


FAULTS: dict[str, tuple[Callable[[], Any], int, str]] = {
    "a value that is wrong": (fail, 500, "INTERNAL_SERVER_ERROR"),
    "a constraint": (violate, 500, "INTERNAL_SERVER_ERROR"),
    "a statement": (ask_wrongly, 500, "INTERNAL_SERVER_ERROR"),
    "a model's own validation": (invalidate, 500, "INTERNAL_SERVER_ERROR"),
    "a validation error of Django's": (declare_invalid, 500, "INTERNAL_SERVER_ERROR"),
    "a row that is not there": (lambda: Label.objects.get(pk=0), 500, "INTERNAL_SERVER_ERROR"),
    "Django's 404": (lambda: get_object_or_404(Label, pk=0), 404, "NOT_FOUND"),
    "DRF's 404": (lambda: drf_get_object_or_404(Label, pk=0), 404, "NOT_FOUND"),
    "a 404 with words": (miss, 404, "NOT_FOUND"),
}


class FaultyConsumer(GenericAsyncAPIConsumer):
    queryset = Label.objects.all()
    serializer_class = world.LabelSerializer

    @action(kind="query")
    def fail(self, how: str, **kwargs: Any) -> int:
        FAULTS[how][0]()
        return 1


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch) -> Router:
    monkeypatch.setitem(world.CONSUMERS, "faulty", FaultyConsumer)
    monkeypatch.setitem(world.NOUNS, "faulty", "fault")
    return world.make_router()


@pytest.mark.parametrize("transport", OPENERS)
@pytest.mark.parametrize("how", FAULTS)
@override_settings(DCRF_GRAPH={"GRAPHQL_MAX_BATCH": 1}, DEBUG=True)
async def test_a_fault_tells_nothing_of_what_is_behind_it(
    how: str, transport: str, router: Router, caplog: pytest.LogCaptureFixture
) -> None:
    """Debug mode or not."""
    _, status, code = FAULTS[how]
    stage = Stage(router, transport)
    async with stage.open() as client:
        if stage.native:
            answer = await client.call("faulty", "fail", how=how)
        else:
            query = "query Fail($how: String!) { faultFail(how: $how) }"
            answer = await client.operate(query, {"how": how})
    assert refused(answer) == (status if stage.native else code)
    told = json.dumps(answer)
    assert [secret for secret in SECRETS if secret in told] == []
    logged = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert bool(logged) == (status == 500)


async def test_without_introspection_there_is_no_page_to_explore_with() -> None:
    router = world.make_router()
    with override_settings(ROOT_URLCONF=Urls(router), DCRF_GRAPH={"GRAPHQL_INTROSPECTION": False}):
        response = await AsyncClient().get("/graphql/", headers={"Accept": "text/html"})
    assert response.status_code == 406
