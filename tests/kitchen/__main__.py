"""Prints the schema: ``python -m tests.kitchen > tests/kitchen/kitchen.graphql``."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.kitchen.consumers import kitchen  # noqa: E402

print(kitchen().sdl, end="")
