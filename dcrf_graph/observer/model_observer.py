"""An observer of a model's rows (upstream's module and names)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model
from rest_framework import serializers

from dcrf_graph.changes.capture import watch
from dcrf_graph.changes.change import Action
from dcrf_graph.changes.rows import copied
from dcrf_graph.changes.snapshot import recall
from dcrf_graph.loading.representation import loading
from dcrf_graph.loading.writing import written
from dcrf_graph.observer.backlog import Policy
from dcrf_graph.observer.base_observer import BaseObserver

PLAIN = (
    serializers.CharField,
    serializers.IntegerField,
    serializers.SlugField,
    serializers.UUIDField,
    serializers.ReadOnlyField,
)
"""Fields that write a key as a value, with nothing to look up."""

__all__ = ["Action", "ModelObserver", "ModelObserverInstanceState"]


@dataclass(frozen=True)
class ModelObserverInstanceState:
    """What an observer knows of an instance: the groups that it belonged to when loaded."""

    current_groups: frozenset[str] = field(default_factory=frozenset)


class ModelObserver(BaseObserver):
    """
    Calls the handler of each subscribed consumer when rows are committed.

    Args:
        func: the handler.
        model_cls: the model; may be set later, once.
        partition: keeps observers apart that share one handler.
        serializer_class: makes the message's body; without it, and without a
            ``.serializer`` method, the body is ``{"pk": ...}``.
        many_to_many: changes of many-to-many relations are updates of the row.
        moves: whether a row can go from group to group. Groups that depend on
            nothing but the key need no look at the row as it was.
        policy: see ``BaseObserver``.
    """

    def __init__(
        self,
        func: Callable[..., Any],
        model_cls: type[Model] | None,
        partition: str = "*",
        serializer_class: Any = None,
        many_to_many: bool = False,
        moves: bool = True,
        policy: Policy | None = None,
    ) -> None:
        super().__init__(func, partition=partition, policy=policy)
        self.serializer_class = serializer_class
        self.many_to_many = many_to_many
        self.moves = moves
        self._model_cls: type[Model] | None = None
        if model_cls is not None:
            self.model_cls = model_cls

    @property
    def model_cls(self) -> type[Model]:
        """The observed model."""
        if self._model_cls is None:
            raise AttributeError("this observer has no model yet")
        return self._model_cls

    @model_cls.setter
    def model_cls(self, model: type[Model]) -> None:
        first = self._model_cls is None
        self._model_cls = model
        if first:
            self._watch()

    def _watch(self) -> None:
        if self._model_cls is not None:
            watch(self.model_cls, self, many_to_many=self.many_to_many)

    @property
    def grouped(self) -> bool:
        return self.moves and super().grouped

    def groups_for_signal(self, func: Callable[..., Any]) -> Any:
        super().groups_for_signal(func)
        self._watch()
        return self

    def groups(self, func: Callable[..., Any]) -> Any:
        super().groups(func)
        self._watch()
        return self

    def get_observer_state(
        self, instance: Model, *args: Any, **kwargs: Any
    ) -> ModelObserverInstanceState:
        """The groups that the row belonged to when the instance was loaded or last saved."""
        loaded = recall(instance, instance._state.db or "default")
        if loaded is None or loaded.pk is None:
            return ModelObserverInstanceState()
        return ModelObserverInstanceState(frozenset(self.group_names_for_signal(instance=loaded)))

    def group_names(self, *args: Any, **kwargs: Any) -> Iterator[str]:
        """One group for all rows of the model."""
        name = self.func.__name__.replace("_", ".")
        yield f"{self.stable_id}-{name}-model-{self.model_label}"

    def serialize(self, instance: Any, action: Action, **kwargs: Any) -> dict[str, Any]:
        """The message about a row: ``{"type", "body", "action"}``."""
        if self._serializer is not None:
            body = self._serializer(self, instance, action, **kwargs)
        elif self.serializer_class is not None:
            body = self._written(to_be_read(instance, action))
        else:
            body = {"pk": instance.pk}
        return {
            "type": self.func.__name__.replace("_", "."),
            "body": body,
            "action": action.value,
        }

    def _written(self, row: Model) -> Any:
        if (data := written(self.serializer_class, [row])) is not None:
            return data[0]
        # One message for all who listen: there is no request, and hyperlinks are relative.
        return loading(self.serializer_class(row, context={"request": None})).data

    def serialize_key(self, pk: Any, action: Action) -> dict[str, Any]:
        """
        The message about a row that is told by its key alone.

        ``{"pk": ...}``, and the key under the names that the serializer gives it: for
        a group that the row has left, and for a deletion of which only the key is known.
        """
        body = {"pk": pk}
        if self.serializer_class is not None:
            body.update(keys_in(self.serializer_class(), self.model_cls, pk))
        return {
            "type": self.func.__name__.replace("_", "."),
            "body": body,
            "action": action.value,
        }

    @property
    def model_label(self) -> str:
        """The model's name in group names, e.g. ``"board.card"``."""
        meta = self.model_cls._meta
        return f"{meta.app_label}.{meta.object_name}".lower().replace("_", ".")


def to_be_read(instance: Model, action: Action) -> Model:
    """A row whose relations may be loaded onto it.

    What is about to be deleted is the application's own instance, which is to stay as it is.
    """
    if action is not Action.DELETE:
        return instance
    row = copied(instance, type(instance), instance._state.db or "default")
    row._state.fields_cache = dict(instance._state.fields_cache)
    loaded = getattr(instance, "_prefetched_objects_cache", {})
    row.__dict__["_prefetched_objects_cache"] = dict(loaded)
    return row


def keys_in(serializer: Any, model: type[Model], pk: Any) -> dict[str, Any]:
    """A row's key as a serializer would write it, under each name that it has there."""
    key = model._meta.pk
    names = {"pk", key.name, key.attname}
    fields = getattr(serializer, "fields", {}).values()
    return {
        str(field.field_name): field.to_representation(pk)
        for field in fields
        if field.source in names and not field.write_only and isinstance(field, PLAIN)
    }
