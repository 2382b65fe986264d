"""Operations by the hash of their document, on a socket."""

from __future__ import annotations

import pytest
from django.core.cache import caches
from django.test import override_settings

from dcrf_graph.graphql.persisted import sha256
from tests.transports.desk import desk_router
from tests.transports.sockets import graphql

ADD = "{ deskAdd(left: 1) }"


@pytest.mark.usefixtures("desk", "nothing_left")
@override_settings(DCRF_GRAPH={"GRAPHQL_PERSISTED_CACHE": "default"})
async def test_a_hash_alone_is_enough_once_its_document_is_known() -> None:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": sha256(ADD)}}
    async with graphql(desk_router()) as client:
        await client.send({"id": "1", "type": "subscribe", "payload": {"extensions": extensions}})
        error = await client.refused("1")
        assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
        for payload in ({"query": ADD, "extensions": extensions}, {"extensions": extensions}):
            await client.send({"id": "2", "type": "subscribe", "payload": payload})
            assert await client.next("2") == {"data": {"deskAdd": 2}}
            await client.complete("2")
    caches["default"].clear()
