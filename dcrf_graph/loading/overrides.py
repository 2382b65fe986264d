"""
What serializers and fields of an application have changed of DRF's.

Asked of classes: what is changed on one instance nobody sees. Input is not
looked at, a plan only writes.

Source: docs/decisions/0028-plans-for-serializers-that-are-drfs.md
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.utils.functional import cached_property
from rest_framework import serializers

# fmt: off
FOR_INPUT = frozenset(
    {
        "Meta", "_declared_fields", "create", "default_error_messages", "default_validators",
        "get_validators", "initial", "is_valid", "run_validation", "run_validators", "save",
        "serializer_choice_field", "serializer_field_mapping", "serializer_related_field",
        "serializer_related_to_field", "serializer_url_field", "to_internal_value", "update",
        "url_field_name", "validate", "validators",
    }
)
"""What a serializer class may define without changing how it writes from call to call."""
FIELDS_FOR_INPUT = frozenset(
    {
        "default_empty_html", "default_error_messages", "default_validators", "display_value",
        "get_choices", "get_initial", "get_queryset", "get_validators", "get_value", "html_cutoff",
        "html_cutoff_text", "initial", "queryset", "run_validation", "run_validators",
        "to_internal_value", "validate_empty_values", "validators",
    }
)
"""What a field's class may define without changing how it writes."""
# fmt: on
MAKING = frozenset({"__new__", "__init__", "__getattr__", "__getattribute__"})
KEPT = 1_000
"""Classes that are remembered; an application may make new ones for each call."""


@lru_cache(maxsize=KEPT)
def writes_as_drf(serializer_class: Any) -> bool:
    """Whether a class leaves to DRF how it is made and how it writes."""
    if not inspect.isclass(serializer_class):
        return False  # a function that makes serializers
    if not issubclass(serializer_class, serializers.Serializer):
        return False
    for each in of_application(serializer_class):
        for name in vars(each):
            if name in MAKING:
                return False
            drfs = hasattr(serializers.ModelSerializer, name) and not name.startswith("__")
            if drfs and name not in FOR_INPUT:
                return False
    return True


@lru_cache(maxsize=KEPT)
def field_writes_as_drf(field_class: Any) -> bool:
    """Whether a field's class leaves to DRF how it writes, and whatever that asks the field.

    A zone, a format or choices may depend on the request where the class says what they are.
    """
    of_drf = next(filter(is_of_drf, field_class.__mro__), serializers.Field)
    for each in of_application(field_class):
        for name, value in vars(each).items():
            if name.startswith("__") or name in FIELDS_FOR_INPUT:
                continue
            # What a field of DRF is given when it is made may be a property here.
            if hasattr(of_drf, name) or isinstance(value, property | cached_property):
                return False
    return True


def of_application(made_by: type) -> Iterator[type]:
    """The class and those of its bases that are not DRF's."""
    return (each for each in made_by.__mro__ if not is_of_drf(each) and each is not object)


def is_of_drf(made_by: type) -> bool:
    """Whether DRF defines a class; what its metaclass is called for bears its module's name."""
    named = made_by.__module__.startswith("rest_framework.")
    return named and getattr(sys.modules[made_by.__module__], made_by.__name__, None) is made_by
