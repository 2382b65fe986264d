"""
The Django app: what it adds to the library is the system checks, the commands,
the outbox table, and that a process which serves no sockets tells the others of
logouts. Nothing else needs it to be in ``INSTALLED_APPS``.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, register

TAG = "dcrf_graph"


class DCRFGraphConfig(AppConfig):
    """Registers the checks, under the tag ``dcrf_graph``."""

    name = "dcrf_graph"
    verbose_name = "dcrf_graph"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from dcrf_graph.revocation import listen

        register(run_checks, TAG)
        register(run_deployment_checks, TAG, deploy=True)
        listen()


def run_checks(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Run every check. Whoever starts without checks does not even load GraphQL."""
    from dcrf_graph.checks import CHECKS

    return [message for check in CHECKS for message in check()]


def run_deployment_checks(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Run what only ``manage.py check --deploy`` asks for."""
    from dcrf_graph.checks import DEPLOYMENT_CHECKS

    return [message for check in DEPLOYMENT_CHECKS for message in check()]
