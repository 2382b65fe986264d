"""What is counted is each event, heard once by each client."""

from __future__ import annotations

import pytest

from benchmarks.contenders import Contender
from benchmarks.instructions import run
from benchmarks.scenarios.fanout import WIRES

pytestmark = pytest.mark.long


@pytest.mark.parametrize("contender", WIRES, ids=lambda each: each.name)
def test_every_client_in_the_process_hears_each_event_once(contender: Contender) -> None:
    done = run(contender, subscribers=2, events=2)
    assert done.returncode == 0, done.stderr
