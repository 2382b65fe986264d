"""`manage.py seed` fills an empty database, and leaves alone what people have made of it."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command

from examples.board.models import Board, Card, Column, Comment, Label, Message
from examples.board.seed import PASSWORDS, seed

pytestmark = pytest.mark.django_db


def counts() -> list[int]:
    kinds = (User, Board, Column, Card, Label, Comment, Message)
    return [kind._default_manager.count() for kind in kinds]


def test_seeding_twice_is_seeding_once() -> None:
    seed()
    before = counts()
    seed()
    assert counts() == before


def test_seeding_again_leaves_a_moved_card_where_it_is() -> None:
    library, _ = seed()
    Card.objects.filter(board=library).first().delete()  # type: ignore[union-attr]
    left = counts()
    seed()
    assert counts() == left


def test_there_is_a_public_board_and_a_private_one_of_ada() -> None:
    public, private = seed()
    assert public.public
    assert public.cards.count() == 12
    assert not private.public
    assert [user.username for user in private.members.all()] == ["ada"]


def test_the_command_says_how_to_log_in() -> None:
    said = StringIO()
    call_command("seed", stdout=said)
    for name, password in PASSWORDS.items():
        assert f"user {name}, password {password}" in said.getvalue()
        assert authenticate(username=name, password=password) is not None


def test_a_password_that_was_changed_stays() -> None:
    seed()
    ada = User.objects.get(username="ada")
    ada.set_password("difference")
    ada.save()
    seed()
    assert authenticate(username="ada", password="difference") is not None


def test_the_positions_are_dense_from_the_start() -> None:
    seed()
    for column in Column.objects.all():
        positions = [card.position for card in column.cards.all()]
        assert positions == list(range(len(positions)))
