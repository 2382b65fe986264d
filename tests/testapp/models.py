"""Models which the tests of every room share: one for each kind of key, relation and field."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models

from dcrf_graph.observer import ObservedQuerySet


class Author(models.Model):
    name = models.CharField(max_length=100)


class Label(models.Model):
    name = models.CharField(max_length=50, unique=True)


class Article(models.Model):
    """A row with a choice, a decimal, dates and both kinds of relations."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        IN_REVIEW = "in-review", "In review"
        PUBLISHED = "published", "Published"

    title = models.CharField(max_length=200)
    body = models.TextField(blank=True, default="")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DRAFT)
    author = models.ForeignKey(
        Author, on_delete=models.CASCADE, related_name="articles", null=True, blank=True
    )
    labels = models.ManyToManyField(Label, related_name="articles", blank=True)
    estimate = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    due = models.DateField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)


class Slugged(models.Model):
    """Looked up by something that is not its key."""

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=200)


class KeyedByUUID(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(max_length=200)


class Note(models.Model):
    """The smallest model."""

    text = models.CharField(max_length=200)


class Parcel(models.Model):
    """In one place at a time: a row that moves between groups."""

    place = models.IntegerField()
    title = models.CharField(max_length=200, default="")
    weight = models.IntegerField(default=0)
    friends = models.ManyToManyField("self", blank=True)


class ParcelByProxy(Parcel):
    """The same rows."""

    class Meta:
        proxy = True


class Described(models.Model):
    """Holds a value that can be changed in place."""

    details = models.JSONField(default=dict)


class Place(models.Model):
    """The parent of a child table."""

    name = models.CharField(max_length=100)
    city = models.IntegerField(default=1)


class Restaurant(Place):
    """A row of two tables."""

    stars = models.IntegerField(default=0)


class Seat(models.Model):
    """Keyed by two columns."""

    pk = models.CompositePrimaryKey("hall", "number")
    hall = models.IntegerField()
    number = models.IntegerField()
    guest = models.CharField(max_length=100, default="")


class Booking(models.Model):
    """Keyed by two columns of which JSON has neither type."""

    pk = models.CompositePrimaryKey("room", "day")
    room = models.UUIDField(default=uuid.uuid4)
    day = models.DateField()
    floor = models.IntegerField(default=1)


class Member(models.Model):
    """Related through a model of our own, and to an author who may leave."""

    name = models.CharField(max_length=100)
    clubs: Any = models.ManyToManyField("Club", through="Membership", related_name="members")
    mentor = models.ForeignKey(Author, on_delete=models.SET_NULL, null=True)


class Club(models.Model):
    name = models.CharField(max_length=100)


class Membership(models.Model):
    member = models.ForeignKey(Member, on_delete=models.CASCADE)
    club = models.ForeignKey(Club, on_delete=models.CASCADE)
    since = models.IntegerField(default=2000)


class Shelf(models.Model):
    pass


class Volume(models.Model):
    """Written in bulk."""

    title = models.CharField(max_length=100, default="")
    isbn = models.CharField(max_length=20, unique=True)
    shelf = models.ForeignKey(Shelf, on_delete=models.CASCADE, related_name="volumes")

    objects: Any = ObservedQuerySet.as_manager()

    class Meta:
        # Django's related managers move rows by the base manager.
        base_manager_name = "objects"


class Depot(models.Model):
    owner = models.IntegerField()


class Rack(models.Model):
    owner = models.IntegerField()


class Tag(models.Model):
    owner = models.IntegerField()


class Crate(models.Model):
    """Changed in every way there is; what is of one owner, no other touches."""

    owner = models.IntegerField()
    code = models.IntegerField()
    title = models.CharField(max_length=50, default="")
    weight = models.IntegerField(default=0)
    depot = models.ForeignKey(Depot, on_delete=models.CASCADE, null=True)
    rack = models.ForeignKey(Rack, on_delete=models.SET_NULL, null=True)
    tags: Any = models.ManyToManyField(Tag, related_name="crates")

    objects: Any = ObservedQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["owner", "code"], name="crate_code")]


class Letter(models.Model):
    """Never observed by groups, so that nobody remembers what its rows were loaded with."""

    text = models.CharField(max_length=200)
