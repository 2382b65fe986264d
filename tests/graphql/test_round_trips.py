"""
Random serializers and values: GraphQL says what DRF serializes, and passes on what DRF validates.

Out: what a serializer writes as native JSON comes out of GraphQL equal. In: what GraphQL coerces is
validated by DRF to the same data as what a native client would have sent. A wrong value is refused
with its path.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLEnumType, GraphQLList, GraphQLNonNull, GraphQLObjectType
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.encoding import JSONEncoder
from dcrf_graph.graphql.definitions import EnumDefinition, TypeDefinition
from dcrf_graph.graphql.schema import Derived
from tests.graphql.doubles import Client, reply, schema_of
from tests.soak import Count

EXAMPLES = Count("serializers and values through GraphQL", full=2_000, part=40)
CHOICES: list[Any] = ["todo", "in-progress", "A+", "A", 1, -1, "über"]
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)
MOMENTS = st.datetimes(
    datetime.datetime(1900, 1, 1),
    datetime.datetime(2100, 1, 1),
    timezones=st.just(datetime.UTC),
)
INT32 = st.integers(-(2**31), 2**31 - 1)
BIG = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
DECIMALS = st.decimals(-9999, 9999, places=2, allow_nan=False, allow_infinity=False)
SPANS = st.timedeltas(datetime.timedelta(0), datetime.timedelta(days=900))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | INT32 | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)


@dataclass(frozen=True)
class Kind:
    """A field class: how it is made, its values in Python, and something that it is not."""

    make: Callable[..., Any]
    values: st.SearchStrategy[Any]
    wrong: Any = None


def big(**options: Any) -> Any:
    return serializers.IntegerField(max_value=2**63, min_value=-(2**63), **options)


def small(**options: Any) -> Any:
    return serializers.IntegerField(max_value=2**31 - 1, min_value=-(2**31), **options)


KINDS: dict[str, Kind] = {
    "boolean": Kind(serializers.BooleanField, st.booleans(), "perhaps"),
    "char": Kind(
        lambda **o: serializers.CharField(allow_blank=True, trim_whitespace=False, **o), WORDS, {}
    ),
    "integer": Kind(small, INT32, "seven"),
    "big_integer": Kind(big, BIG, "1.5"),
    "float": Kind(serializers.FloatField, FLOATS, "much"),
    "decimal": Kind(lambda **o: serializers.DecimalField(6, 2, **o), DECIMALS, "much"),
    "decimal_number": Kind(
        lambda **o: serializers.DecimalField(6, 2, coerce_to_string=False, **o), DECIMALS, "much"
    ),
    "date_time": Kind(serializers.DateTimeField, MOMENTS, "tomorrow"),
    "formatted": Kind(
        lambda **o: serializers.DateTimeField(
            format="%Y/%m/%d %H", input_formats=["%Y/%m/%d %H"], **o
        ),
        MOMENTS.map(lambda value: value.replace(minute=0, second=0, microsecond=0)),
        {},
    ),
    "date": Kind(serializers.DateField, st.dates(datetime.date(1900, 1, 1)), "tomorrow"),
    "time": Kind(serializers.TimeField, st.times(), "noon"),
    "duration": Kind(serializers.DurationField, SPANS, "long"),
    "uuid": Kind(serializers.UUIDField, st.uuids(), "key"),
    "uuid_hex": Kind(lambda **o: serializers.UUIDField(format="hex", **o), st.uuids(), "key"),
    "uuid_int": Kind(lambda **o: serializers.UUIDField(format="int", **o), st.uuids(), "key"),
    "ip": Kind(serializers.IPAddressField, st.ip_addresses(v=4).map(str), {}),
    "choice": Kind(
        lambda **o: serializers.ChoiceField(CHOICES, **o), st.sampled_from(CHOICES), "NOWHERE"
    ),
    "choices": Kind(
        lambda **o: serializers.MultipleChoiceField(choices=CHOICES, **o),
        st.lists(st.sampled_from(CHOICES), unique=True, max_size=1),
        ["NOWHERE"],
    ),
    "json": Kind(serializers.JSONField, ANY_JSON.filter(lambda value: value is not None)),
    "dict": Kind(serializers.DictField, st.dictionaries(WORDS, WORDS, max_size=2)),
}


@dataclass(frozen=True)
class Case:
    """A serializer class, an object that it writes, and the kinds of its fields."""

    serializer: Any
    value: dict[str, Any]
    kinds: dict[str, str]


@st.composite
def fields(draw: st.DrawFn, kind: str) -> tuple[Any, Any]:
    """A field of a kind, alone, nullable or in a list, and a value for it."""
    found = KINDS[kind]
    form = draw(st.sampled_from(["plain", "nullable", "list", "list of nullables"]))
    if form == "plain":
        return found.make(), draw(found.values)
    if form == "nullable":
        return found.make(allow_null=True), draw(st.none() | found.values)
    child = found.make(allow_null=form != "list")
    values = found.values if form == "list" else st.none() | found.values
    return serializers.ListField(child=child), draw(st.lists(values, max_size=3))


@st.composite
def cases(draw: st.DrawFn, depth: int = 1) -> Case:
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=5, unique=True))
    made = {f"{kind}_field": draw(fields(kind)) for kind in kinds}
    attributes: dict[str, Any] = {name: field for name, (field, _) in made.items()}
    value = {name: each for name, (_, each) in made.items()}
    if depth and draw(st.booleans()):
        inner = draw(cases(depth=0))
        many = draw(st.booleans())
        attributes["inner_thing"] = inner.serializer(many=many)
        value["inner_thing"] = [inner.value] if many else inner.value
    name = "ThingSerializer" if depth else "InnerSerializer"
    cls = type(name, (serializers.Serializer,), attributes)
    return Case(cls, value, {f"{kind}_field": kind for kind in kinds})


def native_json(case: Case) -> Any:
    """What a native client reads."""
    return json.loads(json.dumps(case.serializer(case.value).data, cls=JSONEncoder))


def consumer_of(case: Case) -> Any:
    class Consumer(AsyncAPIConsumer):
        @action(kind="query", output=case.serializer)
        async def read(self, **kwargs: Any) -> Any: ...

        @action(input=case.serializer)
        async def write(self, data: Any, **kwargs: Any) -> bool:
            return True

    return Consumer


def selection(bound: Any) -> str:
    """Every field of a type, below it every field of those."""
    while isinstance(bound, GraphQLNonNull | GraphQLList):
        bound = bound.of_type
    if not isinstance(bound, GraphQLObjectType):
        return ""
    inner = (f"{name} {selection(field.type)}" for name, field in bound.fields.items())
    return f"{{ {' '.join(inner)} }}"


class Translation:
    """Native JSON as a GraphQL client sees it: other names, the same values."""

    def __init__(self, derived: Derived) -> None:
        self.schema = derived.schema
        self.definitions = {definition.name: definition for definition in derived.definitions}

    def of(self, name: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self.of(name, item) for item in value]
        definition = self.definitions.get(name)
        if isinstance(definition, EnumDefinition) and value is not None:
            return next(each.name for each in definition.values if each.value == value)
        if not isinstance(definition, TypeDefinition) or value is None:
            return value
        return {
            field.name: self.of(re.sub(r"[\[\]!]", "", field.type), value[field.key])
            for field in definition.fields
        }


def result_of(client: Client, query: str, **variables: Any) -> Any:
    async def send() -> Any:
        outcome: Any = await client.send(query, variables or None)
        return outcome.result if hasattr(outcome, "result") else {"errors": outcome.errors}

    return asyncio.run(send())


WRITE = "mutation ($data: ThingInput!) { thingWrite(data: $data) }"


@EXAMPLES.mark
@EXAMPLES.settings
@given(cases())
def test_what_drf_serializes_comes_out_equal(case: Case) -> None:
    derived = schema_of(consumer_of(case))
    native = native_json(case)
    client = Client(derived, {"read": reply(native)})
    found: Any = derived.schema.query_type
    result = result_of(client, f"{{ thingRead {selection(found.fields['thingRead'].type)} }}")
    assert result == {"data": {"thingRead": Translation(derived).of("Thing", native)}}


@EXAMPLES.mark
@EXAMPLES.settings
@given(cases())
def test_what_graphql_coerces_is_what_drf_validates(case: Case) -> None:
    derived = schema_of(consumer_of(case))
    native = native_json(case)
    client = Client(derived, {"write": reply(True)})
    result = result_of(client, WRITE, data=Translation(derived).of("ThingInput", native))
    assert result == {"data": {"thingWrite": True}}
    (_, _, arguments) = client.streams.calls[-1]
    assert validated(case, arguments["data"]) == validated(case, native)


def validated(case: Case, data: Any) -> Any:
    serializer = case.serializer(data=data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


@EXAMPLES.mark
@EXAMPLES.settings
@given(st.data())
def test_what_is_left_out_does_not_arrive(data: st.DataObject) -> None:
    """Unset is not null: only what the client gave reaches the serializer."""
    case = data.draw(cases(depth=0))
    optional = type(
        "ThingSerializer",
        (serializers.Serializer,),
        {
            name: KINDS[kind].make(required=False, allow_null=True)
            for name, kind in case.kinds.items()
        },
    )
    given_keys = data.draw(st.sets(st.sampled_from(sorted(case.kinds))))
    derived = schema_of(consumer_of(Case(optional, {}, case.kinds)))
    names: Any = {field.key: field.name for field in input_of(derived).fields}
    client = Client(derived, {"write": reply(True)})
    result_of(client, WRITE, data={names[key]: None for key in given_keys})
    assert client.streams.calls[-1][2] == {"data": dict.fromkeys(given_keys)}


def input_of(derived: Derived) -> TypeDefinition:
    found = next(d for d in derived.definitions if d.name == "ThingInput")
    assert isinstance(found, TypeDefinition)
    return found


WRONG = sorted(kind for kind, found in KINDS.items() if found.wrong is not None)


@EXAMPLES.mark
@EXAMPLES.settings
@given(st.sampled_from(WRONG), st.booleans(), st.booleans())
def test_a_wrong_value_is_refused_with_its_path(kind: str, in_list: bool, nested: bool) -> None:
    found = KINDS[kind]
    field = serializers.ListField(child=found.make()) if in_list else found.make()
    attributes: Any = {"some_value": field}
    value: Any = {"someValue": [found.wrong] if in_list else found.wrong}
    path: list[Any] = ["someValue", *([0] if in_list else [])]
    if nested:
        inner = type("InnerSerializer", (serializers.Serializer,), attributes)
        attributes, value, path = {"inner": inner()}, {"inner": value}, ["inner", *path]
    thing = type("ThingSerializer", (serializers.Serializer,), attributes)
    client = Client(schema_of(consumer_of(Case(thing, {}, {}))))
    (error,) = result_of(client, WRITE, data=value)["errors"]
    told = error["extensions"]
    # A wrong one of several choices has its own place in their list.
    assert told["path"][1 : 1 + len(path)] == path
    assert client.streams.calls == []
    for name in map(str, path):
        told = told["fields"] if told is error["extensions"] else told
        assert list(told) == [name]
        told = told[name]


def test_every_scalar_of_the_library_is_among_the_kinds() -> None:
    attributes = {name: kind.make() for name, kind in KINDS.items()}
    thing = type("ThingSerializer", (serializers.Serializer,), attributes)
    derived = schema_of(consumer_of(Case(thing, {}, {})))
    scalars = {"BigInt", "Date", "DateTime", "Decimal", "Duration", "JSON", "Time", "UUID"}
    assert scalars <= derived.schema.type_map.keys()
    assert isinstance(derived.schema.type_map["ThingChoice"], GraphQLEnumType)
