"""The harness measures what it says, and believes no server."""

from __future__ import annotations

import sys

import pytest

from benchmarks.contenders import Contender
from benchmarks.crowd import Crowd, WrongDelivery
from benchmarks.effort import LEAST
from benchmarks.report import markdown
from benchmarks.scenarios import fanout
from benchmarks.servers import serving
from benchmarks.wires import Bare

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def in_this_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of `make bench` is not made for tests."""
    monkeypatch.setenv("BENCH_PYTHON", sys.executable)


async def test_fan_out_is_measured_beside_its_limit() -> None:
    """Three subscribers of the limit and of each protocol see every event."""
    outcome = await fanout.run(LEAST, peers=False)
    assert list(outcome.measured.rows) == [each.name for each in fanout.WIRES]
    report = markdown([outcome], "a test")
    assert all(line.what in report for line in outcome.lines)


@pytest.mark.parametrize("lie", ["stale", "twice"])
async def test_a_server_that_sends_something_else_is_found_out(lie: str) -> None:
    liar = Contender("a liar", "tests.benchmarks.liar")
    async with serving(liar) as server:
        crowd = Crowd(Bare(f"/{lie}"), server)
        await crowd.grow(2)
        await server.call("lie")
        with pytest.raises(WrongDelivery):
            await crowd.events(2, budget=5)
        await crowd.close()
