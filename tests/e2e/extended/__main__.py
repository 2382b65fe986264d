"""Migrates, seeds, and serves until Ctrl-C."""

from __future__ import annotations

import os
from typing import Any

import django
import uvicorn

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.e2e.extended.settings"
django.setup()

from django.core.management import call_command  # noqa: E402

from examples.board.seed import seed  # noqa: E402

call_command("migrate", interactive=False, verbosity=0)
seed()
options: Any = {"lifespan": "off", "log_level": "warning", "timeout_graceful_shutdown": 3}
# A client that does not read answers no ping: uvicorn would close it after 40 seconds.
options["ws_ping_interval"] = None
uvicorn.run("tests.e2e.extended.asgi:application", port=int(os.environ["PORT"]), **options)
