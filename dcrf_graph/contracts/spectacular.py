"""
What drf-spectacular was told, as JSON Schema.

A member of OpenApiTypes, or an OpenAPI schema, of which the keywords are kept that
OpenAPI 3.0 shares with draft 7 and 2020-12. Reads names and mappings;
drf-spectacular itself need not be installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcrf_graph.contracts.keywords import Schema, nullable

KINDS: dict[str, Schema] = {
    "NUMBER": {"type": "number"},
    "FLOAT": {"type": "number"},
    "DOUBLE": {"type": "number"},
    "INT": {"type": "integer"},
    "INT32": {"type": "integer"},
    "INT64": {"type": "integer"},
    "UINT16": {"type": "integer"},
    "UINT32": {"type": "integer"},
    "UINT64": {"type": "integer"},
    "BOOL": {"type": "boolean"},
    "UUID": {"type": "string", "format": "uuid"},
    # Text or a number, as the project coerces; DRF reads both.
    "DECIMAL": {"type": ["string", "number"]},
    "DATE": {"type": "string", "format": "date"},
    "OBJECT": {"type": "object"},
    "ANY": {},
    "NONE": {},
}
"""Members of OpenApiTypes that are no plain text; a time has an offset only with USE_TZ."""

KEPT = (
    *("type", "enum", "const", "description", "pattern", "required", "uniqueItems"),
    *("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"),
)
FORMATS = ("uuid", "date", "email", "uri", "ipv4", "ipv6")
"""What is said of text natively too; ``date-time`` needs an offset, which USE_TZ decides."""


def told_schema(given: Any) -> Schema | None:
    """The schema of a member of OpenApiTypes, or of an OpenAPI schema; None for anything else."""
    if type(given).__name__ == "OpenApiTypes":
        return dict(KINDS.get(given.name, {"type": "string"}))
    return open_api(given) if isinstance(given, Mapping) else None


def open_api(schema: Mapping[str, Any]) -> Schema:
    """An OpenAPI schema without what only OpenAPI knows; anything where it refers elsewhere."""
    if "$ref" in schema:
        return {}
    found: Schema = {keyword: schema[keyword] for keyword in KEPT if keyword in schema}
    if schema.get("format") in FORMATS:
        found["format"] = schema["format"]
    for keyword in ("items", "additionalProperties", "not"):
        if keyword in schema:
            inner = schema[keyword]
            found[keyword] = open_api(inner) if isinstance(inner, Mapping) else inner
    for keyword in ("oneOf", "anyOf", "allOf"):
        if keyword in schema:
            # Where one of them is anything, two of them may fit.
            name = "anyOf" if keyword == "oneOf" else keyword
            found.setdefault(name, []).extend(open_api(inner) for inner in schema[keyword])
    if "properties" in schema:
        found["properties"] = {key: open_api(inner) for key, inner in schema["properties"].items()}
    return nullable(found) if schema.get("nullable") else found
