"""The hook that puts GraphiQL into the wheel; without npm the wheel has the small page alone."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Explorer(BuildHookInterface[Any]):
    """Runs explorer/build.py before a wheel is made."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, but not for an editable install, which is how a checkout is used."""
        if version == "editable":
            return
        build = runpy.run_path(str(Path(self.root) / "explorer" / "build.py"))["build"]
        try:
            build()
        except FileNotFoundError:
            self.app.display_warning("no npm: this wheel has no GraphiQL")
