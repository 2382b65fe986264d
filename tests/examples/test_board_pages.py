"""The page with its files, and logging in: what the browser gets besides the two protocols."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path

from examples.board.seed import PASSWORDS, seed
from examples.board.views import PAGE, StatsView, asset, page, session

urlpatterns = [
    path("", page),
    path("page/<str:name>", asset),
    path("session/", session),
]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def these_addresses(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def post(browser: Client, data: Any) -> Any:
    headers = {"x-csrftoken": browser.cookies["csrftoken"].value} if browser.cookies else {}
    return browser.post("/session/", data, content_type="application/json", headers=headers)


def test_every_file_that_the_page_names_is_served(browser: Client) -> None:
    html = browser.get("/").content.decode()
    names = set(re.findall(r'"/page/([^"]+)"', html))
    for script in PAGE.glob("*.js"):
        names |= set(re.findall(r'from "\./([^"]+)"', script.read_text()))
    assert {"main.js", "board.css", "icon.svg", "graphql.js"} <= names
    assert {name: browser.get(f"/page/{name}").status_code for name in names} == dict.fromkeys(
        names, 200
    )


@pytest.mark.parametrize("name", ["settings.py", "..%2Fsettings.py", "none.js", "."])
def test_nothing_else_is_served(browser: Client, name: str) -> None:
    assert browser.get(f"/page/{name}").status_code == 404


def test_the_page_needs_nothing_from_elsewhere() -> None:
    for file in PAGE.iterdir():
        addresses = set(re.findall(r"https?://[^\s'\"`)]+", file.read_text()))
        assert addresses <= {"http://www.w3.org/2000/svg"}, file.name


def test_logging_in_and_out(browser: Client) -> None:
    seed()
    browser.get("/")
    answer = post(browser, {"username": "ada", "password": PASSWORDS["ada"]})
    assert answer.json()["user"]["username"] == "ada"
    assert browser.get("/session/").json()["user"]["username"] == "ada"
    token = browser.cookies["csrftoken"].value
    assert browser.delete("/session/", headers={"x-csrftoken": token}).json()["user"] is None
    assert browser.get("/session/").json()["user"] is None


@pytest.mark.parametrize(
    "data", [{"username": "ada", "password": "wrong"}, {}, [], "no json", {"username": 7}]
)
def test_a_wrong_login_is_refused(browser: Client, data: Any) -> None:
    seed()
    browser.get("/")
    assert post(browser, data if isinstance(data, str) else json.dumps(data)).status_code == 400


def test_logging_in_needs_the_token_of_the_page(browser: Client) -> None:
    seed()
    login = {"username": "ada", "password": PASSWORDS["ada"]}
    assert browser.post("/session/", login, content_type="application/json").status_code == 403


@pytest.mark.parametrize("debug", [True, False])
def test_the_demo_passwords_are_told_in_debug_only(browser: Client, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        assert ("demo" in browser.get("/session/").json()) is debug


def stats(query: str) -> HttpResponse:
    request = RequestFactory().get(f"/stats/{query}")
    response = StatsView.as_view()(request)
    assert isinstance(response, HttpResponse)
    return response


def test_a_visitor_gets_the_stats_of_the_public_board() -> None:
    public, _ = seed()
    rows = stats("").data  # type: ignore[attr-defined]
    assert [(row["board"], row["title"], row["cards"]) for row in rows] == [
        (public.pk, title, 3) for title in ("Ideas", "Next", "Doing", "Done")
    ]


def test_stats_of_a_board_that_is_no_number_are_refused() -> None:
    assert stats("?board=all").status_code == 400
