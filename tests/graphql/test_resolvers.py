"""Root fields call natively; everything below is looked up."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dcrf_graph.exceptions import CallFailed, StreamRefused
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.schema import derive
from dcrf_graph.mixins import CreateModelMixin, RetrieveModelMixin
from tests.graphql.board import REGISTRATIONS
from tests.graphql.doubles import SOMEBODY, Client, Source, change, reply, schema_of
from tests.testapp.models import Note

BOARD = derive(REGISTRATIONS)
ARTICLE = {
    "id": 7,
    "title": "Cranes",
    "body": "",
    "status": "in-review",
    "author": 3,
    "labels": [{"id": 1, "name": "birds"}],
    "estimate": "2.50",
    "due": None,
    "created": "2026-11-22T10:44:39Z",
    "word_count": 2,
}


def board(**answers: Any) -> Client:
    return Client(BOARD, answers)


async def test_retrieve_is_the_native_call() -> None:
    client = board(retrieve=reply(ARTICLE))
    result = await client.result(
        "{ article(id: 7) { id title status author labels { id name } estimate wordCount } }"
    )
    assert client.streams.calls == [("articles", "retrieve", {"pk": "7"})]
    assert result["data"]["article"] == {
        "id": "7",
        "title": "Cranes",
        "status": "IN_REVIEW",
        "author": "3",
        "labels": [{"id": "1", "name": "birds"}],
        "estimate": "2.50",
        "wordCount": 2,
    }


async def test_a_list_comes_in_pages() -> None:
    client = board(list=reply({"count": 9, "results": [ARTICLE], "limit": 1, "offset": 0}))
    result = await client.result("{ articles(limit: 1) { count limit results { id } } }")
    assert client.streams.calls == [("articles", "list", {"limit": 1})]
    assert result["data"]["articles"] == {"count": 9, "limit": 1, "results": [{"id": "7"}]}


async def test_a_paginator_without_a_limit_gives_one_page() -> None:
    client = board(list=reply([ARTICLE]))
    result = await client.result("{ articles { count limit offset results { id } } }")
    assert result["data"]["articles"] == {
        "count": 1,
        "limit": None,
        "offset": 0,
        "results": [{"id": "7"}],
    }


async def test_create_sends_what_a_native_client_would() -> None:
    """Snake case, raw choices, texts; what was left out is not there."""
    client = board(create=reply(ARTICLE, 201))
    await client.result(
        "mutation($d: ArticleInput!) { articleCreate(data: $d) { id } }",
        d={"title": "x", "status": "IN_REVIEW", "labelIds": [1, "2"], "estimate": 2.5, "due": None},
    )
    assert client.streams.calls == [
        (
            "articles",
            "create",
            {
                "data": {
                    "title": "x",
                    "status": "in-review",
                    "label_ids": ["1", "2"],
                    "estimate": "2.5",
                    "due": None,
                }
            },
        )
    ]


async def test_patch_sends_what_was_given() -> None:
    client = board(patch=reply(ARTICLE))
    await client.result('mutation { articlePatch(id: "7", data: {title: "x"}) { id } }')
    assert client.streams.calls == [("articles", "patch", {"pk": "7", "data": {"title": "x"}})]


async def test_delete_gives_the_key_back() -> None:
    client = board(delete=reply(None, 204))
    assert await client.result("mutation { articleDelete(id: 7) }") == {
        "data": {"articleDelete": "7"}
    }


async def test_a_custom_action_gets_its_defaults() -> None:
    client = board(move=reply(ARTICLE))
    await client.result("mutation { articleMove(id: 7, column: 2) { id } }")
    assert client.streams.calls == [("articles", "move", {"pk": "7", "column": 2, "position": 0})]


async def test_a_default_of_an_enum_is_its_raw_value() -> None:
    client = board(suggest=reply([]))
    await client.result('mutation { articleSuggestLabels(text: "x") { id } }')
    assert client.streams.calls == [("articles", "suggest", {"text": "x", "tone": "calm"})]


async def test_an_acknowledged_action_gives_null() -> None:
    client = board(say=reply(None, 204))
    assert await client.result('mutation { chatSay(text: "x") }') == {"data": {"chatSay": None}}


async def test_queries_run_together_and_mutations_one_after_the_other() -> None:
    client = board(retrieve=reply(ARTICLE), move=reply(ARTICLE))
    await client.result("{ a: article(id: 1) { id } b: article(id: 2) { id } }")
    assert client.streams.most_together == 2
    client = board(move=reply(ARTICLE))
    await client.result(
        "mutation { a: articleMove(id: 1, column: 1) { id } "
        "b: articleMove(id: 2, column: 1) { id } }"
    )
    assert client.streams.most_together == 1


async def test_one_refusal_leaves_its_neighbours() -> None:
    client = board(retrieve=reply(None, 404, ["Not found"]), move=reply(ARTICLE))
    result = await client.result("{ article(id: 1) { id } reports }")
    assert result["data"] == {"article": None, "reports": None}
    assert [error["path"] for error in result["errors"]] == [["article"]]


async def test_a_stream_that_refuses_is_forbidden() -> None:
    client = board(retrieve=StreamRefused("articles"))
    client.user = SOMEBODY
    result = await client.result("{ article(id: 1) { id } }")
    assert result["errors"][0]["extensions"] == {"code": "FORBIDDEN", "status": 403}


async def test_a_blank_choice_is_null_both_ways() -> None:
    class Blank(serializers.Serializer[Any]):
        level = serializers.ChoiceField(["a"], allow_blank=True)

    class Consumer(CreateModelMixin, RetrieveModelMixin, GenericAsyncAPIConsumer):
        queryset = Note.objects.all()
        serializer_class = Blank

    client = Client(schema_of(Consumer), {"create": reply({"level": ""}, 201)})
    result = await client.result("mutation { thingCreate(data: {level: null}) { level } }")
    assert result == {"data": {"thingCreate": {"level": None}}}
    assert client.streams.calls[0][2] == {"data": {"level": ""}}


async def test_objects_of_own_resolvers_are_read_by_attribute() -> None:
    from ariadne import QueryType

    query = QueryType()
    query.set_field("favourite", lambda *_: Note(pk=3, text="by heart"))
    derived = derive(REGISTRATIONS, "extend type Query { favourite: Note }", [query])
    result = await Client(derived).result("{ favourite { id text } }")
    assert result == {"data": {"favourite": {"id": "3", "text": "by heart"}}}


# -- subscriptions --------------------------------------------------------------------------

CHANGED = "subscription { articleChanged(id: 7) { action id data { id title status } } }"


async def test_a_change_is_an_event() -> None:
    client = board(subscribe_instance=Source([change("update", 7, ARTICLE)]))
    results = await client.subscription(CHANGED)
    assert client.streams.calls == [("articles", "subscribe_instance", {"pk": "7"})]
    assert await anext(results) == {
        "data": {
            "articleChanged": {
                "action": "UPDATE",
                "id": "7",
                "data": {"id": "7", "title": "Cranes", "status": "IN_REVIEW"},
            }
        }
    }


async def test_a_deletion_without_an_object_has_no_data() -> None:
    """Upstream's delete carries nothing but the key."""
    client = board(subscribe_instance=Source([change("delete", 7, {"pk": 7})]))
    results = await client.subscription(CHANGED)
    assert await anext(results) == {
        "data": {"articleChanged": {"action": "DELETE", "id": "7", "data": None}}
    }


