"""What changes: items that are somewhere, each with the number of the change that wrote it last."""

from __future__ import annotations

from django.db import models


class Item(models.Model):
    objects: models.Manager[Item] = models.Manager()

    place = models.IntegerField()
    number = models.IntegerField()

    class Meta:
        app_label = "processes"
