"""The settings: ours, upstream's, the defaults, and how tests change them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import override_settings

from dcrf_graph.pagination import WebsocketLimitOffsetPagination
from dcrf_graph.permissions import AllowAny, IsAuthenticated
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
