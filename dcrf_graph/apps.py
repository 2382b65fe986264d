"""
The Django app: what it adds to the library is the system checks.

Nothing else needs the app to be in ``INSTALLED_APPS``, but ``manage.py export_schema``.
"""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register


class DCRFGraphConfig(AppConfig):
    """Registers the checks, under the tag ``dcrf_graph``."""

    name = "dcrf_graph"
    verbose_name = "dcrf_graph"

    def ready(self) -> None:
        # Consumers can be imported only when models are loaded.
        from dcrf_graph.checks import CHECKS, TAG

        for check in CHECKS:
            register(check, TAG)
