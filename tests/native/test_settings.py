"""The settings: ours, upstream's, the defaults, and how tests change them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.pagination import WebsocketLimitOffsetPagination
from dcrf_graph.permissions import AllowAny, IsAuthenticated
from dcrf_graph.routers import Router
from dcrf_graph.setting_values import KINDS, complaint
from dcrf_graph.settings import DEFAULTS, api_settings
from tests.test_house import ROOT


@pytest.fixture(autouse=True)
def forget_after_the_test() -> Iterator[None]:
    yield
    api_settings.reload()


def test_every_setting_has_a_default() -> None:
    api_settings.reload()
    assert all(hasattr(api_settings, name) for name in DEFAULTS)
    assert list(api_settings.DEFAULT_PERMISSION_CLASSES) == [AllowAny]
    assert api_settings.PAGE_SIZE is None


def test_a_setting_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(AttributeError, match="'PAGE_SIZES' is not a setting"):
        _ = api_settings.PAGE_SIZES


@override_settings(DJANGO_CHANNELS_REST_API={"PAGE_SIZE": 7})
def test_upstreams_settings_are_read() -> None:
    assert api_settings.PAGE_SIZE == 7


@override_settings(DJANGO_CHANNELS_REST_API={"PAGE_SIZE": 7}, DCRF_GRAPH={"PAGE_SIZE": 8})
def test_our_settings_win_over_upstreams() -> None:
    assert api_settings.PAGE_SIZE == 8


@override_settings(DJANGO_CHANNELS_REST_API={"PAGE_SIZE": 7}, DCRF_GRAPH={"PAGE_SIZE": None})
def test_a_setting_of_none_is_a_setting() -> None:
    assert api_settings.PAGE_SIZE is None


@override_settings(DCRF_GRAPH=None)
def test_a_missing_dictionary_is_an_empty_one() -> None:
    assert api_settings.PAGE_SIZE is None


@override_settings(
    DCRF_GRAPH={
        "DEFAULT_PERMISSION_CLASSES": ["dcrf_graph.permissions.IsAuthenticated", AllowAny],
        "DEFAULT_PAGINATION_CLASS": "dcrf_graph.pagination.WebsocketLimitOffsetPagination",
    }
)
def test_dotted_paths_are_imported_and_classes_are_left_alone() -> None:
    assert list(api_settings.DEFAULT_PERMISSION_CLASSES) == [IsAuthenticated, AllowAny]
    assert api_settings.DEFAULT_PAGINATION_CLASS is WebsocketLimitOffsetPagination


@override_settings(DCRF_GRAPH={"AUTHENTICATOR": "dcrf_graph.no_such.thing"})
def test_a_path_that_names_nothing_is_an_import_error() -> None:
    with pytest.raises(ImportError):
        _ = api_settings.AUTHENTICATOR


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("KEEP_ALIVE", [0.001, 30, None], [0, -1, "12", True, float("nan"), float("inf")]),
        ("MAX_CONCURRENT_CALLS", [1, 500], [0, -1, 1.5, None, "16", True]),
        ("MAX_STREAMS", [0, 1], [-1, None, 2.0]),
        ("GRAPHQL_MAX_DEPTH", [1, None], [0, "20", False]),
        ("DRAIN_TIMEOUT", [0, 2.5], [-0.1, None]),
        ("OUTBOX", [True, False], [1, "yes", None]),
        ("SLOW_READERS", ["latest"], ["newest", None, ["end"]]),
        ("ALLOWED_ORIGINS", [[], ("a.example",), None], ["a.example", [7], [""]]),
        ("GRAPHQL_UPLOAD_HEADERS", [["X-A"], ()], ["X-A", None]),
        ("GRAPHQL_ALLOWED_DOCUMENTS", [{}, "a.json", Path("a.json"), None], [7, "", ["a"]]),
        ("DEFAULT_THROTTLE_CLASSES", [[], [AllowAny]], ["rest_framework.throttling.A", [7], None]),
        ("AUTHENTICATOR", [print, None], [7, "", [print]]),
        ("AUTHENTICATION_CLASSES", [[AllowAny], AllowAny, None], [7, [7]]),
    ],
)
def test_a_value_has_its_type_and_its_range(name: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        with override_settings(DCRF_GRAPH={name: value}):
            assert getattr(api_settings, name) == value
    for value in bad:
        with override_settings(DJANGO_CHANNELS_REST_API={name: value}):
            message = f"DJANGO_CHANNELS_REST_API['{name}']: expected "
            with pytest.raises(ConfigurationError, match=re.escape(message)):
                getattr(api_settings, name)


def test_every_default_is_a_value_that_its_setting_may_have() -> None:
    assert list(KINDS) == list(DEFAULTS)
    assert [complaint(name, value) for name, value in DEFAULTS.items()] == [None] * len(DEFAULTS)


@pytest.mark.parametrize("serve", [Router.as_asgi, Router.graphql_view])
def test_a_router_with_a_setting_that_cannot_be_is_not_served(serve: Any) -> None:
    """Servers run no system checks."""
    router = Router()
    with (
        override_settings(DCRF_GRAPH={"KEEP_ALIVE": 0}),
        pytest.raises(ConfigurationError, match="KEEP_ALIVE"),
    ):
        serve(router)


def test_an_override_holds_as_long_as_it_lasts() -> None:
    with override_settings(DCRF_GRAPH={"MAX_SUBSCRIPTIONS": 3}):
        assert api_settings.MAX_SUBSCRIPTIONS == 3
    assert api_settings.MAX_SUBSCRIPTIONS != 3


def test_every_setting_is_used_by_the_package() -> None:
    """But upstream's DEFAULT_PAGE_SIZE, which upstream does not use either."""
    code = "".join(
        file.read_text()
        for file in (ROOT / "dcrf_graph").rglob("*.py")
        if file.name != "settings.py"
    )
    unused = [name for name in DEFAULTS if f"api_settings.{name}" not in code]
    assert unused == ["DEFAULT_PAGE_SIZE"]


def test_the_page_of_the_settings_lists_every_setting() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == sorted(DEFAULTS)
