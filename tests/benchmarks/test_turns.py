"""All contenders measure under the same conditions, and a peer that fails harms nobody."""

from __future__ import annotations

import pytest

from benchmarks.contenders import Contender
from benchmarks.figures import lower_quartile
from benchmarks.turns import Measured, Pieces, alternate

ONE, TWO = Contender("one", "none"), Contender("two", "none")
PEER = Contender("peer", "none", peer="elsewhere")


async def played(contender: Contender, log: list[str]) -> Pieces:
    for piece in range(3):
        log.append(f"{contender.name} {piece}")
        yield None
    yield {"cost": 1.0}


async def failing() -> Pieces:
    yield None
    raise OSError("it does not serve")


async def test_pieces_alternate_forwards_and_backwards() -> None:
    log: list[str] = []
    turns = {each: played(each, log) for each in (ONE, TWO)}
    found = await alternate(turns, Measured([ONE, TWO]))
    assert log == ["one 0", "two 0", "two 1", "one 1", "one 2", "two 2"]
    assert list(found) == [ONE, TWO]


async def test_a_peer_that_fails_in_its_turn_is_left_out_with_the_reason() -> None:
    measured = Measured([ONE, PEER])
    found = await alternate({ONE: played(ONE, []), PEER: failing()}, measured)
    assert found == {ONE: {"cost": 1.0}}
    assert measured.failures == {"peer": "it does not serve"}


async def test_whoever_is_no_peer_has_to_succeed() -> None:
    with pytest.raises(OSError, match="does not serve"):
        await alternate({ONE: failing()}, Measured([ONE]))


@pytest.mark.parametrize(("values", "expected"), [([7.0], 7.0), ([9.0, 1.0, 5.0, 2.0, 3.0], 2.0)])
def test_what_disturbs_the_dearer_three_quarters_changes_no_cost(
    values: list[float], expected: float
) -> None:
    assert lower_quartile(values) == expected
