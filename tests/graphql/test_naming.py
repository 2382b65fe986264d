"""Names by one rule."""

from __future__ import annotations

import pytest
from django.test import override_settings

from dcrf_graph.graphql import naming


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("title", "title"),
        ("first_name", "firstName"),
        ("created__gte", "createdGte"),
        ("line_1", "line1"),
        ("_private_key", "_privateKey"),
        ("class_", "class_"),
        ("dueDate", "dueDate"),
        ("team-members", "teamMembers"),
        ("_", "_"),
    ],
)
def test_snake_case_is_camel_case_outside(inside: str, outside: str) -> None:
    assert naming.camel(inside) == outside


def test_a_setting_keeps_snake_case() -> None:
    with override_settings(DCRF_GRAPH={"GRAPHQL_CAMEL_CASE": False}):
        assert naming.camel("first_name") == "first_name"
        assert naming.joined("card", "move_up") == "card_move_up"
        assert naming.pascal("due_date") == "DueDate"


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ("subscribe_instance", "cardChanged"),
        ("subscribe_card_activity", "cardActivity"),
        ("subscribe_to_card_activity", "cardActivity"),
        ("subscribe_to_comments", "cardComments"),
        ("subscribe_cards", "cards"),
        ("subscribe_card", "card"),
        ("subscribe", "card"),
        ("watch_column", "cardWatchColumn"),
    ],
)
def test_a_subscription_does_not_repeat_its_noun(action: str, field: str) -> None:
    assert naming.subscription(action, "card", "cards") == field


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("todo", "TODO"),
        ("in-progress", "IN_PROGRESS"),
        ("inProgress", "IN_PROGRESS"),
        (1, "VALUE_1"),
        (-1, "VALUE_MINUS_1"),
        ("1st", "VALUE_1ST"),
        ("A1", "A1"),
        ("***", "ASTERISK_ASTERISK_ASTERISK"),
        ("", "VALUE"),
        ("A+", "A_PLUS"),
        ("A-", "A_MINUS"),
        ("<", "LESS_THAN_SIGN"),
        ("größer", "GROSSER"),
        ("да", "U0414_U0410"),
        ("__x", "X"),
        ("a.b c", "A_B_C"),
        (True, "TRUE"),
        ("été", "ETE"),
    ],
)
def test_a_raw_choice_gives_a_legal_name(raw: object, name: str) -> None:
    assert naming.constant(raw) == name
