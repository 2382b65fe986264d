"""
``@action(input=...)``: what ``data`` has to be, checked before the method runs.

The method gets ``data`` as it was sent, as ``create`` and ``update`` do, and reads it
with its own serializer, which knows the row. So nothing is compared with other rows
here: whether a name is taken is not known before it is known whose name it is to be.
Where that is not wanted, an annotation, ``data: CardSerializer``, reads everything
once (``argument_fields``).

Source: docs/decisions/0012-input-checks-and-does-not-convert.md
"""

from __future__ import annotations

import typing
from typing import Any

from rest_framework import serializers
from rest_framework.validators import (
    BaseUniqueForValidator,
    UniqueTogetherValidator,
    UniqueValidator,
)

from dcrf_graph.argument_fields import LISTS, context_of_call, converted, plain

COMPARING = (UniqueValidator, UniqueTogetherValidator, BaseUniqueForValidator)
"""Validators that compare with the rows there are, but for the one that is changed."""


def check(declared: Any, value: Any, *, partial: bool = False) -> None:
    """Compare a value with what an action declares that it reads.

    Args:
        declared: a serializer class, a list of one, or any other annotation.
        partial: what a serializer requires may be left out.

    Raises:
        ValidationError: with the messages of the serializer, or of the annotation's field.
    """
    declared = plain(declared)
    inner = typing.get_args(declared)
    many = typing.get_origin(declared) in LISTS and len(inner) == 1
    cls = plain(inner[0]) if many else declared
    if not (isinstance(cls, type) and issubclass(cls, serializers.BaseSerializer)):
        converted(declared, value)
        return
    serializer = cls(data=value, many=many, partial=partial, context=context_of_call())
    compare_no_rows(serializer)
    serializer.is_valid(raise_exception=True)


def compare_no_rows(field: Any) -> None:
    """Take the validators from a serializer, and from what is in it, that compare with rows."""
    field.validators = [each for each in field.validators if not isinstance(each, COMPARING)]
    if isinstance(field, serializers.ListSerializer):
        compare_no_rows(field.child)
    elif isinstance(field, serializers.Serializer):
        for inner in field.fields.values():
            compare_no_rows(inner)
