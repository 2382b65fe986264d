"""TypedDicts, dataclasses and unions as GraphQL types."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NewType, NotRequired, TypedDict, Union

import pytest
from rest_framework import serializers

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.graphql.problems import DerivationError
from tests.graphql.board import LabelSerializer, NoteSerializer
from tests.graphql.doubles import Client, definition_of, reply, schema_of
from tests.testapp.models import Label, Note

Kilometres = NewType("Kilometres", float)


class Stop(TypedDict):
    """Where a train stops.

    Attributes:
        name: Of the town.
    """

    id: int
    name: str
    until: NotRequired[datetime.time]
    kind: Literal["long", "short"]


@dataclass
class Train:
    number: int
    stops: list[Stop]
    length: Kilometres | None = None
    seats: dict[str, int] = field(default_factory=dict)
    late: bool = field(init=False, default=False)


@dataclass
class TrainInput:
    """A train that is asked for."""

    graphql_name: ClassVar[str] = "WantedTrain"

    first_class: bool = False


class Node(TypedDict):
    children: list[Node]


class Trains(AsyncAPIConsumer):
    @action(kind="query")
    async def train(self, number: int, **kwargs: Any) -> Train | None: ...

    @action()
    async def plan(self, train: Train, stop: Stop, wanted: TrainInput, **kwargs: Any) -> None: ...

    @action(kind="query")
    async def tree(self, node: Node, **kwargs: Any) -> Node:
        raise NotImplementedError

    @action(kind="query")
    async def find(self, **kwargs: Any) -> Train | Stop | None: ...

    @action(kind="query", output=(LabelSerializer, NoteSerializer))
    async def any(self, **kwargs: Any) -> Any: ...

    @action(kind="query", output=Union[LabelSerializer, NoteSerializer])  # noqa: UP007
    async def some(self, **kwargs: Any) -> Any: ...


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("Train", "number: Int! stops: [Stop!]! length: Float seats: JSON! late: Boolean!"),
        ("TrainInput", "number: Int! stops: [StopInput!]! length: Float seats: JSON"),
        ("StopInput", "id: ID! until: Time kind: StopKind!"),
        ("Node", "children: [Node!]!"),
        ("NodeInput", "children: [NodeInput!]!"),
        ("WantedTrainInput", "firstClass: Boolean"),
    ],
)
def test_a_structure_is_a_type(name: str, fields: str) -> None:
    """Keys that may be missing are nullable; what is not given to a dataclass is no input."""
    text = definition_of(schema_of(Trains), name)
    for each in fields.replace(": ", ":").split(" "):
        assert f"  {each.replace(':', ': ')}\n" in text


def test_a_structure_is_described_by_its_docstring() -> None:
    text = definition_of(schema_of(Trains), "Stop")
    assert text.startswith('"""Where a train stops."""')
    assert '"""Of the town."""\n  name: String!' in text


async def test_structures_go_in_and_come_out_under_their_native_keys() -> None:
    stop = {"id": 7, "name": "A", "kind": "long"}
    client = Client(
        schema_of(Trains), {"train": reply({"number": 1, "stops": [stop], "late": False})}
    )
    result = await client.result("{ thingTrain(number: 1) { late stops { id kind until } } }")
    assert result["data"]["thingTrain"] == {
        "late": False,
        "stops": [{"id": "7", "kind": "LONG", "until": None}],
    }
    await client.result(
        'mutation { thingPlan(wanted: {firstClass: true}, stop: {id: 1, name: "A", kind: SHORT}, '
        "train: {number: 1, stops: []}) }"
    )
    assert client.streams.calls[-1][2] == {
        "wanted": {"first_class": True},
        "stop": {"id": "1", "name": "A", "kind": "short"},
        "train": {"number": 1, "stops": []},
    }


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"number": 1, "stops": [], "seats": {}, "late": False}, "Train"),
        ({"id": 1, "name": "A", "kind": "long"}, "Stop"),
    ],
)
async def test_a_union_is_told_apart_by_its_keys(data: Any, expected: str) -> None:
    client = Client(schema_of(Trains), {"find": reply(data)})
    result = await client.result("{ thingFind { __typename } }")
    assert result == {"data": {"thingFind": {"__typename": expected}}}


async def test_data_that_is_of_no_member_is_an_error_of_its_field() -> None:
    client = Client(schema_of(Trains), {"find": reply({"odd": 1})})
    result = await client.result("{ thingFind { __typename } }")
    assert result["data"] == {"thingFind": None}
    assert result["errors"][0]["path"] == ["thingFind"]


def test_an_output_of_several_serializers_is_a_union() -> None:
    sdl = schema_of(Trains).sdl
    assert "thingAny: ThingAny\n" in sdl
    assert "union ThingAny = Label | Note" in sdl
    assert "union ThingSome = Label | Note" in sdl


def test_members_that_cannot_be_told_apart_are_refused() -> None:
    class Same(serializers.ModelSerializer[Label]):
        class Meta:
            model = Label
            fields = ["id", "name"]

    class Consumer(AsyncAPIConsumer):
        @action(output=(LabelSerializer, Same))
        async def find(self, **kwargs: Any) -> Any: ...

    with pytest.raises(DerivationError, match="Label and Same of ThingFind have the same keys"):
        schema_of(Consumer)


# -- polymorphic serializers ---------------------------------------------------------------------


class Payment(serializers.Serializer[Any]):
    amount = serializers.DecimalField(8, 2)


class ByCard(Payment):
    number = serializers.CharField()


class ByInvoice(Payment):
    related: Any = serializers.SerializerMethodField()

    def get_related(self, obj: Any) -> AnyPayment | None: ...


class AnyPayment(Payment):
    """However it is paid."""

    class Meta:
        graphql_types = {"card": ByCard, "invoice": "ByInvoice"}
        graphql_discriminator = "kind"

    def to_representation(self, instance: Any) -> Any:
        return instance


class Subject(serializers.Serializer[Any]):
    class Meta:
        graphql_types = [LabelSerializer, NoteSerializer]


class Typed(serializers.BaseSerializer[Any]):
    """Like the serializers of django-rest-polymorphic."""

    model_serializer_mapping = {Label: LabelSerializer, Note: NoteSerializer}
    resource_type_field_name = "resourcetype"

    def to_resource_type(self, model: Any) -> str:
        return str(model._meta.object_name)


class Payments(AsyncAPIConsumer):
    @action(kind="query")
    async def pay(self, payment: AnyPayment, **kwargs: Any) -> AnyPayment:
        raise NotImplementedError

    @action(kind="query")
    async def subject(self, **kwargs: Any) -> Subject:
        raise NotImplementedError

    @action(kind="query")
    async def typed(self, **kwargs: Any) -> list[Typed]:
        raise NotImplementedError


def test_a_polymorphic_serializer_with_fields_is_an_interface() -> None:
    derived = schema_of(Payments)
    assert "interface AnyPayment {\n  amount: Decimal!\n}" in derived.sdl
    assert "type ByCard implements AnyPayment {" in derived.sdl
    assert "  related: AnyPayment\n" in definition_of(derived, "ByInvoice implements AnyPayment")


PAY = {"byCard": {"amount": "1.00", "number": "7"}}
PAID = "{ thingPay(payment: $p) { amount } }"


def test_as_an_input_it_is_one_of_its_members() -> None:
    derived = schema_of(Payments)
    assert "payment: AnyPaymentInput!" in derived.sdl
    assert definition_of(derived, "AnyPaymentInput @oneOf").endswith(
        "{\n  byCard: ByCardInput\n  byInvoice: ByInvoiceInput\n}"
    )


async def test_the_member_that_is_given_says_the_discriminator() -> None:
    client = Client(schema_of(Payments), {"pay": reply({"kind": "card", "amount": "1.00"})})
    await client.result(f"query ($p: AnyPaymentInput!) {PAID}", p=PAY)
    await client.result('{ thingPay(payment: {byInvoice: {amount: "1"}}) { amount } }')
    assert [arguments["payment"] for _, _, arguments in client.streams.calls] == [
        {"kind": "card", "amount": "1.00", "number": "7"},
        {"kind": "invoice", "amount": "1"},
    ]


@pytest.mark.parametrize("wrong", [{}, {**PAY, "byInvoice": {"amount": "1"}}, {"byCard": None}])
async def test_exactly_one_member_is_given(wrong: Any) -> None:
    client = Client(schema_of(Payments))
    rejected = await client.rejection(f"query ($p: AnyPaymentInput!) {PAID}", p=wrong)
    assert rejected.code == "BAD_USER_INPUT"
    assert rejected.errors[0]["extensions"]["path"][0] == "p"
    assert client.streams.calls == []


class Many(serializers.Serializer[Any]):
    class Meta:
        graphql_types = {1: LabelSerializer, "note": NoteSerializer, "memo": NoteSerializer}
        graphql_discriminator = "type"

    def to_internal_value(self, data: Any) -> Any:
        return data


class Tagging(AsyncAPIConsumer):
    @action(input=list[Many], kind="query")
    async def tag(self, data: Any, **kwargs: Any) -> int:
        return 1

    @action(input=Subject, kind="query")
    async def subject(self, data: Any, **kwargs: Any) -> int:
        return 1

    @action(input=Many, name="patch")
    async def patch(self, data: Any, **kwargs: Any) -> int:
        return 1


async def test_members_that_share_a_type_are_told_by_their_values() -> None:
    """And a value that is no text stays what it is."""
    client = Client(schema_of(Tagging))
    tags = '[{label: {name: "a"}}, {noteNote: {text: "b"}}, {noteMemo: {text: "c"}}]'
    await client.result(f"{{ thingTag(data: {tags}) }}")
    await client.result('{ thingSubject(data: {note: {text: "d"}}) }')
    tagged, subject = (arguments["data"] for _, _, arguments in client.streams.calls)
    assert [each["type"] for each in tagged] == [1, "note", "memo"]
    assert subject == {"text": "d"}


def test_what_is_patched_may_leave_out_what_a_member_must_have() -> None:
    derived = schema_of(Tagging)
    assert "label: LabelPatchInput\n" in definition_of(derived, "ManyPatchInput @oneOf")


def test_a_member_that_reads_nothing_makes_the_input_json() -> None:
    class Reads(serializers.Serializer[Any]):
        class Meta:
            graphql_types = [LabelSerializer, AsPoint]

    class Consumer(AsyncAPIConsumer):
        @action(input=Reads)
        async def put(self, data: Any, **kwargs: Any) -> int:
            return 1

    derived = schema_of(Consumer)
    assert "data: JSON!" in derived.sdl
    assert [problem.id for problem in derived.problems] == ["dcrf_graph.W014"]


def test_a_polymorphic_serializer_without_fields_is_a_union() -> None:
    sdl = schema_of(Payments).sdl
    assert "union Subject = Label | Note" in sdl
    assert "union Typed = Label | Note" in sdl


@pytest.mark.parametrize(
    ("action_name", "data", "expected"),
    [
        ("pay", {"kind": "card", "amount": "1.00", "number": "7"}, "ByCard"),
        ("pay", {"kind": "invoice", "amount": "1.00", "related": None}, "ByInvoice"),
        ("subject", {"pk": 1, "text": "a"}, "Note"),
        ("typed", [{"resourcetype": "Label", "id": 1, "name": "a"}], "Label"),
    ],
)
async def test_the_discriminator_says_the_type(action_name: str, data: Any, expected: str) -> None:
    client = Client(schema_of(Payments), {action_name: reply(data)})
    arguments = '(payment: {byInvoice: {amount: "1"}})' if action_name == "pay" else ""
    field = f"thing{action_name.capitalize()}"
    result = await client.result(f"{{ {field}{arguments} {{ __typename }} }}")
    found = result["data"][field]
    assert (found[0] if isinstance(found, list) else found) == {"__typename": expected}


async def test_an_unknown_discriminator_is_an_error() -> None:
    client = Client(schema_of(Payments), {"pay": reply({"kind": "cash", "amount": "1.00"})})
    result = await client.result('{ thingPay(payment: {byInvoice: {amount: "1"}}) { amount } }')
    assert "'kind' is 'cash'" in result["errors"][0]["message"]


def test_a_member_without_the_fields_of_its_interface_is_refused() -> None:
    class Odd(Payment):
        class Meta:
            graphql_types = {"label": LabelSerializer}
            graphql_discriminator = "kind"

    class Consumer(AsyncAPIConsumer):
        @action(output=Odd)
        async def pay(self, **kwargs: Any) -> Any: ...

    with pytest.raises(DerivationError, match="has no amount: Decimal!"):
        schema_of(Consumer)


class Shape(serializers.Serializer[Any]):
    unit = serializers.ChoiceField(["mm", "cm"])
    flags = serializers.MultipleChoiceField(choices=["bold", "thin"])


class Circle(Shape):
    radius = serializers.IntegerField()


class AnyShape(Shape):
    class Meta:
        graphql_types = {"circle": Circle}
        graphql_discriminator = "kind"


class Shapes(AsyncAPIConsumer):
    @action(kind="query")
    async def draw(self, circle: Circle, **kwargs: Any) -> AnyShape:
        raise NotImplementedError


def test_what_an_interface_and_its_members_choose_from_is_one_enum() -> None:
    derived = schema_of(Shapes)
    shared = ["  unit: AnyShapeUnit!", "  flags: [AnyShapeFlags!]!"]
    for name in ("interface AnyShape", "type Circle implements AnyShape", "input CircleInput"):
        assert "\n".join([f"{name} {{", *shared]) in derived.sdl
    assert "CircleUnit" not in derived.sdl


async def test_a_member_writes_and_reads_the_shared_enum() -> None:
    shape = {"kind": "circle", "unit": "mm", "flags": ["bold"], "radius": 1}
    client = Client(schema_of(Shapes), {"draw": reply(shape)})
    circle = "{unit: CM, flags: [THIN], radius: 2}"
    result = await client.result(f"{{ thingDraw(circle: {circle}) {{ unit flags }} }}")
    assert result["data"] == {"thingDraw": {"unit": "MM", "flags": ["BOLD"]}}
    [(_, _, arguments)] = client.streams.calls
    assert arguments["circle"] == {"unit": "cm", "flags": ["thin"], "radius": 2}


def test_other_choices_than_the_interfaces_are_refused() -> None:
    class Odd(Shape):
        unit = serializers.ChoiceField(["inch"])

    class AnyOdd(Shape):
        class Meta:
            graphql_types = {"odd": Odd}
            graphql_discriminator = "kind"

    class Consumer(AsyncAPIConsumer):
        @action(output=AnyOdd)
        async def draw(self, **kwargs: Any) -> Any: ...

    with pytest.raises(DerivationError, match="has no unit: AnyOddUnit!"):
        schema_of(Consumer)


# -- serializers that write themselves -----------------------------------------------------------


class Point(TypedDict):
    x: int


class AsPoint(serializers.BaseSerializer[Any]):
    def to_representation(self, instance: Any) -> Point:
        return {"x": 1}


class AsText(serializers.BaseSerializer[Any]):
    def to_representation(self, instance: Any) -> str:
        return ""


class Silent(serializers.Serializer[Any]):
    name = serializers.CharField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {}


class Written(AsyncAPIConsumer):
    @action(output=AsPoint)
    async def point(self, **kwargs: Any) -> Any: ...

    @action(output=list[AsText])
    async def texts(self, **kwargs: Any) -> Any: ...

    @action(output=Silent)
    async def silent(self, **kwargs: Any) -> Any: ...


def test_a_serializer_that_writes_itself_has_the_type_that_it_says() -> None:
    sdl = schema_of(Written).sdl
    assert "thingPoint: Point\n" in sdl
    assert "thingTexts: [String!]\n" in sdl


def test_a_serializer_that_says_nothing_may_write_null() -> None:
    derived = schema_of(Written)
    assert "  name: String\n" in definition_of(derived, "Silent")
    (problem,) = derived.problems
    assert (problem.id, problem.breadcrumb) == ("dcrf_graph.W011", "Written > Silent")
