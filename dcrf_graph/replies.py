"""
What the native frames of a captured call say: a reply, or an event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dcrf_graph.changes.change import GAP
from dcrf_graph.observer.delivery import Delivery


@dataclass(frozen=True)
class Reply:
    """The final reply of a call, as a native client would have read it.

    ``cursors`` are those of its rows, after and before each, in a page by cursor.
    """

    data: Any
    status: int
    errors: list[Any]
    action: str | None
    frame: dict[str, Any]
    cursors: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True)
class Event:
    """One frame of a subscription.

    ``action`` and ``pk`` are the change's, ``data`` is what the handler sent.
    ``errors`` is not empty for an event that could not be delivered, and for one
    that says that others are missing: then ``gap`` says what is known of them.
    ``delivery`` is where it comes from; None for what an action sends itself.
    """

    action: str | None
    pk: Any
    data: Any
    frame: dict[str, Any]
    errors: tuple[Any, ...] = ()
    status: int = 200
    gap: dict[str, Any] | None = None
    delivery: Delivery | None = None


def reply_of(frame: dict[str, Any]) -> Reply:
    """Read a frame as a reply; one without a status is a success."""
    return Reply(
        data=data_of(frame),
        status=status_of(frame),
        errors=errors_of(frame),
        action=frame.get("action"),
        frame=frame,
    )


def event_of(frame: dict[str, Any], delivery: Delivery | None) -> Event:
    """Read a frame as an event of the delivery that it was sent in."""
    status, action = status_of(frame), frame.get("action")
    failed = status >= 400
    return Event(
        action=action if delivery is None else delivery.event.action or action,
        pk=None if delivery is None else delivery.event.pk,
        data=None if failed else data_of(frame),
        frame=frame,
        errors=tuple(errors_of(frame)) if failed else (),
        status=status,
        gap=data_of(frame) if failed and action == GAP else None,
        delivery=delivery,
    )


def status_of(frame: dict[str, Any]) -> int:
    """The status that a frame says; 200 where it says none."""
    status = frame.get("response_status")
    return status if isinstance(status, int) else 200


def errors_of(frame: dict[str, Any]) -> list[Any]:
    """The errors that a frame says."""
    errors = frame.get("errors")
    return errors if isinstance(errors, list) else []


def data_of(frame: dict[str, Any]) -> Any:
    """What a frame says: its ``data``, else its ``body``, else all of it."""
    for key in ("data", "body"):
        if key in frame:
            return frame[key]
    return {key: value for key, value in frame.items() if key != "request_id"}
