"""Counts what is asked of the database, by whichever thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.backends.signals import connection_created


class Queries:
    """The statements so far; printed, a budget that is exceeded says what it was spent on."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __len__(self) -> int:
        return len(self.statements)

    def __str__(self) -> str:
        return "\n".join(f"{number}. {sql}" for number, sql in enumerate(self.statements, 1))

    def note(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        self.statements.append(sql)
        return execute(sql, params, many, context)


@contextmanager
def counted() -> Iterator[Queries]:
    """Count what runs inside, on connections that are open and on those that will be."""
    queries = Queries()

    def listen(connection: Any, **kwargs: Any) -> None:
        # A connection that is opened again is the same object.
        if queries.note not in connection.execute_wrappers:
            connection.execute_wrappers.append(queries.note)

    connection_created.connect(listen)
    listening = connections["default"]
    listen(listening)
    try:
        yield queries
    finally:
        connection_created.disconnect(listen)
        if queries.note in listening.execute_wrappers:
            listening.execute_wrappers.remove(queries.note)
