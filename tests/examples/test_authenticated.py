"""What docs/authentication.md shows is in a file that runs, and does what the page says."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.core import signing
from django.test import RequestFactory, override_settings
from django.utils import timezone
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed

from dcrf_graph.authentication import EXPIRIES
from examples import authenticated
from tests.native.client import in_thread
from tests.transports.sockets import GraphQLClient, graphql

PAGE = (Path(__file__).parents[2] / "docs" / "authentication.md").read_text(encoding="utf-8")
SECTION = re.compile(r"# \[(?!end)\w+\]\n(.*?)# \[end\]", re.DOTALL)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def without_signs_of_life() -> Any:
    with override_settings(DCRF_GRAPH={"KEEP_ALIVE": None}):
        yield


def test_the_page_shows_every_section_of_the_file_and_no_other_python() -> None:
    shown = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    code = Path(authenticated.__file__).read_text(encoding="utf-8")
    assert sorted(shown) == sorted(text.strip("\n") + "\n" for text in SECTION.findall(code))
    assert all(f"`{name}`" in PAGE for name in EXPIRIES)


async def introduced(router: Any, payload: Any) -> tuple[GraphQLClient, Any]:
    client = GraphQLClient(router.as_asgi())
    await client.connect()
    await client.send({"type": "connection_init", "payload": payload})
    return client, await client.frame()


async def test_the_payload_is_read_as_shown() -> None:
    ada = await User.objects.acreate(username="ada")
    token = await Token.objects.acreate(user=ada)
    client, ack = await introduced(authenticated.router, {"Authorization": f"Token {token}"})
    assert ack == {"type": "connection_ack"}
    assert await client.data("{ labels { id } }") == {"labels": []}
    await client.disconnect()
    async with graphql(authenticated.router) as stranger:
        assert (await stranger.error("{ labels { id } }"))["message"]


async def test_a_signed_link_lets_in_until_it_expires() -> None:
    ada = await User.objects.acreate(username="ada")
    until = int((timezone.now() + timedelta(hours=1)).timestamp())
    link = signing.dumps({"user": ada.pk, "expires": until}, salt="links")
    client, ack = await introduced(authenticated.guests, {"link": link})
    assert ack["payload"]["expires"].endswith("+00:00")
    assert await client.data("{ labels { id } }") == {"labels": []}
    await client.disconnect()
    with pytest.raises(AuthenticationFailed, match="not ours"):
        authenticated.by_link({}, {"link": "forged"})


async def test_a_kiosk_logs_out_everywhere() -> None:
    kiosk = await User.objects.acreate(username="kiosk-7")
    token = await Token.objects.acreate(user=kiosk)
    client, _ = await introduced(authenticated.router, {"Authorization": f"Token {token}"})
    request = RequestFactory().get("/")
    await in_thread(user_logged_out.send, User, request=request, user=kiosk)
    assert (await client.closing()).code == 4403
    await client.disconnect()
