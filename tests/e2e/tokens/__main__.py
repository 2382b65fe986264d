"""Migrates, seeds, and serves until Ctrl-C."""

from __future__ import annotations

import os
from typing import Any

import django
import uvicorn

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.e2e.tokens.settings"
django.setup()

from django.core.management import call_command  # noqa: E402

from examples.board.seed import seed  # noqa: E402

call_command("migrate", interactive=False, verbosity=0)
seed()
options: Any = {"lifespan": "off", "log_level": "warning", "timeout_graceful_shutdown": 3}
uvicorn.run("examples.board.asgi:application", port=int(os.environ["PORT"]), **options)
