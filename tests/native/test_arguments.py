"""Arguments of actions: read from the signature, checked and converted before the method runs."""

from __future__ import annotations

import datetime
import enum
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType

import pytest
from rest_framework.exceptions import ValidationError

from dcrf_graph.arguments import EMPTY, arguments_of, bind
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from tests.native.client import connected

UserKey = NewType("UserKey", int)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Moves(AsyncAPIConsumer):
    @action()
    async def move(
        self, pk: int, column: int, position: int = 0, **kwargs: Any
    ) -> tuple[list[Any], int]:
        return [pk, column, position, kwargs.get("extra")], 200

    @action()
    async def only(self, title: str) -> tuple[str, int]:
        return title, 200

    @action()
    async def own(self, action: str, request_id: Any, pk: Any) -> tuple[list[Any], int]:
        return [action, request_id, pk], 200

    @action(name="renamed")
    def synchronous(self, pk: int, note: Any = None) -> tuple[list[Any], int]:
        return [pk, note], 200


def refusal(function: Any, **arguments: Any) -> Any:
    with pytest.raises(ValidationError) as refused:
        bind(function, arguments)
    return refused.value.detail


@pytest.mark.parametrize(
    ("arguments", "errors"),
    [
        ({"pk": 1}, {"column": ["This field is required."]}),
        ({"pk": 1, "column": "left"}, {"column": ["A valid integer is required."]}),
        ({"pk": None, "column": 1}, {"pk": ["This field may not be null."]}),
        ({"pk": 1, "column": 2, "position": None}, {"position": ["This field may not be null."]}),
        (
            {"pk": [], "position": {}},
            {
                "pk": ["A valid integer is required."],
                "column": ["This field is required."],
                "position": ["A valid integer is required."],
            },
        ),
    ],
)
async def test_missing_and_wrong_arguments_are_answered_by_name(
    arguments: dict[str, Any], errors: dict[str, Any]
) -> None:
    async with connected(Moves) as client:
        frame = await client.call("move", request_id=7, **arguments)
        assert (frame["response_status"], frame["errors"]) == (400, [errors])
        assert (await client.call("move", pk=1, column=2))["response_status"] == 200


async def test_an_unexpected_argument_is_refused_where_the_action_takes_no_others() -> None:
    async with connected(Moves) as client:
        frame = await client.call("only", title="a", colour="red")
        assert frame["errors"] == [{"colour": ["This argument is not expected."]}]
        frame = await client.call("move", pk="1", column=2, extra="kept")
        assert frame["data"] == [1, 2, 0, "kept"]


@pytest.mark.parametrize("name", ["self", "scope", "consumer"])
@pytest.mark.parametrize("called", ["move", "only", "no_such_action"])
async def test_a_client_cannot_pass_what_the_library_passes_itself(name: str, called: str) -> None:
    async with connected(Moves) as client:
        frame = await client.call(called, request_id=7, **{name: {"user": "admin"}})
    assert frame["errors"] == [{name: ["This argument is reserved."]}]
    assert (frame["response_status"], frame["request_id"]) == (400, 7)


async def test_an_action_gets_its_own_name_and_request_id() -> None:
    async with connected(Moves) as client:
        frame = await client.call("own", request_id="a", pk={"any": "thing"})
    assert frame["data"] == ["own", "a", {"any": "thing"}]


async def test_synchronous_and_renamed_actions_have_the_arguments_of_their_method() -> None:
    async with connected(Moves) as client:
        assert (await client.call("renamed", pk="3"))["data"] == [3, None]
        assert (await client.call("renamed"))["errors"] == [{"pk": ["This field is required."]}]
    assert [argument.name for argument in arguments_of(Moves, "renamed")] == ["pk", "note"]


def test_arguments_are_listed_in_the_order_of_the_signature() -> None:
    pk, column, position = arguments_of(Moves, "move")
    assert (pk.name, pk.annotation, pk.required, pk.default) == ("pk", int, True, EMPTY)
    assert column.required
    assert (position.required, position.default) == (False, 0)


def test_an_action_that_does_not_exist_has_no_arguments_to_list() -> None:
    with pytest.raises(KeyError):
        arguments_of(Moves, "synchronous")


