"""What two changes of a row amount to, and whom one change concerns."""

from __future__ import annotations

import pytest

from dcrf_graph.changes.change import Action, Change, net
from tests.testapp.models import Note

CREATE, UPDATE, DELETE = Action.CREATE, Action.UPDATE, Action.DELETE


@pytest.mark.parametrize(
    ("first", "last", "both"),
    [
        (CREATE, CREATE, CREATE),
        (CREATE, UPDATE, CREATE),
        (CREATE, DELETE, None),
        (UPDATE, CREATE, UPDATE),
        (UPDATE, UPDATE, UPDATE),
        (UPDATE, DELETE, DELETE),
        (DELETE, CREATE, UPDATE),
        (DELETE, UPDATE, UPDATE),
        (DELETE, DELETE, DELETE),
    ],
)
def test_two_changes_amount_to_one(first: Action, last: Action, both: Action | None) -> None:
    assert net(first, last) is both


def change(before: set[str], after: set[str]) -> Change:
    return Change(Note, 1, UPDATE, frozenset(before), frozenset(after), "default")


def test_the_groups_that_a_row_left_hear_a_delete_first_and_those_it_joined_a_create_last() -> None:
    assert list(change({"left", "stays"}, {"stays", "joined"}).by_group()) == [
        (DELETE, frozenset({"left"})),
        (UPDATE, frozenset({"stays"})),
        (CREATE, frozenset({"joined"})),
    ]


def test_a_row_that_is_in_no_group_concerns_nobody() -> None:
    assert list(change(set(), set()).by_group()) == []
