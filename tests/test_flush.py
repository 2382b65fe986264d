"""What every test that commits ends with leaves nothing but what every test begins with."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.testapp.models import Note, Parcel

pytestmark = pytest.mark.django_db(transaction=True)


def flush() -> int:
    """As Django does behind a test; how many statements that were."""
    with CaptureQueriesContext(connection) as statements:
        call_command("flush", interactive=False, verbosity=0, reset_sequences=False)
    return len(statements)


def begins_with() -> set[tuple[str, str]]:
    """The permissions, each with the model that it is about."""
    return set(Permission.objects.values_list("content_type__model", "codename"))


def test_rows_are_gone_and_permissions_stay() -> None:
    before = begins_with()
    user = User.objects.create(username="ada")
    user.user_permissions.add(Permission.objects.get(codename="view_note"))
    Note.objects.create(text="a")
    Parcel.objects.create(place=1, title="b")
    flush()
    for model in (User, Note, Parcel, User.user_permissions.through):
        assert not model._base_manager.exists()
    assert begins_with() == before
    assert ("note", "view_note") in before


def test_permissions_that_a_test_made_or_deleted_do_not_outlive_it() -> None:
    before = begins_with()
    note = ContentType.objects.get_for_model(Note)
    Permission.objects.create(content_type=note, codename="frame_note", name="Can frame it")
    flush()
    assert begins_with() == before
    Permission.objects.filter(codename="view_note").delete()
    flush()
    assert begins_with() == before
    ContentType.objects.all().delete()
    flush()
    assert begins_with() == before


def test_what_nobody_has_changed_is_not_made_anew() -> None:
    """Else every test that commits takes ten times as long to end."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    assert flush() < len(tables) + 10
