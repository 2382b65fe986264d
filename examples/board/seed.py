"""
What is on the boards when nobody has been there yet.

Seeding again changes nothing: what exists is left as people have made it.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import transaction

from examples.board.models import Board, Card, Column, Comment, Label, Message

PASSWORDS = {"ada": "analytical", "grace": "nanosecond"}
"""The two users of the demo. Everybody may know: the demo listens on this machine only."""

LABELS = {"Building": "amber", "Events": "violet", "Catalogue": "blue", "People": "green"}
LABELS["Urgent"] = "rose"


class Task(NamedTuple):
    """One card; `due` in days from today."""

    title: str
    description: str = ""
    labels: tuple[str, ...] = ()
    assignee: str | None = None
    estimate: str | None = None
    due: int | None = None
    status: str = Card.Status.ON_TRACK
    comments: tuple[tuple[str, str], ...] = ()


LIBRARY = {
    "Ideas": [
        Task(
            "Reading hour for toddlers on Saturdays",
            "Twenty children at most. The café could open half an hour earlier.",
            labels=("Events",),
            comments=(("grace", "The nursery across the road would come every week."),),
        ),
        Task("Lend out board games", "Ask the games club what survives lending.", ("Catalogue",)),
        Task("Bike rack by the river entrance", labels=("Building",), estimate="0.5"),
    ],
    "Next": [
        Task(
            "Order shelves for the children's corner",
            "Low ones, with rounded edges. Three offers are in the shared folder.",
            labels=("Building", "Urgent"),
            assignee="grace",
            estimate="1.5",
            due=6,
            status=Card.Status.AT_RISK,
            comments=(
                ("ada", "The second offer delivers in nine days, the others in four weeks."),
                ("grace", "Then the second one. I call them tomorrow."),
            ),
        ),
        Task(
            "Invite local authors to opening week",
            labels=("Events", "People"),
            assignee="ada",
            estimate="2.0",
            due=16,
        ),
        Task("Print the new membership cards", labels=("People",), estimate="0.5", due=12),
    ],
    "Doing": [
        Task(
            "Move the catalogue to the new server",
            "Copy, compare the counts, then switch on a Monday, when we are closed.",
            labels=("Catalogue",),
            assignee="ada",
            estimate="4.0",
            due=3,
            comments=(("ada", "48,112 of 48,112 titles copied. Covers follow tonight."),),
        ),
        Task(
            "Paint the reading room",
            labels=("Building",),
            assignee="grace",
            estimate="3.0",
            due=2,
            status=Card.Status.BLOCKED,
            comments=(("grace", "The painters wait for the new radiator valves."),),
        ),
        Task("Train volunteers on self check-out", labels=("People",), estimate="1.0", due=9),
    ],
    "Done": [
        Task("Agree on the lending policy", labels=("People",), assignee="ada", estimate="1.0"),
        Task("Repair the lift", labels=("Building",), assignee="grace", estimate="2.5"),
        Task("Sign the lease of the café", labels=("Building",), assignee="ada", estimate="0.5"),
    ],
}
DIARY = {
    "Someday": [Task("Write down how Grandmother baked rye bread")],
    "This week": [
        Task("Renew the passport", assignee="ada", due=4, status=Card.Status.AT_RISK),
        Task("Draft the talk about lending in 2030", assignee="ada", estimate="2.0", due=11),
    ],
    "Done": [Task("Find somebody to tune the piano", assignee="ada")],
}


@transaction.atomic
def seed() -> list[Board]:
    """Make the users, the labels, a public board and a private one of ada's, where they lack."""
    users = {name: make_user(name, password) for name, password in PASSWORDS.items()}
    for name, colour in LABELS.items():
        Label.objects.get_or_create(name=name, defaults={"colour": colour})
    library, made = Board.objects.get_or_create(
        name="Riverside Library: reopening", defaults={"public": True}
    )
    if made:
        library.members.set(users.values())
        fill(library, LIBRARY, users)
        said = {"grace": "Good morning! The lift works again.", "ada": "Finally. Thank you, Grace."}
        for name, text in said.items():
            Message.objects.create(board=library, author=users[name], text=text)
    diary, made = Board.objects.get_or_create(name="Ada's own list", defaults={"public": False})
    if made:
        diary.members.set([users["ada"]])
        fill(diary, DIARY, users)
    return [library, diary]


def make_user(name: str, password: str) -> User:
    """The user of this name, with the password only if they are new."""
    user, made = User.objects.get_or_create(username=name)
    if made:
        user.set_password(password)
        user.save()
    return user


def fill(board: Board, columns: dict[str, list[Task]], users: dict[str, User]) -> None:
    """Put columns with their cards on an empty board."""
    for place, (title, tasks) in enumerate(columns.items()):
        column = Column.objects.create(board=board, title=title, position=place)
        for position, task in enumerate(tasks):
            card = Card.objects.create(
                board=board,
                column=column,
                position=position,
                title=task.title,
                description=task.description,
                status=task.status,
                estimate=None if task.estimate is None else Decimal(task.estimate),
                due=None if task.due is None else date.today() + timedelta(days=task.due),
                assignee=None if task.assignee is None else users[task.assignee],
                comment_count=len(task.comments),
            )
            card.labels.set(Label.objects.filter(name__in=task.labels))
            for author, text in task.comments:
                Comment.objects.create(card=card, author=users[author], text=text)
