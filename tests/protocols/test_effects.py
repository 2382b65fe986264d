from __future__ import annotations

from dcrf_graph.protocols.effects import Close, CloseCode


def test_a_close_reason_is_cut_to_123_bytes() -> None:
    assert Close(CloseCode.BAD_MESSAGE, "x" * 200).reason == "x" * 123


def test_a_close_reason_is_never_cut_inside_a_character() -> None:
    """The 62nd `é` would end at byte 124."""
    assert Close(4400, "é" * 70).reason == "é" * 61


def test_a_close_reason_that_is_no_unicode_can_still_be_sent() -> None:
    assert Close(4400, "a\ud800b").reason == "a?b"


def test_a_short_close_reason_is_kept() -> None:
    assert Close(4403, "Forbidden").reason == "Forbidden"
