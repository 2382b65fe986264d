"""Upstream's wheel and this library answer alike, but for the declared differences."""

from __future__ import annotations

import re

import pytest

from tests.comparison.recordings import ROOT, Recordings, record_both
from tests.comparison.scenario import Recording, Scenario
from tests.comparison.scenarios import SCENARIOS

pytestmark = [pytest.mark.comparison, pytest.mark.long]

DECLARED = re.findall(r"^\| ([DN]\d\d) \|", (ROOT / "docs" / "differences.md").read_text(), re.M)


@pytest.fixture(scope="session")
def recordings() -> Recordings:
    """What both libraries recorded; each process runs once for the whole session."""
    return record_both()


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
def test_a_scenario_is_answered_alike_unless_it_declares_a_difference(
    scenario: Scenario, recordings: Recordings
) -> None:
    compare(scenario, recordings.upstream[scenario.name], recordings.ours[scenario.name])


def compare(scenario: Scenario, upstream: Recording, ours: Recording) -> None:
    """Fail where two recordings differ without saying so, or say so without differing."""
    for library, recording in (("upstream", upstream), ("ours", ours)):
        assert isinstance(recording, list), f"{library} raised:\n{recording}"
    if scenario.differs is None:
        assert ours == upstream
    else:
        assert ours == scenario.ours
        assert ours != upstream, f"nothing differs: {scenario.differs} is cited in vain"


async def nothing(stage: object) -> None:
    """A play without a plot."""


@pytest.mark.parametrize(
    ("differs", "expected", "upstream", "ours"),
    [
        pytest.param(None, None, ["frame"], ["another"], id="undeclared difference"),
        pytest.param("D01", ["frame"], ["frame"], ["frame"], id="declared in vain"),
        pytest.param("D01", ["frame"], ["another"], ["a third"], id="not as declared"),
        pytest.param(None, None, {"error": "traceback"}, {"error": "traceback"}, id="raised"),
    ],
)
def test_a_comparison_fails(
    differs: str | None, expected: Recording | None, upstream: Recording, ours: Recording
) -> None:
    scenario = Scenario("a sentence", nothing, differs, expected, "plain")
    with pytest.raises(AssertionError):
        compare(scenario, upstream, ours)


def test_every_scenario_records_something(recordings: Recordings) -> None:
    """A scenario whose recording is empty would be alike whatever happens."""
    assert [name for name, recording in recordings.ours.items() if not recording] == []


def test_there_are_at_least_eighty_scenarios() -> None:
    assert len(SCENARIOS) >= 80


def test_every_cited_difference_is_in_the_table() -> None:
    cited = {scenario.differs for scenario in SCENARIOS.values() if scenario.differs}
    assert sorted(cited - set(DECLARED)) == []


def test_every_difference_of_the_table_is_shown_by_a_scenario() -> None:
    cited = {scenario.differs for scenario in SCENARIOS.values()}
    assert [declared for declared in DECLARED if declared not in cited] == []


def test_no_difference_is_declared_twice() -> None:
    assert len(DECLARED) == len(set(DECLARED))
