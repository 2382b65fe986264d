"""A plan gives what graphql-core gives; what is out of the ordinary goes through graphql-core."""

from __future__ import annotations

import asyncio
import functools
import json
from typing import Any

import pytest
from ariadne import ObjectType
from django.core.exceptions import PermissionDenied
from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrf_graph.graphql.execution import Answered, Executor, Subscribed
from dcrf_graph.graphql.schema import derive
from dcrf_graph.protocols.effects import OperationRequest
from tests.graphql.board import REGISTRATIONS
from tests.graphql.doubles import KINDS, Client, Source, change, reply

DERIVED = derive(REGISTRATIONS)
RANDOM = settings(max_examples=150, deadline=None)
ARTICLE = {
    "id": 1,
    "title": "Titanic",
    "body": "sinks",
    "status": "in-review",
    "author": 3,
    "labels": [{"id": 5, "name": "ships"}],
    "estimate": "2.50",
    "due": None,
    "created": "2026-11-22T10:44:39Z",
    "word_count": 1,
}


class Unplanned:
    """No plans: what is executed, graphql-core executes."""

    async def run(self, *args: Any) -> None:
        return None

    def event(self, *args: Any) -> None:
        return None


class Both:
    """One client with plans and one without; ``executed`` counts what graphql-core executed."""

    def __init__(self, derived: Any = DERIVED, **answers: Any) -> None:
        self.planned, self.plain = Client(derived, answers), Client(derived, answers)
        self.planned.executor = Recording(derived)
        self.plain.executor.plans = Unplanned()  # type: ignore[assignment]

    @property
    def executed(self) -> int:
        executor = self.planned.executor
        assert isinstance(executor, Recording)
        return executor.executed

    async def result(self, query: str, **variables: Any) -> Any:
        """What both answer, which is the same, in the same order of keys."""
        outcomes = [await each.send(query, variables) for each in (self.planned, self.plain)]
        one, other = [
            json.dumps(each.result if isinstance(each, Answered) else each.errors, default=repr)
            for each in outcomes
        ]
        assert one == other
        assert self.planned.streams.calls == self.plain.streams.calls
        assert self.planned.streams.selections == self.plain.streams.selections
        return json.loads(one)


class Recording(Executor):
    executed = 0

    async def run(self, *args: Any, **kwargs: Any) -> Any:
        self.executed += 1
        return await super().run(*args, **kwargs)


# -- any selection of any data -----------------------------------------------------------------

GARBAGE: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", 7, 2**40, 1.5, True, [], {}, "in-review", [None], [3]]
)


def data_of(bound: Any, draw: Any) -> Any:
    """Native data of a type; now and then something else."""
    if draw(st.integers(0, 40)) == 0:
        return draw(GARBAGE)
    if isinstance(bound, GraphQLNonNull):
        return data_of(bound.of_type, draw)
    if isinstance(bound, GraphQLList):
        return [data_of(bound.of_type, draw) for _ in range(draw(st.integers(0, 2)))]
    if isinstance(bound, GraphQLObjectType):
        fields: Any = bound.fields.values()
        keys = [field.resolve.reads for field in fields]
        return {k: data_of(f.type, draw) for k, f in zip(keys, fields, strict=True)}
    if isinstance(bound, GraphQLEnumType):
        return draw(st.sampled_from([each.value for each in bound.values.values()]))
    return draw(st.sampled_from(EXAMPLES.get(bound.name, ["text"])))


EXAMPLES: dict[str, list[Any]] = {
    "Int": [0, -1, 2**31 - 1],
    "Float": [0, 1.5],
    "ID": [7, "seven"],
    "Boolean": [True, False],
    "Date": ["2026-11-22"],
    "Decimal": ["2.50", 2.5],
}


def selection_of(bound: GraphQLObjectType, draw: Any, depth: int = 0) -> str:
    """A random selection set: fields, aliases, fragments, conditions."""
    parts = []
    for number in range(draw(st.integers(1, 5))):
        name = draw(st.sampled_from(["__typename", *bound.fields]))
        alias = draw(st.sampled_from(["", "", f"a{number}: ", "same: " if depth > 5 else ""]))
        condition = draw(st.sampled_from(["", "", "@skip(if: $no)", "@include(if: $yes)"]))
        inner: Any = None
        if name != "__typename":
            inner = bound.fields[name].type
            while hasattr(inner, "of_type"):
                inner = inner.of_type
        below = ""
        if isinstance(inner, GraphQLObjectType):
            below = selection_of(inner, draw, depth + 1)
        field = f"{alias}{name} {condition} {below}"
        wraps = draw(
            st.sampled_from(["{}", "{}", "... {{ {} }}", f"... on {bound.name} {{{{ {{}} }}}}"])
        )
        parts.append(wraps.format(field))
    return f"{{ {' '.join(parts)} }}"


