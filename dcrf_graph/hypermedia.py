"""
Links: how native clients are told where the objects behind an object are.

A link is the call that retrieves an object, ready to be sent:
``{"stream": "cards", "payload": {"action": "retrieve", "pk": 7}}``. The stream is
the one whose consumer serves the object's model. Knows no GraphQL.

Source: behaves like the companion package hypermediachannels where docs/hypermedia.md does
not say otherwise, and has its names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from weakref import WeakSet

from django.core.exceptions import FieldError, MultipleObjectsReturned, ObjectDoesNotExist
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Model
from rest_framework import fields, relations, serializers
from rest_framework.utils import model_meta

from dcrf_graph.configured import configured
from dcrf_graph.exceptions import ConfigurationError

SERVED = "dcrf_graph.served"
"""Where a scope has the consumer classes of its router, by stream."""

routers: WeakSet[Any] = WeakSet()
"""The routers of this process: asked where there is no connection, as in an observer."""


# -- which stream ----------------------------------------------------------------------------------


def model_served(consumer: Any) -> type[Model] | None:
    """The model whose rows a consumer serves, if it says."""
    model = getattr(configured(consumer, "queryset"), "model", None)
    if model is None:
        meta = getattr(configured(consumer, "serializer_class"), "Meta", None)
        model = getattr(meta, "model", None)
    return model if isinstance(model, type) else None


def stream_serving(
    served: Mapping[str, Any], model: type[Model], action: str, serializer: Any = None
) -> str | None:
    """The stream whose consumer has the action for rows of a model; None where none has.

    The model's own stream comes before those of its parents; of several, the one with
    the serializer class.

    Raises:
        ConfigurationError: where several are as good as each other.
    """
    distances: dict[str, int] = {}
    for name, consumer in served.items():
        own = model_served(consumer)
        if own is not None and issubclass(model, own) and action in consumer.available_actions:
            distances[name] = model.__mro__.index(own)
    nearest = min(distances.values(), default=0)
    names = [name for name, distance in distances.items() if distance == nearest]
    alike = [n for n in names if configured(served[n], "serializer_class") is serializer]
    return the_one(alike or names, model)


def the_one(names: Iterable[str], model: type[Model]) -> str | None:
    found = sorted(set(names))
    if len(found) > 1:
        raise ConfigurationError(
            f"A link to {model.__name__} may lead to any of the streams {', '.join(found)}: "
            "say which, stream_name=."
        )
    return found[0] if found else None


# -- fields ----------------------------------------------------------------------------------------


class HyperChannelsApiManyRelationField(relations.ManyRelatedField):
    """Links to many objects: a list, one link each. Made by ``many=True``."""


class HyperChannelsApiRelationField(relations.RelatedField[Any, Any, Any]):
    """
    A link to a related object.

    Written, it takes the object's key, or the link itself.

    Args:
        stream_name: the stream; by default the one that serves the related model.
        action_name: the action, by default ``retrieve``.
        kwarg_mappings: the action's arguments, each with the attribute path of the related
            object that gives its value: ``{"pk": "pk"}``, ``{"team": "team.slug"}``. With
            ``source="*"`` the paths start at the object that has the link.

    The link is null where no stream serves the object, or the path of a value ends early.
    """

    default_error_messages = {
        "does_not_exist": 'Invalid link or key "{value}" - object does not exist.',
        "incorrect_type": "Incorrect type. Expected a link or a key, received {data_type}.",
        "incorrect_link": "This link does not lead to an object of this kind.",
    }

    def __init__(
        self,
        *,
        stream_name: str | None = None,
        action_name: str = "retrieve",
        kwarg_mappings: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.stream_name = stream_name
        self.action_name = action_name
        self.kwarg_mappings = dict({"pk": "pk"} if kwarg_mappings is None else kwarg_mappings)
        super().__init__(**kwargs)

    @classmethod
    def many_init(cls, *args: Any, **kwargs: Any) -> Any:
        """The field of a list of links."""
        of_list = {key: kwargs[key] for key in relations.MANY_RELATION_KWARGS if key in kwargs}
        return HyperChannelsApiManyRelationField(child_relation=cls(*args, **kwargs), **of_list)

    @property
    def bound(self) -> Any:
        """What stands in the serializer: this field, or its list."""
        listed = isinstance(self.parent, relations.ManyRelatedField)
        return self.parent if listed else self

    @property
    def linked_paths(self) -> tuple[str, ...]:
        """What is read of an object: read by ``loading``."""
        return tuple(self.kwarg_mappings.values())

    def linked_model(self) -> type[Model] | None:
        """The model of the objects that it links to, as far as serializers say."""
        queryset = getattr(self, "queryset", None)
        if queryset is not None:
            return queryset.model  # type: ignore[no-any-return]
        model = getattr(getattr(self.bound.parent, "Meta", None), "model", None)
        for attribute in self.bound.source_attrs:
            relation = model and model_meta.get_field_info(model).relations.get(attribute)
            model = relation.related_model if relation else None
        return model if isinstance(model, type) else None

    def stream_among(
        self, served: Mapping[str, Any], model: type[Model] | None = None
    ) -> str | None:
        """The stream of the link among these consumers; None where none serves the model.

        Raises:
            ConfigurationError: where several do.
        """
        if self.stream_name is not None:
            return self.stream_name
        model = self.linked_model() or model
        if model is None:
            return None
        own = type(self.bound.parent) if self.bound.source == "*" else None
        return stream_serving(served, model, self.action_name, own)

    def stream_here(self, model: type[Model] | None = None) -> str | None:
        """The stream of the link on this connection, or, without one, in this process."""
        served = (self.context.get("scope") or {}).get(SERVED)
        if served is not None:
            return self.stream_among(served, model)
        if self.stream_name is not None:
            return self.stream_name
        found = [self.stream_among(consumers(router), model) for router in list(routers)]
        return the_one((name for name in found if name is not None), model or Model)

    def use_pk_only_optimization(self) -> bool:
        """Without a query for the related row, where the link says nothing but its key."""
        if set(self.linked_paths) != {"pk"} or self.linked_model() is None:
            return False
        model = getattr(getattr(self.bound.parent, "Meta", None), "model", None)
        attributes = self.bound.source_attrs
        if model is None or len(attributes) != 1:
            return False
        column = model_meta.get_field_info(model).relations[attributes[0]].model_field
        return column is None or bool(column.many_to_many) or column.target_field.primary_key

    def to_representation(self, value: Any) -> dict[str, Any] | None:
        """The link to an object."""
        stream = self.stream_here(type(value) if isinstance(value, Model) else None)
        if stream is None:
            return None
        payload: dict[str, Any] = {"action": self.action_name}
        for argument, path in self.kwarg_mappings.items():
            try:
                found = fields.get_attribute(value, path.split("."))
            except ObjectDoesNotExist:
                return None
            except AttributeError:
                if not ends_early(value, path):
                    raise
                return None
            payload[argument] = found.pk if isinstance(found, Model) else found
        return {"stream": stream, "payload": payload}

    def to_internal_value(self, data: Any) -> Any:
        """The object that a key or a link leads to, among those of the queryset.

        Raises:
            ValidationError: if there is none.
        """
        lookups = self.lookups(data) if isinstance(data, Mapping) else {"pk": data}
        queryset: Any = self.get_queryset()
        try:
            if any(isinstance(value, bool | list | Mapping) for value in lookups.values()):
                raise TypeError
            return queryset.get(**lookups)
        except ObjectDoesNotExist:
            self.fail("does_not_exist", value=", ".join(map(str, lookups.values())))
        except (MultipleObjectsReturned, FieldError):
            self.fail("incorrect_link")
        except (TypeError, ValueError, OverflowError, DjangoValidationError):
            self.fail("incorrect_type", data_type=type(data).__name__)

    def lookups(self, link: Mapping[str, Any]) -> dict[str, Any]:
        """What a client's link says of the object, for a query."""
        payload = link.get("payload")
        wanted = {"action", *self.kwarg_mappings}
        if not isinstance(payload, Mapping) or set(payload) != wanted:
            self.fail("incorrect_link")
        queryset: Any = self.get_queryset()
        there = link.get("stream") == self.stream_here(queryset.model)
        if not there or payload["action"] != self.action_name:
            self.fail("incorrect_link")
        return {
            path.replace(".", "__"): payload[argument]
            for argument, path in self.kwarg_mappings.items()
        }


