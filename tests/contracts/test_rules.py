"""What GraphQL knows of an application, its native contracts know too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, NotRequired, TypedDict

import pytest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    PolymorphicProxySerializer,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers, viewsets
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import RetrieveModelMixin

from dcrf_graph.contracts.actions import native_actions
from dcrf_graph.contracts.definitions import Schemas
from dcrf_graph.contracts.frames import schemas_at
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql.types import Types
from dcrf_graph.hypermedia import HyperChannelsApiModelSerializer, HyperChannelsApiRelationField
from dcrf_graph.mixins import PaginatedModelListMixin
from dcrf_graph.pagination import WebsocketLimitOffsetPagination
from dcrf_graph.routers import Router
from dcrf_graph.views import view_as_consumer
from tests.testapp.models import Article, Author


class AuthorSerializer(serializers.ModelSerializer[Author]):
    class Meta:
        model = Author
        fields = ("id", "name")


class PersonSerializer(serializers.Serializer[Any]):
    nick = serializers.CharField()


PROXY: Any = PolymorphicProxySerializer(
    component_name="Subject",
    serializers={"author": AuthorSerializer, "person": PersonSerializer},
    resource_type_field_name="kind",
)


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def tagged(name: str, *values: Any) -> dict[str, Any]:
    """A member of a union, with the key that tells."""
    kind = {"type": "object", "properties": {"kind": {"enum": list(values)}}, "required": ["kind"]}
    return {"allOf": [ref(name), kind]}


@pytest.fixture
def schemas() -> Schemas:
    return Schemas("#/$defs/", Types())


def actions_of(prefix: str, consumer: Any) -> dict[str, Any]:
    """The actions of one consumer by their names."""
    router = Router()
    router.register(prefix, consumer)
    found = native_actions(router.registry.values(), schemas_at("#/$defs/"))
    return {action.action: action for action in found}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (OpenApiTypes.FLOAT, {"type": ["number", "null"]}),
        (OpenApiTypes.URI, {"type": ["string", "null"]}),
        (OpenApiTypes.ANY, {}),
        (serializers.IntegerField(allow_null=True), {"type": ["integer", "null"]}),
        (serializers.DateField, {"type": "string", "format": "date"}),
        (AuthorSerializer, ref("Author")),
        (AuthorSerializer(many=True), {"type": "array", "items": ref("Author")}),
        (list[str], {"type": "array", "items": {"type": "string"}}),
        (
            {"type": "object", "properties": {"x": {"type": "integer", "nullable": True}}},
            {
                "type": ["object", "null"],
                "properties": {"x": {"type": ["integer", "null"]}},
            },
        ),
        (
            {"type": "string", "enum": ["a"], "example": "a"},
            {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]},
        ),
        ({"$ref": "#/components/schemas/Elsewhere"}, {}),
        (
            PROXY,
            {
                "anyOf": [
                    {"anyOf": [tagged("Author", "author"), tagged("Person", "person")]},
                    {"type": "null"},
                ]
            },
        ),
    ],
    ids=repr,
)
def test_a_method_field_has_the_schema_that_spectacular_was_told(
    told: Any, expected: Any, schemas: Schemas
) -> None:
    class Thing(serializers.Serializer[Any]):
        field = serializers.SerializerMethodField()

        @extend_schema_field(told)
        def get_field(self, obj):  # type: ignore[no-untyped-def]
            return obj

    schemas.named(Thing, "output", "Test")
    assert schemas.definitions["Thing"]["properties"]["field"] == expected


def test_a_serializer_has_the_words_that_spectacular_was_told(schemas: Schemas) -> None:
    @extend_schema_serializer(deprecate_fields=["name"], description="Who writes.")
    class Writer(AuthorSerializer):
        pass

    schemas.named(Writer, "output", "Test")
    writer = schemas.definitions["Writer"]
    assert writer["description"] == "Who writes."
    assert writer["properties"]["name"] == {"type": "string", "deprecated": True}


def test_a_polymorphic_serializer_writes_what_one_of_its_members_writes(schemas: Schemas) -> None:
    class SubjectSerializer(serializers.Serializer[Any]):
        """Who or what."""

        class Meta:
            graphql_types = {"author": AuthorSerializer, 2: PersonSerializer}
            graphql_discriminator = "kind"

    assert schemas.named(SubjectSerializer, "input", "Test") == ref("SubjectInput")
    for_author, for_person = schemas.definitions["SubjectInput"]["anyOf"]
    assert for_author["properties"]["kind"] == {"enum": ["author"]}
    assert for_person["properties"]["kind"] == {"enum": ["2", 2]}
    assert "kind" in for_author["required"]
    assert for_author["additionalProperties"] is False
    assert schemas.named(SubjectSerializer, "output", "Test") == ref("Subject")
    assert schemas.definitions["Subject"] == {
        "anyOf": [tagged("Author", "author"), tagged("Person", "2", 2)],
        "description": "Who or what.",
    }


def test_what_writes_itself_promises_no_key(schemas: Schemas) -> None:
    class Own(PersonSerializer):
        def to_representation(self, instance: Any) -> Any:
            return {}

    schemas.named(Own, "output", "Test")
    own = schemas.definitions["Own"]
    assert own["properties"] == {"nick": {"type": ["string", "null"]}}
    assert "required" not in own


class LinkedSerializer(HyperChannelsApiModelSerializer):
    author: Any = HyperChannelsApiRelationField(
        queryset=Author.objects.all(), stream_name="people", kwarg_mappings={"who": "name"}
    )

    class Meta:
        model = Article
        fields = ("@id", "author")


LINK = {
    "type": "object",
    "properties": {
        "stream": {"const": "people"},
        "payload": {
            "type": "object",
            "properties": {"action": {"const": "retrieve"}, "who": {"type": "string"}},
            "required": ["action", "who"],
        },
    },
    "required": ["stream", "payload"],
}


def test_a_link_is_a_call_or_null(schemas: Schemas) -> None:
    schemas.named(LinkedSerializer, "output", "Test")
    found = schemas.definitions["Linked"]["properties"]
    assert found["author"] == {**LINK, "type": ["object", "null"]}
    payload = found["@id"]["properties"]["payload"]
    assert payload["properties"] == {"action": {"const": "retrieve"}, "pk": {"type": "integer"}}


def test_a_link_is_written_as_itself_or_as_a_key(schemas: Schemas) -> None:
    schemas.named(LinkedSerializer, "input", "Test")
    link, key = schemas.definitions["LinkedInput"]["properties"]["author"]["anyOf"]
    assert key == {"type": "integer"}
    assert link["properties"]["payload"]["additionalProperties"] is False


def test_links_to_many_may_lead_nowhere(schemas: Schemas) -> None:
    class ShelfSerializer(serializers.Serializer[Any]):
        authors: Any = HyperChannelsApiRelationField(
            many=True, queryset=Author.objects.all(), stream_name="people"
        )

    schemas.named(ShelfSerializer, "output", "Test")
    found = schemas.definitions["Shelf"]["properties"]["authors"]
    assert found["items"]["type"] == ["object", "null"]


class OwnPages(WebsocketLimitOffsetPagination):
    default_limit = 5

    def get_paginated_response(self, data: Any) -> Any:
        return [len(data), *data]


class AuthorConsumer(PaginatedModelListMixin, GenericAsyncAPIConsumer):
    queryset = Author.objects.all()
    serializer_class = AuthorSerializer
    pagination_class: Any = OwnPages


class WrappingConsumer(AuthorConsumer):
    pagination_class = WebsocketLimitOffsetPagination

    def get_paginated_response(self, data: Any) -> Any:
        return {"page": super().get_paginated_response(data)}


@pytest.mark.parametrize("consumer", [AuthorConsumer, WrappingConsumer])
def test_a_page_of_a_shape_of_its_own_is_any_json(consumer: Any) -> None:
    reply = actions_of("authors", consumer)["list"].reply
    assert reply["properties"]["data"] == {}


class AuthorViewSet(viewsets.ModelViewSet[Author]):
    queryset = Author.objects.all()
    serializer_class = AuthorSerializer


def view_actions() -> dict[str, Any]:
    methods: Any = {"get": "list", "post": "create"}
    view = view_as_consumer(AuthorViewSet.as_view(methods), {"list": "GET", "create": "POST"})
    return actions_of("authors", view)


def test_a_wrapped_view_reads_and_writes_what_its_serializer_does() -> None:
    found = view_actions()
    assert found["create"].request["properties"]["data"] == ref("AuthorInput")
    success, other = found["list"].reply["anyOf"]
    assert success["properties"]["data"] == {"type": "array", "items": ref("Author")}
    assert other["properties"]["response_status"]["minimum"] == 300


def test_a_wrapped_view_is_asked_for_an_object_by_its_key() -> None:
    class OneView(RetrieveModelMixin, GenericAPIView[Author]):
        queryset = Author.objects.all()
        serializer_class = AuthorSerializer
        lookup_field = "name"

        def get(self, request: Any, **kwargs: Any) -> Any:
            return self.retrieve(request, **kwargs)

    request = actions_of("authors", view_as_consumer(OneView.as_view(), {"one": "GET"}))["one"]
    assert request.request["required"] == ["action", "parameters"]
    assert request.request["properties"]["parameters"]["required"] == ["name"]


class Corner(TypedDict):
    """A corner of it.

    Attributes:
        x: From the left.
    """

    x: int
    y: NotRequired[int]


@dataclass
class Shape:
    corners: list[Corner]
    size: int = field(init=False, default=0)
    graphql_name: ClassVar[str] = "Form"


def test_a_structure_has_the_name_the_keys_and_the_words_of_its_type(schemas: Schemas) -> None:
    assert schemas.annotated(Shape, "output", "Test") == ref("Form")
    assert schemas.annotated(Shape, "input", "Test") == ref("FormInput")
    assert schemas.definitions["Form"]["required"] == ["corners", "size"]
    assert list(schemas.definitions["FormInput"]["properties"]) == ["corners"]
    corner = schemas.definitions["Corner"]
    assert corner["description"] == "A corner of it."
    assert corner["properties"]["x"] == {"type": "integer", "description": "From the left."}
    assert corner["required"] == ["x"]
