"""Arguments that are objects (TypedDict, dataclass, serializer) are checked before they arrive."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from dcrf_graph.arguments import arguments_of, bind
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from tests.native.client import connected
from tests.testapp.models import Label


class Place(TypedDict):
    column: int
    row: NotRequired[int | None]


class Loose(TypedDict, total=False):
    column: int
    place: Place


@dataclass
class Size:
    """A size.

    Attributes:
        width: In millimetres.
    """

    width: int
    height: int = 1
    places: list[Place] = field(default_factory=list)
    area: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.width < 0:
            raise ValueError("A width is not negative.")
        self.area = self.width * self.height


class Mood(enum.Enum):
    CALM = "c"


class LabelSerializer(serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ["id", "name"]


def bound(annotation: Any, value: Any) -> Any:
    def method(self: Any, value: Any) -> None: ...

    method.__annotations__["value"] = annotation
    return bind(method, {"value": value})["value"]


@pytest.mark.parametrize(
    ("annotation", "sent", "got"),
    [
        (Place, {"column": "1"}, {"column": 1}),
        (Place, {"column": 1, "row": None}, {"column": 1, "row": None}),
        (Loose, {}, {}),
        (Loose, {"place": {"column": "1"}}, {"place": {"column": 1}}),
        (Place | None, None, None),
        (list[Place], [{"column": "1"}], [{"column": 1}]),
        (dict[str, Place], {"a": {"column": "1"}}, {"a": {"column": 1}}),
        (Size, {"width": "2"}, Size(2)),
        (Size, {"width": 2, "places": [{"column": 1}]}, Size(2, 1, [{"column": 1}])),
    ],
)
def test_an_object_becomes_what_its_annotation_says(annotation: Any, sent: Any, got: Any) -> None:
    assert bound(annotation, sent) == got


@pytest.mark.parametrize(
    ("annotation", "sent", "errors"),
    [
        (Place, [1], ["Invalid data. Expected a dictionary, but got list."]),
        (Place, {}, {"column": ["This field is required."]}),
        (Place, {"column": None}, {"column": ["This field may not be null."]}),
        (Place, {"column": 1, "colour": 2}, {"colour": ["This argument is not expected."]}),
        (Loose, {"place": {}}, {"place": {"column": ["This field is required."]}}),
        (list[Place], [{"column": 1}, {}], {1: {"column": ["This field is required."]}}),
        (Size, {"width": 1, "area": 1}, {"area": ["This argument is not expected."]}),
        (Size, {"width": -1}, ["A width is not negative."]),
    ],
)
def test_a_wrong_object_is_refused_with_the_path(annotation: Any, sent: Any, errors: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        bound(annotation, sent)
    assert refused.value.detail == {"value": errors}


class Labels(AsyncAPIConsumer):
    @action()
    def add(self, label: LabelSerializer, **kwargs: Any) -> Any:
        """Add a label.

        Args:
            label: As it shall be.
        """
        return label.save().name

    @action()
    def add_all(self, labels: list[LabelSerializer], **kwargs: Any) -> list[str]:
        return [label.save().name for label in labels]

    @action()
    async def measure(self, width: int, **kwargs: Any) -> Size:
        return Size(width)

    @action()
    async def feel(self, **kwargs: Any) -> Mood:
        return Mood.CALM


@pytest.mark.django_db(transaction=True)
async def test_a_serializer_arrives_validated() -> None:
    async with connected(Labels) as client:
        assert (await client.call("add", label={"name": "red"}))["data"] == "red"
        answer = await client.call("add_all", labels=[{"name": "green"}, {"name": "blue"}])
        assert answer["data"] == ["green", "blue"]


@pytest.mark.django_db(transaction=True)
async def test_what_a_serializer_refuses_names_the_argument() -> None:
    """Its validators may query: the check runs where the database may be asked."""
    async with connected(Labels) as client:
        await client.call("add", label={"name": "red"})
        refused = await client.call("add", label={"name": "red"})
    assert refused["response_status"] == 400
    assert refused["errors"] == [{"label": {"name": ["label with this name already exists."]}}]


async def test_dataclasses_and_enums_are_answered_as_json() -> None:
    async with connected(Labels) as client:
        measured = await client.call("measure", width=2)
        assert measured["data"] == {"width": 2, "height": 1, "places": [], "area": 2}
        assert (await client.call("feel"))["data"] == "c"


def test_arguments_are_described_by_the_docstring() -> None:
    (argument,) = arguments_of(Labels, "add")
    assert argument.description == "As it shall be."
