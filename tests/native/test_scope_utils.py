"""What DRF is given instead of a view and an HTTP request."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import DisallowedHost

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.scope_utils import CallView, ensure_async, query_of, request_from_scope, user_of
from tests.native.client import SOMEBODY, scope_of


async def test_synchronous_methods_run_in_a_thread_and_asynchronous_ones_as_they_are() -> None:
    async def asynchronous() -> int:
        return threading.get_ident()

    here = threading.get_ident()
    assert await ensure_async(asynchronous)() == here
    assert await ensure_async(threading.get_ident)() != here


async def test_a_coroutine_that_a_plain_method_passes_on_is_awaited() -> None:
    async def no() -> bool:
        return False

    def passes_on() -> Any:
        return no()

    assert await ensure_async(passes_on)() is False


@pytest.mark.parametrize("scope", [{}, {"user": None}])
def test_without_a_user_it_is_an_anonymous_one_and_not_its_class(scope: dict[str, Any]) -> None:
    user = user_of(scope)
    assert isinstance(user, AnonymousUser)
    assert not user.is_authenticated


def test_the_user_of_a_scope_is_the_requests() -> None:
    assert user_of({"user": SOMEBODY}) is SOMEBODY
    assert request_from_scope(scope_of(user=SOMEBODY)).user is SOMEBODY


def test_a_query_is_text_as_in_a_url() -> None:
    assert query_of({"a": True, "b": 7, "c": None, "d": ["x", False], "e": "text"}) == {
        "a": "true",
        "b": "7",
        "d": ["x", "false"],
        "e": "text",
    }


def test_a_request_has_method_path_headers_and_query() -> None:
    scope = scope_of(
        query_string=b"a=1&b=2",
        headers=[(b"host", b"testserver"), (b"x-one", b"1"), (b"content-type", b"text/html")],
        client=["10.0.0.7", 1234],
    )
    request = request_from_scope(scope, "PATCH", query={"b": ["3", "4"]}, data={"a": 1})
    assert (request.method, request.path) == ("PATCH", "/socket/")
    assert request.headers["X-One"] == "1"
    assert request.META["HTTP_X_ONE"] == "1"
    assert request.META["REMOTE_ADDR"] == "10.0.0.7"
    assert request.content_type == "application/json"
    assert request.body == b'{"a": 1}'
    assert (request.GET.getlist("a"), request.GET.getlist("b")) == (["1"], ["3", "4"])


def test_cookies_and_session_are_those_of_the_connection() -> None:
    session: Any = {"key": "value"}
    request = request_from_scope(scope_of(cookies={"c": "1"}, session=session))
    assert (request.COOKIES, request.session) == ({"c": "1"}, session)


def test_an_absolute_url_needs_a_host() -> None:
    named = request_from_scope(scope_of())
    assert named.build_absolute_uri("/a/") == "http://testserver/a/"
    nameless = request_from_scope(scope_of(headers=[]))
    assert nameless.build_absolute_uri("/a/") == "/a/"
    assert nameless.build_absolute_uri() == "/socket/"


def test_a_host_that_is_not_ours_is_not_linked_to() -> None:
    request = request_from_scope(scope_of(headers=[(b"host", b"evil.example")]))
    with pytest.raises(DisallowedHost):
        request.build_absolute_uri("/a/")


def test_a_view_is_the_consumer_as_one_call_sees_it() -> None:
    class Consumer(AsyncAPIConsumer):
        action = "the consumer's own"
        search_fields = ["title"]

    consumer = Consumer()
    consumer.scope = scope_of(user=SOMEBODY)
    arguments = {"pk": 7, "data": {"a": 1}, "query": {"b": 2}}
    view = CallView(consumer, "patch", arguments, "PATCH")
    assert (view.action, view.kwargs, view.request.method) == ("patch", arguments, "PATCH")
    assert (view.request.data, view.request.user) == ({"a": 1}, SOMEBODY)
    assert view.request.query_params.dict() == {"b": "2"}
    assert view.search_fields == ["title"]
    with pytest.raises(AttributeError):
        _ = view.no_such_thing


@pytest.mark.parametrize("arguments", [{}, {"data": None}])
def test_without_data_a_request_has_an_empty_object(arguments: dict[str, Any]) -> None:
    consumer = AsyncAPIConsumer()
    consumer.scope = scope_of()
    assert CallView(consumer, "list", arguments, "GET").request.data == {}
