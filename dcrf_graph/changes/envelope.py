"""
What crosses the channel layer: the events of some commits for one receiver, in one message.

The events are encoded before the layer, so whatever a message may hold survives
every layer alike; they are packed where the layer takes bytes, because Redis
sends each of them several times. ``version`` lets processes of two releases share
a layer; ``by``, ``number`` and ``after`` let a receiver drop what its process has sent itself
and notice what it missed. An envelope without events is a mark.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dcrf_graph.changes.change import Event
from dcrf_graph.changes.layers import MESSAGE_TYPE

VERSION = 2
MAX_BODY = 64 * 1024 * 1024
"""Bytes that a packed body may unpack to: what is longer is no envelope."""


@dataclass(frozen=True)
class Envelope:
    """The events of some commits, who published them, and which of its messages it is.

    ``after`` is the number of the message before it to the same receiver, 0 for the first one.
    ``events`` is None where they could not be read: they are lost.
    """

    publisher: str
    number: int
    after: int
    events: tuple[Event, ...] | None


def body_of(events: Sequence[Event], *, packed: bool) -> str | bytes:
    """The events as text, or as bytes where the layer takes them.

    A line that describes the events, and then their messages one after the other: a message is
    JSON already, and is not escaped and read again.

    Raises:
        TypeError, ValueError: for an event that JSON cannot say.
    """
    described = [
        [e.observer, e.group, e.action, key_of(e.pk), e.using, e.model, len(e.message)]
        for e in events
    ]
    text = json.dumps([VERSION, described], separators=(",", ":"))
    text = "\n".join((text, "".join(event.message for event in events)))
    return zlib.compress(text.encode(), 1) if packed else text


def key_of(pk: Any) -> Any:
    """A key as JSON: what is no number and no text becomes text, of which Django makes it again."""
    if isinstance(pk, tuple | list):
        return [key_of(part) for part in pk]
    return pk if pk is None or isinstance(pk, int | str) else str(pk)


def message_of(publisher: str, number: int, after: int, body: str | bytes) -> dict[str, Any]:
    """An envelope as a message of the layer."""
    return {"type": MESSAGE_TYPE, "by": publisher, "number": [number, after], "body": body}


def read(message: Mapping[str, Any]) -> Envelope:
    """
    Read a message of the layer.

    Raises:
        ValueError: if it is no envelope. One whose events cannot be read, e.g. of
            another release, is an envelope without them.
    """
    match message:
        case {"by": str(publisher), "number": [int(number), int(after)]}:
            try:
                return Envelope(publisher, number, after, tuple(events_of(message.get("body"))))
            except ValueError:
                return Envelope(publisher, number, after, None)
    raise ValueError("not an envelope: nobody published it, or it has no number")


def events_of(body: Any) -> list[Event]:
    """The events of a body.

    Raises:
        ValueError: if it is none, or of a version that this release does not know.
    """
    try:
        text = unpacked(body) if isinstance(body, bytes) else body
        line, _, messages = text.partition("\n")
        version, described = json.loads(line)
        if version != VERSION:
            raise ValueError(f"expected version {VERSION}, got {version!r}")
        events, start = [], 0
        for observer, group, action, pk, using, model, length in described:
            end = start + length
            events.append(Event(observer, group, messages[start:end], action, pk, using, model))
            start = end
    except (AttributeError, TypeError, RecursionError, zlib.error) as error:
        raise ValueError(f"not a body: {error!r}") from error
    names = [name for e in events for name in (e.observer, e.group, e.using)]
    if start != len(messages) or not all(isinstance(name, str) for name in names):
        raise ValueError("not a body: it is too short, or a name in it is none")
    return events


def unpacked(body: bytes) -> str:
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(body, MAX_BODY)
    if not unpacking.eof:
        raise ValueError("not a body: it is cut short, or too long")
    return text.decode()
