"""Every input of the kitchen hands on what a client gave, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    coerce_input_value,
    is_required_input_field,
)

from tests.kitchen.consumers import kitchen

ROUTER = kitchen()
INPUTS = {
    name: type_
    for name, type_ in ROUTER.schema.type_map.items()
    if isinstance(type_, GraphQLInputObjectType)
}
SAMPLES: dict[str, Any] = {
    "Int": 1,
    "BigInt": 1,
    "Float": 1.5,
    "String": "a",
    "ID": "1",
    "Boolean": True,
    "Decimal": "1.00",
    "Date": "2026-11-22",
    "DateTime": "2026-11-22T10:44:39Z",
    "Time": "10:44:39",
    "Duration": "00:10:00",
    "UUID": "0b5c1e1e-6f0c-4f5c-8a51-2f1b6a2f4c3d",
    "JSON": {"a": 1},
    "Upload": SimpleUploadedFile("a.txt", b"a"),
}


def sample(type_: Any) -> Any:
    """The least that a type takes."""
    if isinstance(type_, GraphQLNonNull):
        return sample(type_.of_type)
    if isinstance(type_, GraphQLList):
        return []
    if isinstance(type_, GraphQLInputObjectType):
        return required(type_)
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    return SAMPLES[type_.name]


def required(type_: GraphQLInputObjectType) -> dict[str, Any]:
    fields = type_.fields.items()
    return {name: sample(each.type) for name, each in fields if is_required_input_field(each)}


@pytest.mark.parametrize("name", INPUTS)
def test_what_is_left_out_does_not_arrive(name: str) -> None:
    type_ = INPUTS[name]
    given = required(type_)
    native = {type_.fields[key].out_name for key in given}
    assert type_.is_one_of or set(coerce_input_value(given, type_)) == native


@pytest.mark.parametrize("name", INPUTS)
def test_null_arrives_as_null(name: str) -> None:
    """Or as the blank choice, where that is how DRF says "none"."""
    type_ = INPUTS[name]
    nullable = [key for key, field in type_.fields.items() if not is_required_input_field(field)]
    for key in () if type_.is_one_of else nullable:
        native = coerce_input_value({**required(type_), key: None}, type_)
        assert native[type_.fields[key].out_name] in (None, "")


@pytest.mark.parametrize("operation", ROUTER.operations, ids=lambda each: each.name)
def test_an_argument_that_is_left_out_does_not_arrive(operation: Any) -> None:
    assert operation.native_arguments({}) == {}
