"""``manage.py relay_changes``: publish what triggers have written, or a crash has left."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS
from django.urls import get_resolver
from django.utils.module_loading import import_string

from dcrf_graph.changes.outbox import BATCH
from dcrf_graph.changes.relay import GRACE, relay, relay_until
from dcrf_graph.settings import api_settings


class Command(BaseCommand):
    """Publishes the outbox of one database, until it is ended."""

    help = (
        "Publish changes that lie in the outbox: at once what triggers of PostgreSQL have "
        "written, after a grace what the process that made it did not publish. It publishes "
        "to the observers that it knows: those of the consumers that the project's URLs import."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="default: default")
        parser.add_argument("--once", action="store_true", help="publish what there is, and end")
        parser.add_argument(
            "--grace", type=float, default=GRACE, help=f"seconds; default: {GRACE:g}"
        )
        parser.add_argument(
            "--interval", type=float, default=1.0, help="seconds between looks; default: 1"
        )

    def handle(
        self,
        *args: Any,
        database: str,
        once: bool,
        grace: float,
        interval: float,
        **options: Any,
    ) -> None:
        load_observers()
        if once:
            while relay(database, grace) == BATCH:
                pass
            return
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        relay_until(ended, database, grace=grace, interval=interval)


def load_observers() -> None:
    """Import what the URL configuration, and the setting ROUTER, import: consumers."""
    if getattr(settings, "ROOT_URLCONF", None):
        _ = get_resolver().url_patterns
    if api_settings.ROUTER:
        import_string(api_settings.ROUTER)