@RANDOM
@given(st.data())
def test_any_selection_of_any_data_is_answered_alike(data: Any) -> None:
    article = DERIVED.schema.type_map["Article"]
    page = DERIVED.schema.type_map["ArticlePage"]
    assert isinstance(article, GraphQLObjectType)
    assert isinstance(page, GraphQLObjectType)
    both = Both(retrieve=reply(data_of(article, data.draw)), list=reply(data_of(page, data.draw)))
    query = (
        "query($no: Boolean = false, $yes: Boolean!) {"
        f" one: article(id: 1) {selection_of(article, data.draw)}"
        f" articles(limit: 2) {selection_of(page, data.draw)}"
        " __typename }"
    )
    yes = data.draw(st.booleans())
    asyncio.run(both.result(query, yes=yes, **({"no": True} if data.draw(st.booleans()) else {})))


# -- what is planned, and what is not ------------------------------------------------------------

ONE = "query($id: ID = 1) { article(id: $id) { id title status labels { name } due } }"


async def test_a_derived_operation_is_not_executed_by_graphql_core() -> None:
    both = Both(retrieve=reply(ARTICLE))
    assert (await both.result(ONE))["data"]["article"]["status"] == "IN_REVIEW"
    assert both.executed == 0


async def test_a_mutation_calls_one_field_after_the_other() -> None:
    both = Both(delete=reply(None, 204), move=reply(ARTICLE))
    query = "mutation { a: articleDelete(id: 1) articleMove(id: 2, column: 3) { id } }"
    assert (await both.result(query))["data"]["a"] == "1"
    assert both.planned.streams.most_together == 1
    assert both.executed == 0


async def test_the_fields_of_a_query_are_called_together() -> None:
    both = Both(retrieve=reply(ARTICLE))
    await both.result("{ a: article(id: 1) { id } b: article(id: 2) { id } }")
    assert both.planned.streams.most_together == 2


@pytest.mark.parametrize(
    "answer",
    [
        reply(None, 403, ["No."]),
        reply({**ARTICLE, "title": None}),
        reply({**ARTICLE, "status": "unheard of"}),
        reply({**ARTICLE, "labels": "none"}),
        reply([ARTICLE]),
        RuntimeError("broken"),
    ],
    ids=["refused", "null", "enum", "no list", "no object", "broken"],
)
async def test_what_is_out_of_the_ordinary_is_said_by_graphql_core_without_a_second_call(
    answer: Any,
) -> None:
    both = Both(retrieve=answer)
    assert (await both.result(ONE))["errors"]
    assert both.executed == 1
    assert len(both.planned.streams.calls) == 1


@pytest.mark.parametrize("variables", [{"id": None}, {"id": []}, {}])
async def test_variables_and_arguments_that_are_wrong_are_refused_alike(variables: Any) -> None:
    both = Both(retrieve=reply(ARTICLE))
    await both.result("query($id: ID!) { article(id: $id) { id } }", **variables)
    await both.result("query($id: ID) { article(id: $id) { id } }", **variables)


@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { queryType { name } } }",
        "{ article(id: 1) { id } __schema { types { name } } }",
    ],
)
async def test_introspection_is_not_planned(query: str) -> None:
    both = Both(retrieve=reply(ARTICLE))
    await both.result(query)
    assert both.executed == 1


async def test_a_resolver_of_ones_own_is_not_planned() -> None:
    article = ObjectType("Article")
    article.set_field("title", lambda source, info: source["title"].upper())
    both = Both(derive(REGISTRATIONS, bindables=[article]), retrieve=reply(ARTICLE))
    assert (await both.result(ONE))["data"]["article"]["title"] == "TITANIC"
    assert both.executed == 1
    await both.result("{ article(id: 1) { id } }")
    assert both.executed == 1


