"""The board's settings, but for the addresses."""

from __future__ import annotations

from examples.board.settings import *  # noqa: F403

ROOT_URLCONF = "tests.e2e.extended.urls"
