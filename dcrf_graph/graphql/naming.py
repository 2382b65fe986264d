"""
Names: ``snake_case`` inside, ``camelCase`` outside, by one rule.

Adding a consumer must never rename a field of another one, so a name depends
only on the consumer's own prefix, singular and action; nothing is inflected.
What is no legal GraphQL name is an error at start, with the place and the
remedy in the message.
"""

from __future__ import annotations

import re
import unicodedata

from dcrf_graph.graphql.problems import refuse
from dcrf_graph.settings import api_settings

LEGAL = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
RESERVED_ENUM_VALUES = frozenset({"true", "false", "null"})
KEY_NAMES = ("id", "pk")
"""What an object's key is called natively; it is ``id: ID`` in GraphQL."""
KEY_TYPES = ("Int", "BigInt", "String", "UUID", "ID")
PREFIXES_OF_SUBSCRIBING = ("subscribe_to_", "subscribe_")


def camel(name: str) -> str:
    """``first_name`` -> ``firstName``, ``created__gte`` -> ``createdGte``.

    Leading and trailing underscores stay. With the setting
    ``GRAPHQL_CAMEL_CASE`` off the name only loses what GraphQL forbids.
    """
    if not api_settings.GRAPHQL_CAMEL_CASE:
        return re.sub(r"[-./ ]+", "_", name)
    body = name.strip("_")
    if not body:
        return name
    start = name[: name.index(body)]
    end = name[len(start) + len(body) :]
    first, *rest = re.split(r"[-_./ ]+", body)
    return start + first + "".join(word[:1].upper() + word[1:] for word in rest) + end


def pascal(name: str) -> str:
    """``due_date`` -> ``DueDate``: a part of a type's name, whatever the setting says."""
    words = re.split(r"[-_./ ]+", name.strip("_"))
    return "".join(word[:1].upper() + word[1:] for word in words)


def joined(noun: str, rest: str) -> str:
    """``card`` and ``move_up`` -> ``cardMoveUp``: a root field's name."""
    if not rest:
        return camel(noun)
    if not api_settings.GRAPHQL_CAMEL_CASE:
        return f"{camel(noun)}_{camel(rest)}"
    return camel(noun) + pascal(rest)


def constant(value: object) -> str:
    """A legal enum value's name for a raw choice: ``in-progress`` -> ``IN_PROGRESS``.

    It is made from the value, never from the label, which translations and
    copy-editing change: ``1`` -> ``VALUE_1``, ``-1`` -> ``VALUE_MINUS_1``, ``A+``
    -> ``A_PLUS``, ``größer`` -> ``GROSSER``. A value without any Latin letter or
    digit is spelled: ``<`` -> ``LESS_THAN_SIGN``, ``да`` -> ``U0414_U0410``.
    """
    text = re.sub(r"^-(?=\d)", "minus_", str(value))
    text = re.sub(r"(?<=[^\W_])-$", "_minus", text).replace("+", "_plus_")
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    plain = unicodedata.normalize("NFKD", text.upper())
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    text = re.sub(r"[^0-9A-Za-z]+", "_", plain).strip("_")
    if not text:
        text = "_".join(map(spelled, str(value).upper())) or "VALUE"
    if text[0].isdigit() or text.startswith("MINUS_"):
        return f"VALUE_{text}"
    return text


def spelled(character: str) -> str:
    """A character as a legal word: a symbol's name, else its number."""
    name = "" if character.isalnum() else unicodedata.name(character, "")
    return re.sub(r"\W+", "_", name) or f"U{ord(character):04X}"


def subscription(action: str, singular: str, plural: str) -> str:
    """The root field of a subscribing action.

    ``subscribe_instance`` -> ``cardChanged``; else the singular and what
    remains of the name, the noun not repeated: ``subscribe_card_activity`` ->
    ``cardActivity``, ``subscribe_to_comments`` -> ``cardComments``.
    """
    if action == "subscribe_instance":
        return joined(singular, "changed")
    rest = action
    for prefix in PREFIXES_OF_SUBSCRIBING:
        if action.startswith(prefix):
            rest = action.removeprefix(prefix)
            break
    if rest == plural:
        return camel(plural)
    if rest in (singular, "subscribe"):
        return camel(singular)
    return joined(singular, rest.removeprefix(f"{singular}_"))


def checked(name: str, breadcrumb: str, remedy: str) -> str:
    """Return the name if GraphQL allows it.

    Raises:
        DerivationError: naming the place (``breadcrumb``) and the remedy.
    """
    if LEGAL.fullmatch(name) is None:
        raise refuse("E002", breadcrumb, f"{name!r} is no legal GraphQL name.", remedy)
    if name.startswith("__"):
        cause = f"{name!r} starts with two underscores, which GraphQL keeps for introspection."
        raise refuse("E002", breadcrumb, cause, remedy)
    return name
