"""No operation and no action can be forgotten: what has no case, or no reason, fails here."""

from __future__ import annotations

from typing import Any

from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.routers import Router
from examples.board.api import router
from tests.parity.cases import cases_of
from tests.parity.edges import CASES as EDGES
from tests.parity.edges import edges
from tests.parity.native_only import ACTIONS


def actions_of(served: Router) -> set[tuple[str, str]]:
    """Every native action of every registered consumer; a view's are those that it maps."""
    return {
        (prefix, name)
        for prefix, registration in served.registry.items()
        for name in getattr(
            registration.consumer, "actions", registration.consumer.available_actions
        )
    }


def missing(served: Router, edge_cases: Any = None) -> list[str]:
    """What of a router the suite does not drive, in words."""
    known = {(o.stream, o.action): o for o in served.operations}
    words = []
    for place in sorted(actions_of(served) | known.keys()):
        name = ".".join(place)
        cased = place in edge_cases if edge_cases else place in known and cases_of(known[place])
        if place in known and not cased:
            words.append(f"{name} ({known[place].name}) has no case: add one to cases.py")
        if place in known and place in ACTIONS:
            words.append(f"{name} is in native_only.py and in the schema")
        if place not in known and place not in ACTIONS:
            words.append(f"{name} is not in the schema, and native_only.py does not say why")
    return words


def test_every_operation_and_every_action_of_the_demo_has_its_case() -> None:
    assert missing(router) == []


def test_every_operation_of_the_edges_has_its_case() -> None:
    assert missing(edges, EDGES) == []


def test_what_is_native_alone_exists() -> None:
    assert ACTIONS.keys() - actions_of(router) == set()


class ForgottenConsumer(AsyncAPIConsumer):
    @action()
    async def shuffle(self, **kwargs: Any) -> None: ...

    @action(graphql=False)
    async def cut(self, **kwargs: Any) -> None: ...


def test_a_forgotten_action_is_named() -> None:
    """The suite itself: an action that nobody has thought of does not pass."""
    forgetful = Router()
    forgetful.register("decks", ForgottenConsumer, singular="deck")
    assert missing(forgetful) == [
        "decks.cut is not in the schema, and native_only.py does not say why",
        "decks.shuffle (deckShuffle) has no case: add one to cases.py",
    ]
