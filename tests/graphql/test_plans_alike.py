"""Any document over types of every shape: what a plan answers is what graphql-core answers."""

from __future__ import annotations

import asyncio
from typing import Any, Literal, TypedDict

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
)
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from tests.graphql.doubles import reply, schema_of
from tests.graphql.test_plans import GARBAGE, Both
from tests.soak import Count

DOCUMENTS = Count("documents that a plan answers as graphql-core does", full=20_000, part=150)


class Payment(serializers.Serializer[Any]):
    amount = serializers.IntegerField()
    paid = serializers.IntegerField(allow_null=True)


class ByCard(Payment):
    number = serializers.CharField()


class ByInvoice(Payment):
    days = serializers.IntegerField(allow_null=True)


class AnyPayment(Payment):
    class Meta:
        graphql_types = {"card": ByCard, "invoice": ByInvoice}
        graphql_discriminator = "kind"


class Leaf(TypedDict):
    id: int
    colour: Literal["dark-green", "red"]
    weight: float | None
    extra: dict[str, int] | None


class Branch(TypedDict):
    """Lists of lists, of values and of objects, which may be null at each of their depths."""

    name: str
    numbers: list[list[int]]
    holes: list[list[int | None] | None] | None
    colours: list[list[Literal["dark-green", "red"]]]
    leaves: list[list[Leaf]]
    sparse: list[list[Leaf | None] | None] | None
    first: Leaf
    maybe: Leaf | None
    twigs: list[Twig] | None


class Twig(TypedDict):
    on: Branch | None
    leaf: Leaf


class Trees(AsyncAPIConsumer):
    @action(kind="query")
    async def branch(self, **kwargs: Any) -> Branch | None: ...

    @action(kind="query")
    async def branches(self, **kwargs: Any) -> list[list[Branch]]:
        raise NotImplementedError

    @action(kind="query", output=ByCard)
    async def card(self, **kwargs: Any) -> Any: ...

    @action(kind="query")
    async def payments(self, **kwargs: Any) -> list[AnyPayment]:
        raise NotImplementedError


DERIVED = schema_of(Trees)
SCHEMA = DERIVED.schema
EXAMPLES: dict[str, list[Any]] = {
    "Int": [0, -1, 2**31 - 1],
    "Float": [0, 1.5],
    "ID": [7, "seven"],
    "JSON": [{"a": 1}],
}
ACTIONS = {"thingBranch": "branch", "thingBranches": "branches", "thingCard": "card"}
KINDS = {"ByCard": "card", "ByInvoice": "invoice"}


def named(bound: Any) -> Any:
    while hasattr(bound, "of_type"):
        bound = bound.of_type
    return bound


def data_of(bound: Any, draw: Any, depth: int = 0) -> Any:
    """Native data of a type; seldom something else, or null where there can be none."""
    if draw(st.integers(0, 60)) == 0:
        return draw(GARBAGE)
    if isinstance(bound, GraphQLNonNull):
        return data_of(bound.of_type, draw, depth)
    if draw(st.integers(0, 6)) == 0 or depth > 6:
        return [] if isinstance(bound, GraphQLList) else None
    match bound:
        case GraphQLList():
            return [data_of(bound.of_type, draw, depth + 1) for _ in range(draw(st.integers(0, 2)))]
        case GraphQLObjectType():
            fields: Any = bound.fields.values()
            made = {f.resolve.reads: data_of(f.type, draw, depth + 1) for f in fields}
            return {**made, "kind": KINDS.get(bound.name)}
        case GraphQLInterfaceType():
            return data_of(draw(st.sampled_from(SCHEMA.get_possible_types(bound))), draw, depth)
        case GraphQLEnumType():
            return draw(st.sampled_from([each.value for each in bound.values.values()]))
        case _:
            return draw(st.sampled_from(EXAMPLES.get(bound.name, ["text"])))


