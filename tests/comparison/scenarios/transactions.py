"""What transactions do to observers."""

from __future__ import annotations

from django.db import transaction

from tests.comparison.models import Card
from tests.comparison.scenario import reply, scenario
from tests.comparison.scenarios.instances import Cards, follower
from tests.comparison.scenarios.mixins import three_cards
from tests.comparison.scenarios.model_observers import CardEvents, listening
from tests.comparison.stage import Stage


@scenario("several saves of one row in one transaction are one event")
async def one_event(stage: Stage) -> None:
    def work() -> None:
        with transaction.atomic():
            card = Card.objects.get(pk=1)
            for title in ("a", "b", "c"):
                card.title = title
                card.save()

    await three_cards()
    client = await listening(stage, CardEvents)
    await stage.run(work)
    await client.until(action="update")


@scenario("a transaction that rolls back is silent")
async def rolled_back(stage: Stage) -> None:
    def work() -> None:
        try:
            with transaction.atomic():
                Card.objects.create(title="never")
                raise LookupError
        except LookupError:
            Card.objects.create(title="after")

    client = await listening(stage, CardEvents)
    await stage.run(work)
    await client.until(action="create")


@scenario("nothing is sent before the commit")
async def not_before_commit(stage: Stage) -> None:
    client = await listening(stage, CardEvents)

    def work() -> None:
        with transaction.atomic():
            Card.objects.create(title="one")
            stage.note(len(client.frames))

    await stage.run(work)
    await client.until(action="create")


@scenario("two rows of one transaction are two events in their order")
async def two_rows(stage: Stage) -> None:
    def work() -> None:
        with transaction.atomic():
            Card.objects.create(title="one")
            Card.objects.create(title="two")

    client = await listening(stage, CardEvents)
    await stage.run(work)
    await client.until(data={"id": 2, "title": "two", "position": 0})


@scenario("a deletion in a transaction is sent once it commits")
async def deletion(stage: Stage) -> None:
    def work() -> None:
        with transaction.atomic():
            Card.objects.get(pk=1).delete()

    await three_cards()
    client = await follower(stage, Cards, 1)
    await stage.run(work)
    await client.until(action="delete")


@scenario("a follower hears the committed values of several saves once")
async def followed_once(stage: Stage) -> None:
    def work() -> None:
        with transaction.atomic():
            card = Card.objects.get(pk=1)
            for title in ("a", "b"):
                card.title = title
                card.save()

    await three_cards()
    client = await follower(stage, Cards, 1)
    await stage.run(work)
    await client.until(action="update")


@scenario("a created and then changed row is one create of its last values")
async def created_and_changed(stage: Stage) -> None:
    def work() -> None:
        with transaction.atomic():
            card = Card.objects.create(title="draft")
            card.title = "final"
            card.save()

    client = await listening(stage, CardEvents)
    await stage.run(work)
    await client.until(request_id=1)


@scenario(
    "a savepoint that rolls back sends nothing of its values",
    differs="D19",
    ours=[
        reply("listen", status=201),
        reply("update", {"id": 1, "title": "outer", "position": 0}),
        reply("create", {"id": 4, "title": "fence", "position": 0}),
    ],
)
async def inner_savepoint(stage: Stage) -> None:
    def work() -> None:
        with transaction.atomic():
            card = Card.objects.get(pk=1)
            card.title = "outer"
            card.save()
            try:
                with transaction.atomic():
                    card.title = "inner"
                    card.save()
                    raise LookupError
            except LookupError:
                pass
        Card.objects.create(title="fence")

    await three_cards()
    client = await listening(stage, CardEvents)
    await stage.run(work)
    await client.until(action="create")


@scenario("a row created and deleted in one transaction is no event")
async def created_and_deleted(stage: Stage) -> None:
    def work() -> None:
        with transaction.atomic():
            Card.objects.create(title="short").delete()
        Card.objects.create(title="fence")

    client = await listening(stage, CardEvents)
    await stage.run(work)
    await client.until(action="create")
