"""Native and GraphQL clients on one router: each sees what the other does."""

from __future__ import annotations

from typing import Any

import pytest
from channels.db import database_sync_to_async

from dcrf_graph.changes.hub import hub
from dcrf_graph.observer import model_observer
from dcrf_graph.routers import Router
from tests.testapp.models import Note
from tests.transports.desk import NoteConsumer, NoteSerializer, desk_router
from tests.transports.sockets import GraphQLClient, graphql, native, quiet

pytestmark = [
    pytest.mark.usefixtures("desk", "nothing_left"),
    pytest.mark.django_db(transaction=True),
]

ACTIVITY = "subscription { noteActivity { action id data { text } } }"
CHANGED = "subscription ($id: ID!) { noteChanged(id: $id) { action id data { text } } }"
CREATE = "mutation ($text: String!) { noteCreate(data: {text: $text}) { id } }"
PATCH = "mutation ($id: ID!, $text: String!) { notePatch(id: $id, data: {text: $text}) { text } }"
DELETE = "mutation ($id: ID!) { noteDelete(id: $id) }"
make_note = database_sync_to_async(Note.objects.create)


async def subscribe(client: GraphQLClient, id: str, query: str, /, **variables: Any) -> None:
    """Subscribe on the notes; done when this returns, as calls of a consumer keep their order."""
    await client.start(id, query, **variables)
    await client.data("{ notes { id } }")


async def test_a_graphql_mutation_is_seen_by_native_and_graphql_subscribers() -> None:
    router = desk_router()
    async with native(router) as plain, graphql(router) as watcher, graphql(router) as writer:
        await plain.call("notes", "subscribe_note_activity", "watch")
        await subscribe(watcher, "watch", ACTIVITY)
        id = (await writer.data(CREATE, text="new"))["noteCreate"]["id"]
        frame = await plain.payload("notes")
        assert (frame["action"], frame["request_id"]) == ("create", "watch")
        assert frame["data"] == {"id": int(id), "text": "new"}
        event = (await watcher.next("watch"))["data"]["noteActivity"]
        assert event == {"action": "CREATE", "id": id, "data": {"text": "new"}}


async def test_a_native_change_is_seen_by_native_and_graphql_subscribers() -> None:
    router = desk_router()
    note = await make_note(text="old")
    async with native(router) as writer, native(router) as plain, graphql(router) as watcher:
        await plain.call("notes", "subscribe_instance", "watch", pk=note.pk)
        await subscribe(watcher, "watch", CHANGED, id=note.pk)
        await writer.call("notes", "patch", pk=note.pk, data={"text": "new"})
        frame = await plain.payload("notes")
        assert (frame["action"], frame["data"]["text"]) == ("update", "new")
        event = (await watcher.next("watch"))["data"]["noteChanged"]
        assert event == {"action": "UPDATE", "id": str(note.pk), "data": {"text": "new"}}


async def test_a_delete_is_seen_by_both() -> None:
    router = desk_router()
    note = await make_note(text="old")
    async with graphql(router) as writer, native(router) as plain, graphql(router) as watcher:
        await plain.call("notes", "subscribe_instance", "watch", pk=note.pk)
        await subscribe(watcher, "watch", CHANGED, id=note.pk)
        assert await writer.data(DELETE, id=note.pk) == {"noteDelete": str(note.pk)}
        frame = await plain.payload("notes")
        assert (frame["action"], frame["data"]) == ("delete", {"pk": note.pk})
        event = (await watcher.next("watch"))["data"]["noteChanged"]
        assert event == {"action": "DELETE", "id": str(note.pk), "data": None}


async def test_a_change_by_neither_is_seen_by_both() -> None:
    router = desk_router()
    async with native(router) as plain, graphql(router) as watcher:
        await plain.call("notes", "subscribe_note_activity")
        await subscribe(watcher, "watch", ACTIVITY)
        await make_note(text="from a shell")
        assert (await plain.payload("notes"))["data"]["text"] == "from a shell"
        event = (await watcher.next("watch"))["data"]["noteActivity"]
        assert event["data"] == {"text": "from a shell"}


async def test_unsubscribing_silences_one_client_and_nobody_else() -> None:
    router = desk_router()
    note = await make_note(text="old")
    async with native(router) as plain, graphql(router) as watcher:
        await plain.call("notes", "subscribe_instance", "watch", pk=note.pk)
        await subscribe(watcher, "watch", CHANGED, id=note.pk)
        await plain.call("notes", "unsubscribe_instance", "watch", pk=note.pk)
        await watcher.data("{ notes { id } }")
        assert hub.count() == 1
        await plain.call("notes", "patch", pk=note.pk, data={"text": "new"})
        assert (await watcher.next("watch"))["data"]["noteChanged"]["data"] == {"text": "new"}
        await plain.call("notes", "list")
        assert plain.unread() == 0


async def test_of_two_native_requests_for_one_row_the_first_to_end_silences_nobody() -> None:
    router = desk_router()
    note = await make_note(text="old")
    async with native(router) as plain:
        await plain.call("notes", "subscribe_instance", "first", pk=note.pk)
        await plain.call("notes", "subscribe_instance", "second", pk=note.pk)
        await plain.call("notes", "unsubscribe_instance", "first", pk=note.pk)
        await plain.call("notes", "patch", pk=note.pk, data={"text": "new"})
        assert (await plain.payload("notes"))["request_id"] == "second"
        await quiet()
        assert plain.unread() == 0


class TalkativeConsumer(NoteConsumer):
    """Its handler sends what it likes, without a request_id, as handlers in the wild do."""

    @model_observer(Note, serializer_class=NoteSerializer)
    async def note_activity(self, message: Any, action: Any = None, **kwargs: Any) -> None:
        await self.send_json({"body": {"id": message["id"], "text": "something happened"}})


async def test_frames_without_a_request_id_are_events_of_every_subscriber() -> None:
    router = Router()
    router.register("notes", TalkativeConsumer)
    async with native(router) as plain, graphql(router) as watcher:
        await plain.call("notes", "subscribe_note_activity")
        await watcher.start("a", ACTIVITY)
        await subscribe(watcher, "b", ACTIVITY)
        note = await make_note(text="new")
        text = {"id": note.pk, "text": "something happened"}
        assert await plain.payload("notes") == {"body": text}
        events = {frame["id"]: frame["payload"] for frame in await watcher.frames(2)}
        data = {"text": "something happened"}
        event = {"noteActivity": {"action": "CREATE", "id": str(note.pk), "data": data}}
        assert events == {"a": {"data": event}, "b": {"data": event}}
