"""
The rows that every drive begins with, and what it leaves behind.

Keys are given, so that a row has the same one in every drive; the clock stands still while a drive
runs (`conftest`). It knows the models of the demo and neither protocol.
"""

from __future__ import annotations

import datetime
from typing import Any, TypeAlias

from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User
from django.core.management.color import no_style
from django.db import connection, models, transaction

from examples.board import rules
from examples.board.models import Activity, Board, Card, Column, Comment, Label, Message

NOON = datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.UTC)
FENCE = "fence"

Rows: TypeAlias = dict[str, list[dict[str, Any]]]

PEOPLE = {"author": 1, "member": 2, "stranger": 3}
"""Who is who: the author and the member are on both boards, the stranger on neither."""
VISITORS = ("anonymous", "stranger", "member", "author")

KEYS = {
    "users": {"author": 1, "stranger": 3},
    "boards": {"public": 1, "private": 2},
    "columns": {"public": 11, "private": 21},
    "labels": {"used": 1, "unused": 3},
    "cards": {"public": 101, "private": 201},
    "comments": {"public": 1001, "private": 2001},
}
"""By stream, the rows that cases are about: on the public board and on the private one."""


def visitor(name: str) -> User | AnonymousUser:
    """Who asks, as a server's middleware would have put them into the scope; no query is made."""
    if name == "anonymous":
        return AnonymousUser()
    return User(pk=PEOPLE[name], username=name)


def board(key: int, *, public: bool) -> list[models.Model]:
    """A board with two columns, three cards, two comments, a line of chat, and a history."""
    first, second = key * 10 + 1, key * 10 + 2
    rows: list[models.Model] = [
        Board(pk=key, name=f"Board {key}", public=public),
        Column(pk=first, board_id=key, title="To do", position=0),
        Column(pk=second, board_id=key, title="Done", position=1),
    ]
    for number, (column, position) in enumerate([(first, 0), (first, 1), (second, 0)], start=1):
        rows.append(
            Card(
                pk=key * 100 + number,
                board_id=key,
                column_id=column,
                position=position,
                title=f"Card {number} of {key}",
                description="Paint" if number == 2 else "",
                status=[Card.Status.AT_RISK, Card.Status.ON_TRACK, Card.Status.BLOCKED][number - 1],
                estimate=None if number == 3 else f"{number}.5",
                due=None if number == 1 else datetime.date(2026, 8, number),
                assignee_id=None if number == 3 else number,
                comment_count=2 if number == 1 else 0,
            )
        )
    for number, author in enumerate(("author", "member"), start=1):
        comment = key * 1000 + number
        rows.append(
            Comment(
                pk=comment,
                card_id=key * 100 + 1,
                author_id=PEOPLE[author],
                text="Hm.",
                created=NOON,
            )
        )
    rows.append(Message(pk=key, board_id=key, author_id=1, text="Good morning!"))
    rows += [
        Activity(pk=key * 10 + n, board_id=key, actor_id=n or None, verb=verb, subject="A card")
        for n, verb in enumerate([Activity.Verb.MOVED, Activity.Verb.ADDED, Activity.Verb.EDITED])
    ]
    return rows


def seeds() -> list[models.Model]:
    """Every row, parents first."""
    rows: list[models.Model] = [User(pk=pk, username=name) for name, pk in PEOPLE.items()]
    for user in rows:
        assert isinstance(user, User)
        user.date_joined = NOON
    for pk, name in enumerate(["Urgent", "Paper", "Unused"], start=1):
        rows.append(Label(pk=pk, name=name, colour=Label.Colour.ROSE))
    rows += [*board(1, public=True), *board(2, public=False)]
    members, labels = Board.members.through, Card.labels.through
    for key in (1, 2):
        rows += [members(board_id=key, user_id=pk) for pk in (1, 2)]
        rows += [labels(card_id=key * 100 + 1, label_id=pk) for pk in (1, 2)]
    return rows


def tables() -> list[type[models.Model]]:
    """Every table of the demo, those of many-to-many relations too, and the users'."""
    return [User, *apps.get_app_config("board").get_models(include_auto_created=True)]


def empty() -> None:
    """Leave no row, and let the keys begin at 1 again."""
    names = [model._meta.db_table for model in tables()]
    flush = connection.ops.sql_flush(
        no_style(), names, reset_sequences=True, allow_cascade=connection.vendor == "postgresql"
    )
    connection.ops.execute_sql_flush(flush)


def restore() -> None:
    """Put the rows back as they were, the counters of the keys too."""
    empty()
    rows = seeds()
    with transaction.atomic():
        for model in dict.fromkeys(type(row) for row in rows):
            model._base_manager.bulk_create([row for row in rows if type(row) is model])
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), tables()):
                cursor.execute(statement)


def dump() -> Rows:
    """Everything that is in the tables."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values()) for model in tables()
    }


def fence(*, expelled: bool = False) -> None:
    """Let everybody who watches anything of the seeds hear of something called "fence".

    Whatever a watcher has not heard before that, it will never hear. The rows are put back first,
    so that each is heard of once, and only where it belongs.

    Args:
        expelled: the member is on no board any more.
    """
    restore()
    if expelled:
        Board.members.through._base_manager.filter(user_id=PEOPLE["member"]).delete()
    watched = {(name, key) for name, keys in KEYS.items() for key in keys.values()}
    for row in seeds():
        if (f"{row._meta.model_name}s", row.pk) not in watched:
            continue
        for field in ("name", "title", "text"):
            if isinstance(row, Board | Column | Card | Comment) and hasattr(row, field):
                setattr(row, field, FENCE)
                row.save()
    for key in KEYS["boards"].values():
        message = Message(pk=key, board_id=key, author_id=1, text=FENCE, created=NOON)
        rules.message_posted.send(sender=Message, instance=message)
