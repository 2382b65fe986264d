"""
Links as JSON Schema: the call itself, which GraphQL makes and a native client may.

Registers the schemas of link fields when it is imported.
"""

from __future__ import annotations

from typing import Any

from django.db import models

from dcrf_graph.contracts.json_schema import Place, column_schema, key_of, register_field
from dcrf_graph.contracts.keywords import Schema, any_of, array, closed, nullable, opened
from dcrf_graph.graphql.sources import step
from dcrf_graph.hypermedia import (
    HyperChannelsApiManyRelationField,
    HyperChannelsApiRelationField,
)


def link(field: HyperChannelsApiRelationField, place: Place) -> Schema:
    """The call that retrieves the related object, ready to be sent; read, its key does too."""
    model = place.source.related or field.linked_model()
    arguments = {name: linked(model, path, place) for name, path in field.kwarg_mappings.items()}
    payload = {"action": {"const": field.action_name}, **arguments}
    stream: Schema = (
        {"type": "string"} if field.stream_name is None else {"const": field.stream_name}
    )
    make = closed if place.reads else opened
    found = make({"stream": stream, "payload": make(payload, payload)}, ("stream", "payload"))
    if not place.reads:
        return found
    return any_of(
        [found, {"type": ["string", "number"]} if model is None else key_of(model, place)]
    )


def linked(model: type[models.Model] | None, path: str, place: Place) -> Schema:
    """What a link says of its object: the type of a column of its own; else anything."""
    column = None if model is None or "." in path else step(model, path).column
    if column is None:
        return {}
    found = column_schema(column, place)
    return nullable(found) if column.null else found


def link_list(field: HyperChannelsApiManyRelationField, place: Place) -> Schema:
    """Links; null for an object that no stream serves."""
    child: Any = field.child_relation
    found = link(child, place)
    return array(found if place.reads else nullable(found))


register_field(HyperChannelsApiRelationField, link)
register_field(HyperChannelsApiManyRelationField, link_list)
