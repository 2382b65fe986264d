"""What an application loads that has consumers and observers, and nothing else."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.contrib.auth.models import Group
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import ListModelMixin
from dcrf_graph.observer import model_observer
from dcrf_graph.observer.generics import ObserverModelInstanceMixin


class GroupConsumer(ListModelMixin, ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
    queryset = Group.objects.all()

    @model_observer(Group)
    async def group_activity(self, message, **kwargs):
        pass


print(*sorted(sys.modules))
"""
SPARED = {
    "ariadne",
    "channels_redis",
    "django.contrib.admin",
    "graphql",
    "redis",
    "rest_framework.schemas",
    "rest_framework.views",
}


def test_consumers_load_no_graphql_no_admin_and_no_clients_of_servers() -> None:
    """What is loaded is walked through by every full collection of Python's garbage collector."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert SPARED & set(run.stdout.split()) == set()