class HyperChannelsApiIdentityField(HyperChannelsApiRelationField):
    """The link to the object itself; in GraphQL its name is ``self``."""

    graphql_name = "self"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "read_only": True, "source": "*"})


def consumers(router: Any) -> dict[str, Any]:
    """The consumer classes of a router, by stream."""
    return {name: each.consumer for name, each in router.registry.items()}


def ends_early(value: Any, path: str) -> bool:
    """Whether a path meets a null before its end."""
    for attribute in path.split("."):
        if value is None:
            return True
        value = getattr(value, attribute, value)
    return False


# -- a serializer --------------------------------------------------------------------------------


class HyperChannelsApiModelSerializer(serializers.ModelSerializer[Any]):
    """
    A model serializer whose relations are links, and which has a link to itself: ``"@id"``.

    ``Meta.fields`` names ``"@id"`` where it is wanted; ``Meta.extra_kwargs`` may give each of
    the links its ``stream_name``, ``action_name`` and ``kwarg_mappings``.
    """

    url_field_name: ClassVar[Any] = "@id"
    serializer_related_field = HyperChannelsApiRelationField
    serializer_url_field: ClassVar[Any] = HyperChannelsApiIdentityField

    def get_default_field_names(self, declared_fields: Any, model_info: Any) -> list[str]:
        """The link comes first where ``Meta.fields`` asks for everything."""
        return ["@id", *super().get_default_field_names(declared_fields, model_info)]

    def build_url_field(self, field_name: str, model_class: Any) -> Any:
        """The link to the object itself."""
        return self.serializer_url_field, {}
