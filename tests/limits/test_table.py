"""The table of limits holds, on every transport; and no limit is missing from it."""

from __future__ import annotations

import ast
import asyncio
import re
from typing import Any

import pytest
from django.test import override_settings

from dcrf_graph.admission import open_for
from dcrf_graph.settings import DEFAULTS
from tests.limits.clients import GRAPHQL, OPENERS, SOCKETS, Refused
from tests.limits.table import TABLE, Row, Stage
from tests.limits.world import DeskConsumer, make_router
from tests.test_house import ROOT
from tests.transports.desk import Gate
from tests.transports.sockets import Client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

ELSEWHERE = {
    "MAX_PENDING_EVENTS": "tests/observer/test_subscriptions.py",
    "MAX_LIVE_ROWS": "tests/native/test_live_lists.py",
    "INIT_TIMEOUT": "tests/limits/test_table.py",
    "GRAPHQL_MAX_LINKS": "tests/graphql/test_links.py",
    "GRAPHQL_MAX_ENTITIES": "tests/graphql/test_federation.py",
    "GRAPHQL_MAX_BATCH": "tests/transports/test_http.py",
    "GRAPHQL_MAX_UPLOADS": "tests/transports/test_http_uploads.py",
    "GRAPHQL_MAX_UPLOAD_SIZE": "tests/transports/test_http_uploads.py",
}
"""The limits that one transport has alone, or that need more than a table: who tries them."""
NO_LIMITS = {
    "DRAIN_TIMEOUT": "how long a process takes to end",
    "GRAPHQL_PERSISTED_TIMEOUT": "how long a cache keeps a document",
    "GRAPHQL_DOCUMENT_CACHE_SIZE": "how many documents a process keeps",
}
LIMIT = re.compile(r"MAX_|_SIZE$|TIMEOUT|_COST$|_INTROSPECTION$")
CASES = [(row, transport) for row in TABLE for transport in sorted(row.transports)]


@pytest.fixture(autouse=True)
def desk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeskConsumer, "gate", Gate(), raising=False)
    monkeypatch.setattr(DeskConsumer, "looking", asyncio.Queue(), raising=False)
    monkeypatch.setattr(DeskConsumer, "subscribed", asyncio.Queue(), raising=False)


def named(case: Any) -> str:
    return (
        case if isinstance(case, str) else f"{case.setting}{'-' + case.note if case.note else ''}"
    )


async def tried(row: Row, transport: str, value: Any) -> Any:
    settings = {"GRAPHQL_MAX_BATCH": 1, **row.others, row.setting: value}
    with override_settings(DCRF_GRAPH=settings):
        try:
            return await row.probe(Stage(make_router(), transport))
        except Refused as refusal:
            return refusal.status


@pytest.mark.parametrize(("row", "transport"), CASES, ids=named)
async def test_what_is_just_under_the_limit_passes(row: Row, transport: str) -> None:
    assert await tried(row, transport, row.under) is None


@pytest.mark.parametrize(("row", "transport"), CASES, ids=named)
async def test_what_is_just_over_the_limit_is_refused(row: Row, transport: str) -> None:
    assert await tried(row, transport, row.over) == row.refusal(transport)
    assert not open_for


@pytest.mark.parametrize("subprotocol", ["graphql-transport-ws", "graphql-ws"])
@pytest.mark.parametrize(("seconds", "code"), [(0.01, 4408), (10.0, None)])
async def test_who_does_not_introduce_himself_in_time_is_refused(
    subprotocol: str, seconds: float, code: int | None
) -> None:
    """The setting is INIT_TIMEOUT."""
    with override_settings(DCRF_GRAPH={"INIT_TIMEOUT": seconds}):
        client = Client(make_router().as_asgi(), subprotocols=[subprotocol])
        await client.connect()
        if code is None:
            await client.send({"type": "connection_init", "payload": {}})
            assert (await client.frame())["type"] == "connection_ack"
        else:
            assert (await client.closing()).code == code
        await client.disconnect()


def test_every_limit_has_a_row_or_says_who_tries_it() -> None:
    limits = {name for name in DEFAULTS if LIMIT.search(name)} - {"DEFAULT_PAGE_SIZE", "PAGE_SIZE"}
    assert {row.setting for row in TABLE} | ELSEWHERE.keys() | NO_LIMITS.keys() == limits


@pytest.mark.parametrize(("setting", "place"), ELSEWHERE.items())
def test_who_tries_a_limit_elsewhere_does(setting: str, place: str) -> None:
    tree = ast.parse((ROOT / place).read_text(encoding="utf-8"))
    used = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert setting in used


def test_documents_are_limited_on_every_graphql_transport() -> None:
    """And whatever limits calls, on every transport there is."""
    for row in TABLE:
        if row.setting.startswith("GRAPHQL_"):
            assert set(row.transports) == GRAPHQL.keys()
    assert set(OPENERS) == {transport for _, transport in CASES}
    assert SOCKETS.keys() == {"websocket", "legacy"}
