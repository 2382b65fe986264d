"""What relations do to a row: through models, deletions of what was related, keys set to null."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.serializers import deserialize, serialize
from django.db import models, transaction
from django.test.utils import isolate_apps

from tests.changes.doubles import observed, tables
from tests.testapp.models import Article, Author, Club, Label, Member, Membership, Parcel

pytestmark = pytest.mark.django_db(transaction=True)


def clubs(member: Member) -> list[str]:
    return sorted(club.name for club in member.clubs.all())


def test_the_deletion_of_a_related_row_is_an_update_of_those_that_had_it() -> None:
    """Django sends no signal for it (ticket 17688)."""
    red, blue = Label.objects.create(name="red"), Label.objects.create(name="blue")
    article = Article.objects.create(title="a")
    Article.objects.create(title="without")
    article.labels.set([red, blue])
    with observed(
        Article, many_to_many=True, body=lambda a: [label.name for label in a.labels.all()]
    ) as reader:
        red.delete()
        assert reader.read() == [("update", "observer", ["blue"])]


def test_the_deletion_of_a_friend_is_an_update_of_both_ends() -> None:
    first, second = Parcel.objects.create(place=1), Parcel.objects.create(place=1)
    first.friends.add(second)
    with observed(Parcel, many_to_many=True) as reader:
        second.delete()
        assert sorted(reader.actions()) == ["delete", "update"]


def test_a_row_of_a_through_model_is_an_update_of_the_row_that_has_it() -> None:
    member, chess = Member.objects.create(name="a"), Club.objects.create(name="chess")
    with observed(Member, many_to_many=True, body=clubs) as reader:
        membership = Membership.objects.create(member=member, club=chess)
        membership.since = 2001
        membership.save()
        membership.delete()
        assert [body for *_, body in reader.read()] == [["chess"], ["chess"], []]


def test_a_fixture_of_a_through_model_is_an_update_of_the_row_that_has_it() -> None:
    member, chess = Member.objects.create(name="a"), Club.objects.create(name="chess")
    text = serialize("json", [Membership(pk=1, member=member, club=chess)])
    with observed(Member, many_to_many=True, body=clubs) as reader:
        for loaded in deserialize("json", text):
            loaded.save()
        assert reader.read() == [("update", "observer", ["chess"])]


def test_a_through_row_that_is_given_to_another_is_an_update_of_both() -> None:
    one, two = Member.objects.create(name="a"), Member.objects.create(name="b")
    membership = Membership.objects.create(member=one, club=Club.objects.create(name="chess"))
    with observed(Member, many_to_many=True) as reader:
        with transaction.atomic():
            membership.member = two
            membership.save()
        assert sorted(pk for *_, pk in reader.read()) == [one.pk, two.pk]


def test_changes_with_a_through_model_of_ones_own_are_heard_from_both_sides() -> None:
    member, chess = Member.objects.create(name="a"), Club.objects.create(name="chess")
    with observed(Member, many_to_many=True, body=clubs) as reader:
        member.clubs.add(chess, through_defaults={"since": 1999})
        chess.members.clear()
        chess.members.set([member])
        chess.delete()
        assert [body for *_, body in reader.read()] == [["chess"], [], ["chess"], []]


@pytest.fixture
def pairs() -> Iterator[Any]:
    """A model whose rows are paired with each other by a model of one's own, by their names."""
    with isolate_apps("tests.testapp"):

        class Partner(models.Model):
            name = models.CharField(max_length=10, unique=True)
            partners: Any = models.ManyToManyField("self", through="Pair")

            class Meta:
                app_label = "testapp"

        class Pair(models.Model):
            one = models.ForeignKey(Partner, models.CASCADE, to_field="name")
            other = models.ForeignKey(Partner, models.CASCADE, to_field="name", related_name="+")

            class Meta:
                app_label = "testapp"

        with tables(Partner, Pair):
            yield Partner, Pair


def test_a_pair_is_an_update_of_both_also_where_it_names_no_keys(pairs: Any) -> None:
    partner, pair = pairs
    a, b = (partner._base_manager.create(name=name) for name in "ab")
    with observed(partner, many_to_many=True) as reader:
        a.partners.add(b)
        assert {pk for *_, pk in reader.read()} == {a.pk, b.pk}
        a.partners.remove(b)
        assert {pk for *_, pk in reader.read()} == {a.pk, b.pk}
        made = pair._base_manager.create(one=a, other=b)
        assert sorted(pk for *_, pk in reader.read()) == [a.pk, b.pk]
        made.delete()
        assert sorted(pk for *_, pk in reader.read()) == [a.pk, b.pk]
        a.partners.set([b])
        a.partners.clear()
        assert {pk for *_, pk in reader.read()} == {a.pk, b.pk}


def test_a_foreign_key_that_a_deletion_sets_to_null_is_an_update() -> None:
    """Django sends no signal for it."""
    author = Author.objects.create(name="a")
    member = Member.objects.create(name="m", mentor=author)
    groups = ("None", str(author.pk))
    with observed(Member, *groups, group_by=lambda m: m.mentor_id) as reader:
        author.delete()
        assert reader.read() == [
            ("delete", groups[1], {"key": member.pk}),
            ("create", groups[0], member.pk),
        ]
