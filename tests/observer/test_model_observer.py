"""A model observer makes messages of rows, and knows the groups of an instance."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import override_settings
from rest_framework import serializers

from dcrf_graph.changes.change import Action
from dcrf_graph.observer.model_observer import ModelObserver
from tests.native.serializers import NoteSerializer
from tests.testapp.models import KeyedByUUID, Note, Parcel


async def handler(consumer: Any, message: Any, **kwargs: Any) -> None:
    """Handles nothing."""


def by_place(observer: ModelObserver) -> ModelObserver:
    @observer.groups
    def place(self: Any, instance: Parcel, **kwargs: Any) -> Any:
        yield f"place-{instance.place}"

    return observer


def test_without_a_serializer_the_message_is_the_key() -> None:
    message = ModelObserver(handler, Note).serialize(Note(pk=1), Action.UPDATE)
    assert message == {"type": "handler", "body": {"pk": 1}, "action": "update"}


def test_a_serializer_class_makes_the_body() -> None:
    observer = ModelObserver(handler, Note, serializer_class=NoteSerializer)
    assert observer.serialize(Note(pk=1, text="a"), Action.CREATE)["body"] == {"id": 1, "text": "a"}


def test_an_event_makes_no_serializer_where_a_plan_writes_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    observer = ModelObserver(handler, Note, serializer_class=NoteSerializer)
    monkeypatch.setattr(NoteSerializer, "__new__", None)
    assert observer.serialize(Note(pk=1, text="a"), Action.UPDATE)["body"] == {"id": 1, "text": "a"}


@override_settings(ROOT_URLCONF="tests.kitchen.urls")
def test_a_hyperlink_in_a_message_is_relative() -> None:
    """There is no request to take the host from."""

    class Linked(serializers.Serializer[Any]):
        url = serializers.HyperlinkedIdentityField(view_name="dish-detail")

    observer = ModelObserver(handler, Note, serializer_class=Linked)
    message = observer.serialize(Note(pk=1), Action.CREATE)
    assert message["body"] == {"url": "/dishes/1/"}


def test_a_serializer_method_comes_before_the_class() -> None:
    observer = ModelObserver(handler, Note, serializer_class=NoteSerializer)

    @observer.serializer
    def body(self: Any, instance: Note, action: Action, **kwargs: Any) -> Any:
        return [action.value, instance.text]

    assert observer.serialize(Note(text="a"), Action.DELETE)["body"] == ["delete", "a"]


def test_an_observer_gets_its_model_when_it_is_known() -> None:
    observer = ModelObserver(handler, None)
    with pytest.raises(AttributeError, match="no model yet"):
        _ = observer.model_cls
    observer.model_cls = KeyedByUUID
    key = uuid.UUID(int=1)
    assert observer.serialize(KeyedByUUID(pk=key), Action.CREATE)["body"] == {"pk": key}
    assert observer.model_label == "testapp.keyedbyuuid"


def test_groups_that_depend_on_the_key_alone_need_no_look_at_the_row_before() -> None:
    assert by_place(ModelObserver(handler, Parcel)).grouped
    assert not by_place(ModelObserver(handler, Parcel, moves=False)).grouped


@pytest.mark.django_db(transaction=True)
def test_the_state_of_an_instance_are_its_groups_when_it_was_loaded() -> None:
    observer = by_place(ModelObserver(handler, Parcel))
    parcel = Parcel.objects.create(place=1)
    first = observer.get_observer_state(parcel).current_groups
    parcel.place = 2
    assert observer.get_observer_state(parcel).current_groups == first
    parcel.save()
    assert observer.get_observer_state(parcel).current_groups not in (first, frozenset())


def test_an_instance_that_was_never_saved_is_in_no_group() -> None:
    observer = by_place(ModelObserver(handler, Parcel))
    assert observer.get_observer_state(Parcel(place=1)).current_groups == frozenset()
