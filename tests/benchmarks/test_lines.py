"""Each instruction of a delivery is one of a line, where frames are laid out as is known."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from benchmarks.lines import DELIVERIES, count, run_to_signal, start

pytestmark = pytest.mark.long

KNOWN = sys.version_info[:2] == (3, 11) and platform.machine() == "x86_64"


@pytest.mark.skipif(not KNOWN, reason="the layout of frames is known of CPython 3.11 on x86-64")
def test_the_lines_of_a_delivery_are_those_of_the_path_that_an_event_takes(tmp_path: Path) -> None:
    path = tmp_path / "lines.json"
    process = start("dcrf_graph, native", path, tmp_path / "world.sqlite3")
    run_to_signal(process)
    found = count(process, path)
    functions = {at[1] for at in found if at}
    assert {"Subscription.step", "Deliverer._walk", "Sending.send_json"} <= functions
    assert found[None] < found.total() / 100
    assert 10_000 < found.total() / DELIVERIES < 60_000
