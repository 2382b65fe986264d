"""chanx: a typed message, broadcast to a group that everybody joins."""

from __future__ import annotations

from typing import Any, Literal

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import channel, event_handler
from chanx.messages.base import BaseMessage
from pydantic import BaseModel

from benchmarks.world import changes, rows


class Card(BaseModel):
    id: int
    title: str
    text: str
    board: int
    position: int
    done: bool
    due: str


class CardUpdated(BaseMessage):
    action: Literal["update"] = "update"
    payload: Card


@channel(name="cards")
class CardConsumer(AsyncJsonWebsocketConsumer):
    groups = ["cards"]
    send_authentication_message = False

    @event_handler
    async def updated(self, event: CardUpdated) -> CardUpdated:
        return event


async def event(position: int) -> None:
    await changes.event(position)
    message = CardUpdated(payload=Card(**rows.card(1, position)))
    await CardConsumer.broadcast_event(message, groups=["cards"])


application: Any = CardConsumer.as_asgi()
commands = {"event": event}
