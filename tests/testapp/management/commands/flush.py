"""
`flush`, with which every test that commits ends: its rows go, and what each begins with stays.

Django's own also deletes content types and permissions, and makes them anew just as they were,
which takes ten times as long.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.commands import flush
from django.db import connections, transaction

MADE_WITH_THE_TABLES = (ContentType, Permission)


class Command(flush.Command):
    """Does not touch the content types and permissions, unless a test has."""

    def handle(self, **options: Any) -> None:
        """Empty the tables of a database; its keys count on."""
        database = options["database"]
        if not as_made(database):
            super().handle(**options)
            return
        connection = connections[database]
        names = connection.introspection.django_table_names(only_existing=True, include_views=False)
        kept = [model._meta.db_table for model in MADE_WITH_THE_TABLES]
        # PostgreSQL takes a second to truncate them all.
        with transaction.atomic(using=database), connection.cursor() as cursor:
            for name in names:
                if name not in kept:
                    cursor.execute(f"DELETE FROM {connection.ops.quote_name(name)}")


def as_made(database: str) -> bool:
    """Whether there are as many as Django makes."""
    every = [model._meta for model in apps.get_models()]
    permissions = sum(len(meta.default_permissions) + len(meta.permissions) for meta in every)
    counts = [model._base_manager.using(database).count() for model in MADE_WITH_THE_TABLES]
    return counts == [len(every), permissions]