class Document:
    """A random document: its fragments spread each other, and its fields come several times."""

    CONDITIONS = (
        *(
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "@skip(if: $no)",
            "@include(if: $yes)",
            "@include(if: $usual)",
        ),
        *("@skip(if: true)", "@include(if: $yes) @skip(if: $no)"),
    )

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.fragments: list[tuple[str, str]] = []
        fields = draw(st.lists(st.sampled_from(sorted(ACTIONS)), min_size=1, max_size=3))
        if draw(st.integers(0, 3)) == 0:
            fields.append("thingPayments")
        root: Any = SCHEMA.query_type
        calls = (f"{f} {self.condition()} {self.selection(root.fields[f].type)}" for f in fields)
        selected = " ".join(calls)
        body = f"{{ __typename {selected} }}" + "".join(t for _, t in self.fragments)
        variables = ("$no: Boolean = false", "$yes: Boolean!", "$usual: Boolean = true")
        used = ", ".join(each for each in variables if each.split(":")[0] in body)
        self.text = f"query {f'({used})' if used else ''} {body}"

    def condition(self) -> str:
        found: str = self.draw(st.sampled_from(self.CONDITIONS))
        return found

    def conditions_on(self, bound: Any) -> list[str]:
        """Types that a fragment on a type may have."""
        if isinstance(bound, GraphQLUnionType | GraphQLInterfaceType):
            return [bound.name, *(each.name for each in SCHEMA.get_possible_types(bound))]
        return [bound.name, *(each.name for each in bound.interfaces)]

    def selection(self, bound: Any, depth: int = 0) -> str:
        """A selection set; a name in the answer always means the same field."""
        bound = named(bound)
        if not hasattr(bound, "fields"):
            return ""
        leaves = [name for name, f in bound.fields.items() if not hasattr(named(f.type), "fields")]
        parts = []
        for _ in range(self.draw(st.integers(1, 3))):
            other = self.draw(st.sampled_from(self.conditions_on(bound)))
            if other != bound.name and depth < 4:
                inner = self.selection(SCHEMA.get_type(other), depth + 1)
                parts.append(f"... on {other} {self.condition()} {inner}")
                continue
            name = self.draw(
                st.sampled_from(["__typename", *(bound.fields if depth < 3 else leaves)])
            )
            below = "" if name == "__typename" else bound.fields[name].type
            alias = self.draw(st.sampled_from(["", f"{name}_again: ".lstrip("_")]))
            field = f"{alias}{name} {self.condition()} {self.selection(below, depth + 1)}"
            parts.append(self.wrapped(field, bound.name))
        return f"{{ {' '.join(parts)} }}"

    def wrapped(self, field: str, on: str) -> str:
        """A field, or a fragment that holds it: without a type, of a type, or by its name."""
        match self.draw(st.sampled_from(["plain", "plain", "inline", "typed", "spread", "again"])):
            case "inline":
                return f"... {self.condition()} {{ {field} }}"
            case "typed":
                return f"... on {on} {self.condition()} {{ {field} }}"
            case "spread":
                name = f"F{len(self.fragments)}"
                self.fragments.append((on, f" fragment {name} on {on} {{ {field} }}"))
                return f"...{name} {self.condition()}"
            case "again":
                known = [f"...F{n}" for n, (of, _) in enumerate(self.fragments) if of == on]
                return f"{field} {self.draw(st.sampled_from(known or ['']))}"
            case _:
                return field


INLINE = "{ thingCard { ... on AnyPayment { amount ... on ByInvoice { days } paid } number } }"
NAMED = """{ thingCard { ... on AnyPayment { ...Invoice ...Card } ...Any } }
fragment Invoice on ByInvoice { days }
fragment Card on ByCard { number }
fragment Any on AnyPayment { paid }"""


@pytest.mark.parametrize(
    ("document", "fields"), [(INLINE, "amount paid number"), (NAMED, "number paid")]
)
async def test_a_fragment_on_another_type_is_left_out_and_one_on_an_interface_is_not(
    document: str, fields: str
) -> None:
    card = {"amount": 1, "paid": 2, "number": "3", "days": 4, "kind": "card"}
    both = Both(DERIVED, card=reply(card))
    result = await both.result(document)
    assert result["data"]["thingCard"] == {name: card[name] for name in fields.split()}
    assert both.executed == 0


@pytest.mark.long
@DOCUMENTS.mark
@DOCUMENTS.settings
@given(st.data())
def test_any_document_over_any_data_is_answered_alike(data: Any) -> None:
    root: Any = SCHEMA.query_type
    answers = {name: reply(data_of(root.fields[f].type, data.draw)) for f, name in ACTIONS.items()}
    answers["payments"] = reply(data_of(root.fields["thingPayments"].type, data.draw))
    document = Document(data.draw)
    variables: dict[str, Any] = {"yes": data.draw(st.booleans())}
    for name in ("no", "usual"):
        value = data.draw(st.sampled_from([True, False, ..., ...] * 3 + [None]))
        if value is not ...:
            variables[name] = value
    asyncio.run(Both(DERIVED, **answers).result(document.text, **variables))
