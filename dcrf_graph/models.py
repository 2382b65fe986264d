"""
The outbox: what was changed, written in the transaction that changed it.

A row is there until its change has been published. It is used with the setting
``OUTBOX``, and by the triggers of ``dcrf_graph.postgres``.
"""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now


class OutboxChange(models.Model):
    """One change of one row, not published yet.

    ``before`` and ``messages`` are what capture knew, by observer; ``old`` are the
    columns that a trigger saw. Changes with one ``transaction`` are told together.
    """

    model = models.CharField(max_length=200)
    key = models.JSONField(encoder=DjangoJSONEncoder)
    action = models.CharField(max_length=10)
    before = models.JSONField(null=True)
    messages = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    old = models.JSONField(null=True)
    relations_only = models.BooleanField(default=False, db_default=False)
    by_trigger = models.BooleanField(default=False, db_default=False)
    transaction = models.CharField(max_length=64, default="", db_default="")
    created = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.action} of {self.model} {self.key}"
