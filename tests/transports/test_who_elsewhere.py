"""What is said about a user in another process ends its connections here, through a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.test import override_settings
from django.urls import path

from tests.changes.conftest import redis_layer  # noqa: F401  (a fixture)
from tests.changes.test_processes import elsewhere
from tests.transports.listeners import SOCKETS, STREAMS, End, by_session, reader, router
from tests.transports.test_nothing_more import CLASSES

urlpatterns = [path("graphql/", router.graphql_view())]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.long,
    pytest.mark.usefixtures("desk", "project"),
]


@pytest.fixture
def project() -> Iterator[None]:
    ours = {"AUTHENTICATION_CLASSES": CLASSES, "KEEP_ALIVE": None}
    with override_settings(ROOT_URLCONF=__name__, DCRF_GRAPH=ours):
        yield


@pytest.mark.parametrize("act", ["a_revocation", "a_logout", "a_deactivation"])
async def test_a_user_is_gone_everywhere_at_the_next_event(
    act: str,
    redis_layer: dict[str, Any],  # noqa: F811
) -> None:
    user = await database_sync_to_async(reader)()
    cookie = await database_sync_to_async(by_session)(user)
    listeners = [each(cookie) for each in (*SOCKETS, *STREAMS)]
    try:
        for listener in listeners:
            await listener.begin()
        await elsewhere(act, redis_layer)
        for listener in listeners:
            end = await listener.end()
            if type(listener) in STREAMS:
                assert end == End([401])
            else:
                assert end.code == 4403
    finally:
        for listener in listeners:
            await listener.leave()
