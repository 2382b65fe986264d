"""
A process that dies between the commit of a change and its publication.

    python -m tests.changes.crashing_process DATABASE
"""

from __future__ import annotations

import os
import signal
import sys

import django
from django.db import transaction

from tests import settings


def main(database: str) -> None:
    settings.DATABASES["default"]["NAME"] = database
    settings.DCRF_GRAPH = {"OUTBOX": True}  # type: ignore[attr-defined]
    django.setup()
    from dcrf_graph.changes.capture import watch
    from tests.changes.doubles import Observer
    from tests.testapp.models import Parcel

    observer = Observer(group_by=lambda parcel: parcel.place, many_to_many=True)
    watch(Parcel, observer)
    stays, moves, goes = Parcel.objects.order_by("pk")
    with transaction.atomic():
        transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
        made = Parcel.objects.create(place=1, title="new")
        made.title = "made"
        made.save()
        stays.title = "changed"
        stays.save()
        moves.place = 2
        moves.save()
        goes.delete()


if __name__ == "__main__":
    main(sys.argv[1])
