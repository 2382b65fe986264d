"""
Play scenarios against one library and print what was recorded, as JSON.

The library, the settings variant and the database file come from the environment; recordings.py
starts this. A scenario that raises is printed as ``{"error": traceback}``, never as a recording.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import traceback
import warnings
from typing import Any

import django
from django.core.management import call_command


def main() -> None:
    """Record every scenario of this process's settings variant, or those named as arguments."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.comparison.configuration")
    warnings.simplefilter("ignore")  # upstream warns of itself; its frames are what counts here
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    from tests.comparison.scenarios import SCENARIOS

    gc.freeze()  # what is here now stays; below, only a scenario's own objects are gone through
    variant = os.environ["COMPARED_SETTINGS"]
    recordings = {
        name: record(scenario.play)
        for name, scenario in SCENARIOS.items()
        if scenario.settings == variant and (not sys.argv[1:] or name in sys.argv[1:])
    }
    json.dump(recordings, sys.stdout)


def record(play: Any) -> Any:
    """One scenario on an empty database, a fresh channel layer and a fresh event loop."""
    from channels.layers import channel_layers

    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True)
    channel_layers.backends.clear()
    try:
        return asyncio.run(perform(play))
    except Exception:
        return {"error": traceback.format_exc()}
    finally:
        gc.collect()  # the scenario's consumers end here, and with them their signal receivers


async def perform(play: Any) -> Any:
    """Play, then end the clients even where the scenario failed."""
    from tests.comparison.stage import Stage

    stage = Stage()
    try:
        await play(stage)
    finally:
        await stage.close()
    return stage.recording


if __name__ == "__main__":
    main()
