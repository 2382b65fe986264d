"""What a server process serves: native streams and GraphQL, at every path."""

from __future__ import annotations

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.e2e.processes.settings")
django.setup()

from tests.e2e.processes.consumers import router  # noqa: E402 - needs Django

application = router.as_asgi()
urlpatterns: list[Any] = []
