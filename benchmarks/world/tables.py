"""Makes the tables, and fills them with what the clients expect; Django is set up."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.management import call_command

from benchmarks.world import rows
from benchmarks.world.models import Card

USERS = 100


def create(cards: int) -> None:
    """A hundred users, and so many cards."""
    call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
    User.objects.bulk_create(User(**rows.owner(id)) for id in range(1, USERS + 1))
    Card.objects.bulk_create(
        Card(**rows.card(id, 0), owner_id=(id - 1) % USERS + 1) for id in range(1, cards + 1)
    )