KEY = uuid.UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("annotation", "sent", "got"),
    [
        (int, "7", 7),
        (float, "1.5", 1.5),
        (bool, "true", True),
        (str, "", ""),
        (str, "  kept ", "  kept "),
        (str, 7, "7"),
        (Decimal, "1.50", Decimal("1.50")),
        (datetime.date, "2026-01-31", datetime.date(2026, 1, 31)),
        (datetime.time, "12:30", datetime.time(12, 30)),
        (
            datetime.datetime,
            "2026-01-31T12:00:00Z",
            datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC),
        ),
        (datetime.timedelta, "01:00:00", datetime.timedelta(hours=1)),
        (uuid.UUID, str(KEY), KEY),
        (Colour, "red", Colour.RED),
        (Literal["a", "b"], "b", "b"),
        (Literal["a"] | None, None, None),
        (int | None, None, None),
        (int | None, "7", 7),
        (list[int], ["1", 2], [1, 2]),
        (list[Colour], ["blue"], [Colour.BLUE]),
        # nothing that a string or JSON could be checked against
        (int | str, "7", "7"),
        (dict[str, int], {"a": "1"}, {"a": 1}),
        (dict[str, Any], {"a": "1"}, {"a": "1"}),
        (set[int], ["1", 1], {1}),
        (tuple[int, ...], ["1", 2], (1, 2)),
        (tuple[int, str], ["1", 2], ["1", 2]),
        (Sequence[int], ["1", 2], [1, 2]),
        (UserKey, "7", 7),
        (Annotated[int, "seconds"], "7", 7),
        (list, [1, "2"], [1, "2"]),
        (Any, None, None),
    ],
)
def test_a_value_becomes_what_its_annotation_says(annotation: Any, sent: Any, got: Any) -> None:
    def method(self: Any, value: Any) -> None: ...

    method.__annotations__["value"] = annotation
    bound = bind(method, {"value": sent})["value"]
    assert (bound, type(bound)) == (got, type(got))


@pytest.mark.parametrize(
    ("annotation", "sent"),
    [
        (int, "seven"),
        (int, True),
        (bool, "perhaps"),
        (str, ["a"]),
        (str, None),
        (uuid.UUID, "7"),
        (Colour, "green"),
        (Literal["a"], "c"),
        (list[int], 7),
        (list, {"a": 1}),
        (dict, [1]),
        (dict[str, int], {"a": "b"}),
        (list[int], ["a"]),
        (datetime.date, "tomorrow"),
    ],
)
def test_a_value_that_its_annotation_does_not_know_is_refused(annotation: Any, sent: Any) -> None:
    def method(self: Any, value: Any) -> None: ...

    method.__annotations__["value"] = annotation
    assert list(refusal(method, value=sent)) == ["value"]


def test_a_parameter_without_annotation_takes_what_was_sent() -> None:
    def method(self, value):  # type: ignore[no-untyped-def]
        ...

    assert bind(method, {"value": [{"a": 1}]}) == {"value": [{"a": 1}]}


def test_a_default_of_none_may_be_sent() -> None:
    def method(self: Any, value: int = None) -> None:  # type: ignore[assignment]  # noqa: RUF013
        ...

    assert bind(method, {"value": None}) == {"value": None}
    assert bind(method, {}) == {}


def test_annotations_that_cannot_be_resolved_are_left_alone() -> None:
    def method(self: Any, value: NoSuchName, number: int) -> None:  # type: ignore[name-defined]  # noqa: F821
        ...

    assert bind(method, {"value": "a", "number": "7"}) == {"value": "a", "number": "7"}


def test_what_the_library_passes_goes_only_where_the_signature_takes_it() -> None:
    def takes(self: Any, request_id: Any) -> None: ...
    def takes_none(self: Any) -> None: ...
    def takes_all(self: Any, **kwargs: Any) -> None: ...

    own = {"action": "move", "request_id": 7}
    assert bind(takes, {}, **own) == {"request_id": 7}
    assert bind(takes_none, {}, **own) == {}
    assert bind(takes_all, {}, **own) == own
