"""The Django app of the board."""

from __future__ import annotations

from django.apps import AppConfig


class BoardConfig(AppConfig):
    name = "examples.board"
    label = "board"
    default_auto_field = "django.db.models.BigAutoField"
