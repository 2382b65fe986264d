"""
What a docstring says of parameters and attributes.

Reads the three habits: Google's ``Args:``, NumPy's ``Parameters`` with a line
below, Sphinx's ``:param name:``. What it does not understand it leaves out; it
never fails. Knows nothing of actions or schemas.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

SECTIONS = ("args", "arguments", "parameters", "params", "other parameters", "keyword args")
FIELD_SECTIONS = ("attributes", "fields", "members")
OTHERS = (
    *("returns", "return", "yields", "raises", "warns", "examples", "example", "note", "notes"),
    *("warning", "warnings", "see also", "references", "todo", "source"),
)
SPHINX = re.compile(r":(?:param|parameter|arg|argument|key|ivar|var)\s+(?:[^:]*\s)?\*{0,2}(\w+):")
SPHINX_ANY = re.compile(r":[a-z]+(?:\s[^:]*)?:")
ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")
NUMPY_ENTRY = re.compile(r"(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")


def summary(document: str | None) -> str:
    """The first paragraph, without what follows about parameters."""
    kept: list[str] = []
    lines = inspect.cleandoc(document or "").splitlines()
    for number, line in enumerate(lines):
        if (not line.strip() and kept) or begins_section(lines, number):
            break
        kept.append(line.rstrip())
    return "\n".join(kept).strip()


def parameters(document: str | None) -> dict[str, str]:
    """The description of each parameter: ``{"pk": "The card."}``."""
    return described(document, SECTIONS)


def attributes(document: str | None) -> dict[str, str]:
    """The description of each attribute of a class, from sections for those or for parameters."""
    return described(document, FIELD_SECTIONS + SECTIONS)


def described(document: str | None, sections: tuple[str, ...]) -> dict[str, str]:
    lines = inspect.cleandoc(document or "").splitlines()
    found = dict(sphinx_entries(lines))
    for number in range(len(lines)):
        title = section_title(lines, number)
        if title in sections:
            underlined = is_underlined(lines, number)
            body = section_body(lines, number, underlined)
            found.update(numpy_entries(body) if underlined else google_entries(body))
    return {name: text for name, text in found.items() if text}


def begins_section(lines: list[str], number: int) -> bool:
    return section_title(lines, number) is not None or bool(SPHINX_ANY.match(lines[number]))


def section_title(lines: list[str], number: int) -> str | None:
    """``args`` for the line ``Args:``, or for one that is underlined; else None."""
    line = lines[number]
    title = line.rstrip().removesuffix(":").lower()
    known = title in (*SECTIONS, *FIELD_SECTIONS, *OTHERS)
    colon = line.rstrip().endswith(":")
    return title if known and (colon or is_underlined(lines, number)) else None


def is_underlined(lines: list[str], number: int) -> bool:
    below = lines[number + 1].strip() if number + 1 < len(lines) else ""
    return len(below) >= 3 and not below.strip("-=")


def section_body(lines: list[str], number: int, underlined: bool) -> list[str]:
    """The lines of a section: indented, or for NumPy's all until the next one."""
    body: list[str] = []
    for position in range(number + 1 + underlined, len(lines)):
        line = lines[position]
        ended = begins_section(lines, position) if underlined else line and not line[0].isspace()
        if ended:
            break
        body.append(line)
    return body


def google_entries(body: list[str]) -> Iterator[tuple[str, str]]:
    """``name: text`` or ``name (type): text``, going on where it is indented deeper."""
    name, texts = "", list[str]()
    for line in [*inspect.cleandoc("\n".join(["", *body])).splitlines(), "end"]:
        if line and not line[0].isspace():
            if name:
                yield name, joined(texts)
            found = ENTRY.match(line)
            name = found[1] if found else ""
            texts = [found[2]] if found else []
        else:
            texts.append(line)


def numpy_entries(body: list[str]) -> Iterator[tuple[str, str]]:
    """``name : type`` with the text indented below; several names share one text."""
    names: list[str] = []
    texts: list[str] = []
    for line in [*body, "end"]:
        if line and not line[0].isspace():
            for name in names:
                yield name, joined(texts)
            found = NUMPY_ENTRY.match(line)
            names = re.findall(r"\w+", found[1]) if found else []
            texts = []
        else:
            texts.append(line)


def sphinx_entries(lines: list[str]) -> Iterator[tuple[str, str]]:
    """``:param name: text``, going on where it is indented."""
    name, texts = "", list[str]()
    for line in [*lines, ":end:"]:
        if line and not line[0].isspace():
            if name:
                yield name, joined(texts)
            found = SPHINX.match(line)
            name = found[1] if found else ""
            texts = [line[found.end() :]] if found else []
        elif name:
            texts.append(line)


def joined(texts: list[str]) -> str:
    """Lines as one text; paragraphs stay apart."""
    return "\n".join(text.strip() for text in texts).strip()