async def test_more_variants_than_are_kept_are_executed_by_graphql_core() -> None:
    both = Both(retrieve=reply(ARTICLE))
    names = ["a", "b", "c", "d", "e"]
    head = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: title @include(if: ${name})" for name in names)
    query = f"query({head}) {{ article(id: 1) {{ id {fields} }} }}"
    for number in range(32):
        flags = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        await both.result(query, **flags)
    assert both.executed == 16


async def test_events_are_completed_by_a_plan() -> None:
    query = "subscription { articleChanged(id: 1) { action id data { title status } } }"
    events = [change("update", 1, ARTICLE), change("delete", 1, {"pk": 1}), change("update", 1, {})]
    both = Both()
    found = []
    for client in (both.planned, both.plain):
        client.streams.answers["subscribe_instance"] = Source(events)
        outcome = await client.send(query)
        assert isinstance(outcome, Subscribed)
        found.append([await anext(outcome.results) for _ in events])
        await outcome.results.aclose()
    assert found[0] == found[1]
    assert both.executed == 1


async def test_what_a_document_has_learnt_serves_another_operation_of_it() -> None:
    both = Both(retrieve=reply(ARTICLE), list=reply({"count": 0, "results": []}))
    query = "query A { article(id: 1) { id } } query B { articles { count } }"
    for name, key in (("A", "article"), ("B", "articles"), ("A", "article")):
        outcome = await both.planned.executor.execute(
            OperationRequest(query, name), both.planned.context, KINDS
        )
        assert isinstance(outcome, Answered)
        assert list(outcome.result["data"]) == [key]


QUERIES = """
query A { article(id: 1) { id } }
query B($more: Boolean!) { article(id: 1) { id ...More @include(if: $more) } }
fragment More on Article { title }
"""
SUBSCRIPTIONS = """
subscription A { articleChanged(id: 1) { id } }
subscription B($more: Boolean!) { articleChanged(id: 1) { id action @include(if: $more) } }
"""


async def test_the_conditions_of_another_operation_are_no_business_of_this_one() -> None:
    both = Both(retrieve=reply(ARTICLE))
    both.planned.streams.answers["subscribe_instance"] = Source([change("update", 1, ARTICLE)])
    answered = await both.planned.send(QUERIES, None, "A")
    assert answered.result == {"data": {"article": {"id": "1"}}}
    subscribed = await both.planned.send(SUBSCRIPTIONS, None, "A")
    assert await anext(subscribed.results) == {"data": {"articleChanged": {"id": "1"}}}
    await subscribed.results.aclose()
    assert both.executed == 0


async def test_a_condition_that_is_null_is_refused_by_graphql_core() -> None:
    both = Both(retrieve=reply(ARTICLE))
    query = "query($more: Boolean = true) { article(id: 1) { id title @include(if: $more) } }"
    [error] = (await both.result(query, more=None))["errors"]
    assert error["path"] == ["article"]
    assert (await both.result(query))["data"]["article"]["title"] == "Titanic"


def shouting(resolve: Any) -> Any:
    """A decorator as applications write them: it copies the attributes of what it wraps."""

    @functools.wraps(resolve)
    def wrapper(source: Any, info: Any, **arguments: Any) -> Any:
        return f"{source['title']}, {len(source)} keys!"

    return wrapper


async def test_what_is_put_around_a_derived_field_runs_and_sees_the_whole_object() -> None:
    derived = derive(REGISTRATIONS)
    title: Any = derived.schema.type_map["Article"]
    title.fields["title"].resolve = shouting(title.fields["title"].resolve)
    both = Both(derived, retrieve=reply(ARTICLE))
    result = await both.result("{ article(id: 1) { title } }")
    assert result["data"]["article"]["title"] == f"Titanic, {len(ARTICLE)} keys!"
    assert both.executed == 1
    assert both.planned.streams.selections == [None]


async def test_what_is_put_around_a_derived_root_runs() -> None:
    """A guard there would guard nothing if the call were made beside it."""
    derived = derive(REGISTRATIONS)
    root: Any = derived.schema.query_type
    inner = root.fields["article"].resolve

    @functools.wraps(inner)
    async def guarded(source: Any, info: Any, **arguments: Any) -> Any:
        raise PermissionDenied("Not you.")

    root.fields["article"].resolve = guarded
    both = Both(derived, retrieve=reply(ARTICLE))
    result = await both.result("{ article(id: 1) { title } }")
    assert result["errors"][0]["message"] == "Not you."
    assert both.planned.streams.calls == []
