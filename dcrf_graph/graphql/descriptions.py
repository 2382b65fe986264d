"""
The words of the schema: help texts, labels and docstrings, untranslated.

A contract does not depend on who is asking, so lazy texts are read in the
language they were written in.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

from django.db import models
from django.utils import translation
from rest_framework import serializers

from dcrf_graph.docstrings import summary


def text_of(value: Any) -> str:
    """A label or help text, untranslated."""
    with translation.override(None):
        return str(value or "").strip()


def cleaned(text: str) -> str:
    """A docstring or help text without its indentation and trailing spaces."""
    lines = text.expandtabs().splitlines()
    margins = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    margin = min(margins, default=0)
    return "\n".join(
        [line.strip() if not index else line[margin:].rstrip() for index, line in enumerate(lines)]
    ).strip()


def description_of(field: Any, key: str, model: type[models.Model] | None) -> str:
    """What a serializer field is: its help text, else its own label, else its docstring."""
    return (
        cleaned(text_of(field.help_text))
        or own_label(field, key)
        or summary(document_of(field, model))
    )


def own_label(field: Any, key: str) -> str:
    """The label, where it says more than the field's name."""
    label = text_of(field.label)
    said = {"", "id", same(key), same(str(field.source or key).split(".")[-1])}
    return "" if same(label) in said else label


def same(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())


def document_of(field: Any, model: type[models.Model] | None) -> str:
    """The docstring of a method field's method, or of the property that is read."""
    if isinstance(field, serializers.SerializerMethodField):
        found = getattr(type(field.parent), str(field.method_name), None)
        return getattr(found, "__doc__", None) or ""
    if model is None or not isinstance(field, serializers.ReadOnlyField):
        return ""
    member = inspect.getattr_static(model, str(field.source), None)
    if isinstance(member, property | functools.cached_property):
        return member.__doc__ or ""
    return member.__doc__ or "" if inspect.isfunction(member) else ""
