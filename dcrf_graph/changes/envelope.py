"""
What crosses the channel layer: the events of one commit for one group, as one text.

The text is encoded before the layer, so whatever a message may hold survives
every layer alike. ``version`` lets processes of two releases share a layer;
``publisher`` and ``sequence`` (counted per group) let a reader drop what it sent
itself and notice what it missed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dcrf_graph.changes.change import Event

VERSION = 1


@dataclass(frozen=True)
class Envelope:
    """The events of one commit for one group, and who published them."""

    publisher: str
    sequence: int
    group: str
    events: tuple[Event, ...]


def encode(publisher: str, sequence: int, group: str, events: Sequence[Event]) -> str:
    """One envelope as JSON text."""
    return json.dumps(
        {
            "version": VERSION,
            "publisher": publisher,
            "sequence": sequence,
            "group": group,
            "events": [
                [
                    event.observer,
                    event.action,
                    key_of(event.pk),
                    event.using,
                    event.model,
                    event.message,
                ]
                for event in events
            ],
        },
        separators=(",", ":"),
    )


def key_of(pk: Any) -> Any:
    """A key as JSON: what is no number and no text becomes text, of which Django makes it again."""
    if isinstance(pk, tuple | list):
        return [key_of(part) for part in pk]
    return pk if pk is None or isinstance(pk, int | str) else str(pk)


def decode(text: str) -> Envelope:
    """Read an envelope.

    Raises:
        ValueError: if it is none, or of a version that this release does not know.
    """
    try:
        content = json.loads(text)
        if content["version"] != VERSION:
            raise ValueError(f"expected version {VERSION}, got {content['version']!r}")
        publisher, sequence, group = content["publisher"], content["sequence"], content["group"]
        events = tuple(
            Event(observer, group, message, action, pk, using, model)
            for observer, action, pk, using, model, message in content["events"]
        )
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"not an envelope: {error!r}") from error
    texts = [publisher, group, *(text for e in events for text in (e.observer, e.message, e.using))]
    if not all(isinstance(text, str) for text in texts) or not isinstance(sequence, int):
        raise ValueError("not an envelope: a value of it has the wrong type")
    return Envelope(publisher, sequence, group, events)
