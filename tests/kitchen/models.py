"""A model field of every kind."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from django.db import models
from django.db.models import F


class Course(models.TextChoices):
    """When a dish is served."""

    STARTER = "starter", "Starter"
    MAIN = "main", "Main course"
    DESSERT = "dessert", "Dessert"


class Heat(models.IntegerChoices):
    NONE = 0, "Not at all"
    MILD = 1, "Mild"
    HOT = 2, "Hot"


DIETS = [
    ("Without animals", [("vegan", "Vegan"), ("vegetarian", "Vegetarian")]),
    ("Without something", [("gluten-free", "Gluten-free"), ("no nuts", "No nuts")]),
]
GRADES = [("A+", "The best"), ("A", "Good"), ("B", "Still good")]


class TemperatureField(models.Field):  # type: ignore[type-arg]
    """A column of a kind that DRF does not know."""

    def db_type(self, connection: Any) -> str:
        return "integer"


class Supplier(models.Model):
    name = models.CharField(max_length=100)
    code = models.SlugField(unique=True)
    country = models.CharField(max_length=2, null=True, blank=True)  # noqa: DJ001


class Tag(models.Model):
    name = models.CharField(max_length=50, unique=True)


class Dish(models.Model):
    """What is cooked."""

    name = models.CharField(max_length=100, help_text="As on the menu.")
    slug = models.SlugField(unique=True)
    description = models.TextField(blank=True, default="")
    course = models.CharField(max_length=20, choices=Course.choices, default=Course.MAIN)
    heat = models.IntegerField(choices=Heat.choices, default=Heat.NONE)
    diet = models.CharField(max_length=20, choices=DIETS, blank=True, default="")
    grade = models.CharField(  # noqa: DJ001
        "quality of the dish", max_length=2, choices=GRADES, null=True
    )
    portions = models.PositiveSmallIntegerField(default=1)
    eaten = models.BigIntegerField(default=0)
    rating = models.FloatField(null=True, blank=True)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    double = models.GeneratedField(
        expression=F("price") * 2,
        output_field=models.DecimalField(max_digits=9, decimal_places=2),
        db_persist=True,
    )
    is_hot = models.BooleanField(default=True)
    is_organic = models.BooleanField(null=True)
    token = models.UUIDField(unique=True, default=uuid.uuid4)
    created = models.DateTimeField(auto_now_add=True)
    since = models.DateField(null=True, blank=True)
    served_at = models.TimeField(null=True, blank=True)
    cooking = models.DurationField(default=datetime.timedelta(minutes=10))
    seen_from = models.GenericIPAddressField(null=True, blank=True)
    website = models.URLField(blank=True, default="")
    contact = models.EmailField(blank=True, default="")
    recipe = models.FileField(blank=True, upload_to="recipes")
    notes = models.JSONField(default=dict, blank=True)
    temperature = TemperatureField(null=True, blank=True)
    supplier = models.ForeignKey(
        Supplier, on_delete=models.SET_NULL, null=True, blank=True, related_name="dishes"
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="dishes")

    @property
    def title(self) -> str:
        """The name, as a title.

        For the door.
        """
        return self.name.title()


class Secret(models.Model):
    """One to one, seen from both ends."""

    dish = models.OneToOneField(Dish, on_delete=models.CASCADE, related_name="secret")
    text = models.TextField()


class Step(models.Model):
    """A tree: a step has steps."""

    dish = models.ForeignKey(Dish, on_delete=models.CASCADE, related_name="steps")
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="children"
    )
    text = models.TextField()
