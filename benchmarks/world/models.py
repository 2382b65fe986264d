"""The one model that all contenders serve."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models


class Card(models.Model):
    objects: models.Manager[Card] = models.Manager()

    title = models.CharField(max_length=100)
    text = models.TextField()
    board = models.IntegerField()
    position = models.IntegerField()
    done = models.BooleanField(default=False)
    due = models.DateField()
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="cards")

    class Meta:
        app_label = "world"
