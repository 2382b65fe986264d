"""A receiver notices every message that it has missed, once, and takes none twice."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dcrf_graph.changes.sequences import GRACE, MAX_PUBLISHERS, Sequences


def test_messages_that_follow_each_other_are_complete() -> None:
    """The numbers of one receiver have holes where the publisher has written to others."""
    sequences = Sequences()
    assert [sequences.take("p", *each) for each in [(3, 0), (4, 3), (9, 4)]] == [False] * 3


def test_publishers_count_on_their_own() -> None:
    sequences = Sequences()
    assert [sequences.take(each, 1, 0) for each in "pq"] == [False, False]


def test_the_first_message_is_missed_too() -> None:
    assert Sequences().take("p", 2, 1) is True


def test_a_message_that_is_missing_is_missed_once() -> None:
    sequences = Sequences()
    sequences.take("p", 1, 0)
    assert sequences.take("p", 3, 2) is True
    assert sequences.take("p", 4, 3) is False


def test_a_message_that_comes_again_or_late_is_dropped() -> None:
    sequences = Sequences()
    sequences.take("p", 1, 0)
    sequences.take("p", 3, 2)
    assert [sequences.take("p", *each) for each in [(3, 2), (2, 1), (1, 0)]] == [None] * 3


def test_a_publisher_that_has_forgotten_a_receiver_begins_anew_with_a_higher_number() -> None:
    sequences = Sequences()
    sequences.take("p", 5, 0)
    assert sequences.take("p", 9, 0) is False


def test_where_everybody_hears_everything_one_begins_with_what_comes_first() -> None:
    sequences = Sequences(exact=False)
    assert sequences.take("p", 9, 8) is False
    assert sequences.take("p", 11, 10) is True


def test_a_mark_finds_the_last_message_that_was_lost_after_some_grace() -> None:
    sequences = Sequences()
    sequences.take("p", 1, 0)
    sequences.mark("p", 2, now=0)
    assert not sequences.lost(now=GRACE / 2)
    assert sequences.lost(now=GRACE)
    assert not sequences.lost(now=GRACE * 2)
    assert sequences.take("p", 2, 1) is None
    assert sequences.take("p", 3, 2) is False


def test_what_comes_while_a_mark_waits_is_not_lost() -> None:
    sequences = Sequences()
    sequences.mark("p", 2, now=0)
    sequences.take("p", 1, 0)
    assert not sequences.lost(now=GRACE)
    sequences.take("p", 2, 1)
    assert not sequences.lost(now=GRACE * 3)


def test_a_publisher_that_was_quiet_longest_of_too_many_is_a_loss_when_it_speaks() -> None:
    sequences = Sequences()
    for publisher in range(MAX_PUBLISHERS + 1):
        sequences.take(str(publisher), 1, 0)
    assert sequences.take("0", 2, 1) is True
    assert sequences.take(str(MAX_PUBLISHERS), 2, 1) is False


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1), st.lists(st.integers(1, 3)))
def test_a_loss_is_told_before_anything_that_comes_after_it(
    arrives: list[bool], others: list[int]
) -> None:
    """Whatever is lost, and whomever else the publisher writes to; the last one by its mark."""
    sequences, number, after, untold = Sequences(), 0, 0, False
    for index, came in enumerate(arrives):
        number += 1 + (others[index] if index < len(others) else 0)
        untold = untold or not came
        if came:
            assert sequences.take("p", number, after) is untold
            untold = False
        after = number
    sequences.mark("p", number, now=0)
    sequences.lost(now=0)
    assert sequences.lost(now=GRACE) is untold