async def test_a_deletion_with_its_object_keeps_it() -> None:
    source = Source([change("delete", 7, ARTICLE)])
    client = board(subscribe_article_activity=source)
    results = await client.subscription(
        "subscription { articleActivity(author: 3) { data { title } } }"
    )
    assert client.streams.calls == [("articles", "subscribe_article_activity", {"author": 3})]
    assert await anext(results) == {"data": {"articleActivity": {"data": {"title": "Cranes"}}}}


async def test_what_an_action_sends_outside_of_a_delivery_names_its_object() -> None:
    client = board(subscribe_instance=Source([change("subscribe_instance", None, ARTICLE)]))
    results = await client.subscription(CHANGED)
    event = (await anext(results))["data"]["articleChanged"]
    assert (event["action"], event["id"]) == ("UPDATE", "7")


async def test_a_signal_gives_its_data() -> None:
    client = board(subscribe_presence=Source([change("x", None, {"name": "Ada", "since": None})]))
    results = await client.subscription("subscription { chatPresence { name since } }")
    assert await anext(results) == {"data": {"chatPresence": {"name": "Ada", "since": None}}}


async def test_a_streamed_list_gives_its_pages() -> None:
    def page(offset: int) -> Any:
        row = {"id": offset, "name": "x"}
        return reply({"count": 2, "results": [row], "limit": 1, "offset": offset})

    client = board(list=[page(0), page(1), reply(None, 403, ["No more."])])
    results = await client.subscription(
        "subscription { authorsPages(limit: 1) { offset results { id } } }"
    )
    assert client.streams.calls == []
    pages = [result async for result in results]
    assert [page["data"] for page in pages[:2]] == [
        {"authorsPages": {"offset": n, "results": [{"id": str(n)}]}} for n in (0, 1)
    ]
    assert pages[2]["data"] is None
    assert pages[2]["errors"][0]["extensions"]["status"] == 403


async def test_a_refused_subscription_is_rejected_before_it_starts() -> None:
    client = board(subscribe_instance=CallFailed(404, ["Not found"]))
    rejected = await client.rejection(CHANGED)
    assert rejected.code == "NOT_FOUND"
    assert rejected.errors[0]["path"] == ["articleChanged"]


async def test_a_refusal_at_delivery_is_the_last_result() -> None:
    source = Source([change("update", 7, ARTICLE)], CallFailed(403, ["No longer."]))
    client = board(subscribe_instance=source)
    client.user = SOMEBODY
    results = [result async for result in await client.subscription(CHANGED)]
    assert results[1] == {
        "data": None,
        "errors": [{"message": "No longer.", "extensions": {"code": "FORBIDDEN", "status": 403}}],
    }
    assert len(results) == 2
    assert source.closed.is_set()


async def test_an_event_that_failed_is_an_error_and_the_stream_lives() -> None:
    from dcrf_graph.replies import Event

    failed = Event("update", 7, None, {}, ("Internal server error",), 500)
    client = board(subscribe_instance=Source([failed, change("update", 7, ARTICLE)]))
    results = await client.subscription(CHANGED)
    first = await anext(results)
    assert first["data"] is None
    assert first["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "errors" not in await anext(results)
