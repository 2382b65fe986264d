"""What ``@action(input=...)`` declares is checked before the method runs, for every client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from rest_framework import serializers

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import CreateModelMixin
from dcrf_graph.routers import Router
from tests.graphql.sessions import Session
from tests.native.client import connected
from tests.testapp.models import Label

REQUIRED = "This field is required."
INTEGER = "A valid integer is required."

pytestmark = pytest.mark.django_db(transaction=True)


class LabelSerializer(serializers.ModelSerializer[Label]):
    name = serializers.CharField(max_length=5)
    more = serializers.IntegerField(max_value=3, required=False)

    class Meta:
        model = Label
        fields = ["id", "name", "more"]

    def validate_name(self, name: str) -> str:
        if name == "gold":
            raise serializers.ValidationError(f"Not {self.context['consumer'].material}.")
        return name


@dataclass
class Size:
    width: int


class LabelConsumer(CreateModelMixin, GenericAsyncAPIConsumer):
    queryset = Label.objects.all()
    serializer_class = LabelSerializer
    material = "made of gold"

    @action(input=LabelSerializer)
    def rename(self, pk: int, data: Any, **kwargs: Any) -> Any:
        return data

    @action(input=list[LabelSerializer])
    async def replace(self, data: Any, **kwargs: Any) -> Any:
        return data

    @action(input=LabelSerializer, output=dict[str, Any])
    async def patch(self, pk: int, data: Any, **kwargs: Any) -> Any:
        return data

    @action(input=Size)
    async def size(self, **kwargs: Any) -> Any:
        return kwargs["data"]

    @action(input=Size)
    async def maybe(self, data: Any = None, **kwargs: Any) -> Any:
        return data


async def natively(action: str, **keys: Any) -> Any:
    """What the frame that answers holds: data, or errors."""
    async with connected(LabelConsumer) as client:
        frame = await client.call(action, **keys)
    return frame["errors"] or frame["data"]


async def in_graphql(action: str, **keys: Any) -> Any:
    """The same, of the operation that stands for the action; errors by the names of fields."""
    router = Router()
    router.register("labels", LabelConsumer)
    (operation,) = (each for each in router.operations if each.action == action)
    names = {each.key: each.name for each in operation.arguments}
    types = {each.name: each.type for each in operation.arguments}
    given = {names[key]: value for key, value in keys.items()}
    declared = ", ".join(f"${name}: {types[name]}" for name in given)
    passed = ", ".join(f"{name}: ${name}" for name in given)
    async with Session(router) as session:
        query = f"mutation ({declared}) {{ {operation.name}({passed}) }}"
        result = await session.result(query, **given)
    errors = [error["extensions"].get("fields") for error in result.get("errors", ())]
    return errors or result["data"][operation.name]


@pytest.mark.parametrize("ask", [natively, in_graphql])
@pytest.mark.parametrize(
    ("action", "keys", "fields"),
    [
        ("rename", {"pk": 1, "data": {"name": "too long"}}, ["name"]),
        ("rename", {"pk": 1, "data": {"name": "a", "more": 4}}, ["more"]),
        ("patch", {"pk": 1, "data": {"more": 4}}, ["more"]),
    ],
)
async def test_what_the_serializer_refuses_is_told_by_its_fields(
    ask: Any, action: str, keys: dict[str, Any], fields: list[str]
) -> None:
    (errors,) = await ask(action, **keys)
    assert list(errors) == fields


@pytest.mark.parametrize("ask", [natively, in_graphql])
async def test_the_serializer_has_the_context_of_the_consumer(ask: Any) -> None:
    assert await ask("rename", pk=1, data={"name": "gold"}) == [{"name": ["Not made of gold."]}]


@pytest.mark.parametrize("ask", [natively, in_graphql])
@pytest.mark.parametrize(
    ("action", "keys"),
    [
        ("rename", {"pk": 1, "data": {"name": "a"}}),
        ("replace", {"data": [{"name": "a"}, {"name": "b"}]}),
        ("patch", {"pk": 1, "data": {}}),
        ("size", {"data": {"width": 1}}),
        ("maybe", {"data": {"width": 1}}),
        ("maybe", {"data": None}),
    ],
)
async def test_data_arrives_as_it_was_sent(ask: Any, action: str, keys: dict[str, Any]) -> None:
    assert await ask(action, **keys) == keys["data"]


@pytest.mark.parametrize(
    ("action", "keys", "errors"),
    [
        ("rename", {"pk": 1}, {"data": [REQUIRED]}),
        ("size", {}, {"data": [REQUIRED]}),
        ("rename", {"pk": "x", "data": {}}, {"pk": [INTEGER], "name": [REQUIRED]}),
        ("replace", {"data": []}, None),
        ("size", {"data": {"width": "wide"}}, {"width": [INTEGER]}),
        ("rename", {"pk": 1, "data": None}, {"non_field_errors": ["No data provided"]}),
    ],
)
async def test_native_clients_are_told_everything_that_is_wrong(
    action: str, keys: dict[str, Any], errors: Any
) -> None:
    assert await natively(action, **keys) == ([] if errors is None else [errors])


async def test_what_is_wrong_in_a_list_is_told_of_data_by_its_place() -> None:
    """As a list of errors, or by positions: versions of DRF differ."""
    (told,) = await natively("replace", data=[{"name": "a"}, {}])
    assert told["data"] in ([{}, {"name": [REQUIRED]}], {"1": {"name": [REQUIRED]}})


async def test_whether_a_value_is_taken_is_left_to_the_method() -> None:
    """It may be the row's own: a label keeps its name."""

    class Named(serializers.ModelSerializer[Label]):
        class Meta:
            model = Label
            fields = ["name"]

    class Consumer(AsyncAPIConsumer):
        @action(input=Named)
        async def rename(self, data: Any, **kwargs: Any) -> Any:
            return data

    await Label.objects.acreate(name="a")
    async with connected(Consumer) as client:
        assert (await client.call("rename", data={"name": "a"}))["errors"] == []
