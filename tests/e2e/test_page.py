"""The demo's page in Chromium: what a person sees on one side after doing it on the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.demo import Demo

pytestmark = [pytest.mark.e2e, pytest.mark.long]

Visit = Callable[[str], Any]
"""Plays a scenario of the page; the console, the network and the sockets must be without a word."""


@pytest.fixture
def visit(demo: Demo, chromium: str, artefacts: Path) -> Visit:
    def play(scenario: str) -> Any:
        seen = demo.play("page.mjs", scenario, CHROMIUM=chromium, ARTEFACTS=str(artefacts))
        assert seen.pop("troubles") == []
        return seen

    return play


def test_a_card_moved_on_one_side_is_there_on_the_other(visit: Visit, artefacts: Path) -> None:
    seen = visit("moves")
    for moment in ("before", "left", "right", "button"):
        assert seen[moment]["native"] == seen[moment]["graphql"]
    title, before = seen["title"], seen["before"]["native"]
    without = before["Ideas"][:-1]
    # Dragged on the left, dragged on the right, and with a button on the left.
    assert seen["left"]["graphql"] == before | {
        "Ideas": without,
        "Doing": [title, *before["Doing"]],
    }
    assert seen["right"]["native"] == before | {"Ideas": without, "Next": [title, *before["Next"]]}
    assert seen["button"]["graphql"] == before | {"Ideas": [title, *without]}
    assert (artefacts / "moved-on-the-left.png").stat().st_size > 10_000


def test_a_card_added_edited_and_deleted_on_one_side_is_so_on_the_other(visit: Visit) -> None:
    seen = visit("lives")
    for side in ("native", "graphql"):
        assert seen[side]["added"] == f"Sew cushions ({side})"
        assert f"Sew curtains ({side})" in seen[side]["edited"]
        assert "blocked" in seen[side]["edited"].lower()
        assert seen[side]["left"] == 0


def test_a_message_said_on_one_side_is_heard_on_the_other(visit: Visit) -> None:
    seen = visit("chat")
    assert seen["graphql"].startswith("Grace Said through native")
    assert seen["native"].startswith("Grace Said through graphql")


def test_who_signs_in_sees_the_private_board_and_loses_it_at_signing_out(visit: Visit) -> None:
    seen = visit("signingIn")
    public, private = "Riverside Library: reopening", "Ada's own list (private)"
    assert seen["visitor"] == {"who": "Visitor", "boards": [public]}
    assert seen["ada"] == {"who": "Ada", "boards": [public, private]}
    assert seen["private"]["native"] == seen["private"]["graphql"]
    assert seen["private"]["native"]["Someday"] == ["Write down how Grandmother baked rye bread"]
    assert seen["after"] == {"boards": [public], "native": ["Ideas", "Next", "Doing", "Done"]}


def test_each_side_shows_its_frames_and_the_history(visit: Visit) -> None:
    seen = visit("frames")
    native, graphql = seen["native"], seen["graphql"]
    assert (native["stream"], native["payload"]["action"]) == ("cards", "move")
    assert native["payload"]["data"]["id"] == int(seen["id"])
    assert graphql["type"] == "next"
    assert graphql["payload"]["data"]["cardActivity"]["action"] == "UPDATE"
    moved = native["payload"]["data"]["title"]
    assert seen["history"].startswith(f"a visitor moved {moved}")


def test_a_phone_shows_both_sides_without_scrolling_sideways(visit: Visit, artefacts: Path) -> None:
    seen = visit("phone")
    assert seen["overflow"] <= 0
    assert seen["native"] == seen["graphql"]
    assert (artefacts / "phone-moved.png").stat().st_size > 10_000
