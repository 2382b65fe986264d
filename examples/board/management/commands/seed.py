"""`manage.py seed`: users, labels and two boards, where they lack."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from examples.board.seed import PASSWORDS, seed


class Command(BaseCommand):
    help = "Make two users, a public board and a private one; running it again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        for board in seed():
            who = "public" if board.public else "private"
            self.stdout.write(f"board {board.pk}: {board.name} ({who})")
        for name, password in PASSWORDS.items():
            self.stdout.write(f"user {name}, password {password}")
