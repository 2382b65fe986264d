"""
Consumers for what the demo never does: throttles, failures, refusals to connect, odd replies.

Nothing here has a model; the actions answer with what they are given.
"""

from __future__ import annotations

import datetime
import decimal
import enum
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotAuthenticated, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle

from dcrf_graph.consumers import AsyncAPIConsumer, view_as_consumer
from dcrf_graph.decorators import action
from dcrf_graph.permissions import AllowAny, BasePermission
from dcrf_graph.routers import Router


class Conflict(APIException):
    status_code = 409
    default_detail = "Somebody else was faster."


class ThreePerHour(UserRateThrottle):
    rate = "3/hour"


class Size(enum.Enum):
    SMALL = "small"
    VERY_LARGE = "very-large"


class ParcelSerializer(serializers.Serializer[Any]):
    size = serializers.ChoiceField(choices=[(size.value, size.name) for size in Size])
    weight = serializers.DecimalField(max_digits=4, decimal_places=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["weight"] > 99:
            raise ValidationError("Too heavy.")
        return attrs


class EdgeConsumer(AsyncAPIConsumer):
    """Answers, and fails, in every way that an action can."""

    permission_classes = [AllowAny]

    @action(kind="query")
    async def double(self, number: int, **kwargs: Any) -> tuple[int, int]:
        return number * 2, 200

    @action(kind="query")
    def pick(
        self,
        size: Size,
        price: decimal.Decimal,
        day: datetime.date,
        gift: bool = False,
        note: str | None = None,
        **kwargs: Any,
    ) -> tuple[str, int]:
        return f"{size} {price!r} {day!r} {gift!r} {note!r}", 200

    @action(kind="query")
    async def anything(self, value: Any = "nothing", **kwargs: Any) -> tuple[Any, int]:
        return {"given": value}, 200

    @action(output=ParcelSerializer, input=ParcelSerializer)
    def pack(self, data: Any, **kwargs: Any) -> tuple[Any, int]:
        serializer = ParcelSerializer(data=data)
        serializer.is_valid(raise_exception=True)
        return serializer.data, 201

    @action()
    async def accept_silently(self, **kwargs: Any) -> None:
        """Answers nothing, which is acknowledged."""

    @action()
    def fail(self, how: str, **kwargs: Any) -> tuple[Any, int]:
        failures: dict[str, Exception] = {
            "unexpected": ZeroDivisionError("a secret"),
            "conflict": Conflict(),
            "missing": Http404("a secret"),
            "forbidden": DjangoPermissionDenied("Not on Sundays."),
            "not logged in": NotAuthenticated(),
            "one text": ValidationError("All wrong."),
            "nested": ValidationError({"first_part": [{"street_name": ["Unknown."]}, {}]}),
        }
        raise failures[how]


class ThrottledConsumer(AsyncAPIConsumer):
    permission_classes = [AllowAny]
    throttle_classes = [ThreePerHour]

    @action(kind="query")
    async def tick(self, **kwargs: Any) -> tuple[str, int]:
        return "tock", 200


class NobodyMayConnect(BasePermission):
    async def can_connect(self, scope: Any, consumer: Any, message: Any = None) -> bool:
        return False

    async def has_permission(self, scope: Any, consumer: Any, action: str, **kwargs: Any) -> bool:
        return True


class RefusingConsumer(AsyncAPIConsumer):
    permission_classes = [NobodyMayConnect]

    @action(kind="query")
    async def open(self, **kwargs: Any) -> tuple[str, int]:
        return "unreachable", 200


class ClosingConsumer(AsyncAPIConsumer):
    """Closes in `connect`, as consumers of Channels refuse a client."""

    permission_classes = [AllowAny]

    async def connect(self) -> None:
        await self.close(4001)

    @action(kind="query")
    async def open(self, **kwargs: Any) -> tuple[str, int]:
        return "unreachable", 200


class BrokenConsumer(AsyncAPIConsumer):
    """Raises in `connect`."""

    permission_classes = [AllowAny]
    failure: Exception = RuntimeError("a secret")

    async def connect(self) -> None:
        raise self.failure

    @action(kind="query")
    async def open(self, **kwargs: Any) -> tuple[str, int]:
        return "unreachable", 200


class BusyConsumer(BrokenConsumer):
    failure = Conflict()


class SundayConsumer(BrokenConsumer):
    failure = DjangoPermissionDenied()


class ParcelView(GenericAPIView[Any]):
    """A view of DRF, which refuses with a response."""

    serializer_class = ParcelSerializer

    def get(self, request: Request, **kwargs: Any) -> Response:
        if "lost" in request.query_params:
            raise Http404
        return Response({"many_sizes": [size.value for size in Size], **kwargs})

    def post(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.data, status=201)


def failing_view(request: Any) -> Any:
    """A plain view of Django, which raises."""
    raise Http404


edges = Router()
edges.register("edges", EdgeConsumer, singular="edge")
edges.register("clocks", ThrottledConsumer, singular="clock")
edges.register("refusing", RefusingConsumer)
edges.register("closing", ClosingConsumer)
edges.register("broken", BrokenConsumer)
edges.register("busy", BusyConsumer)
edges.register("sunday", SundayConsumer)
edges.register("views", view_as_consumer(failing_view, {"retrieve": "GET"}), singular="view")
edges.register(
    "parcels",
    view_as_consumer(ParcelView.as_view(), {"list": "GET", "create": "POST", "delete": "DELETE"}),
    singular="parcel",
)

PICK = {"size": "small", "price": "2.50", "day": "2026-07-01"}

CASES: dict[tuple[str, str], dict[str, dict[str, Any]]] = {
    ("edges", "double"): {
        "number": {"number": 21},
        "negative": {"number": -2},
        "missing": {},
        "null": {"number": None},
        "text": {"number": "many"},
        "list": {"number": [1]},
        "fraction": {"number": 1.5},
    },
    ("edges", "pick"): {
        "enum": PICK,
        "everything": {**PICK, "size": "very-large", "gift": True, "note": ""},
        "null for a note": {**PICK, "note": None},
        "no such size": {**PICK, "size": "huge"},
        "no decimal": {**PICK, "price": "cheap"},
        "no date": {**PICK, "day": "2026-13-01"},
        "no boolean": {**PICK, "gift": "perhaps"},
    },
    ("edges", "anything"): {
        "nothing": {},
        "null": {"value": None},
        "object": {"value": {"snake_case": [1, 2.5, None, True, "x"]}},
        "text": {"value": "null"},
    },
    ("edges", "pack"): {
        "parcel": {"data": {"size": "very-large", "weight": "2.5"}},
        "number": {"data": {"size": "small", "weight": 2}},
        "too heavy": {"data": {"size": "small", "weight": "100.0"}},
        "too exact": {"data": {"size": "small", "weight": "1.25"}},
        "missing field": {"data": {"size": "small"}},
        "text": {"data": "small"},
        "missing": {},
    },
    ("edges", "accept_silently"): {"plain": {}},
    ("edges", "fail"): {
        how: {"how": how}
        for how in (
            "unexpected",
            "conflict",
            "missing",
            "forbidden",
            "not logged in",
            "one text",
            "nested",
            "in a way that nobody knows",
        )
    },
    ("clocks", "tick"): {"plain": {}},
    ("refusing", "open"): {"plain": {}},
    ("closing", "open"): {"plain": {}},
    ("broken", "open"): {"plain": {}},
    ("busy", "open"): {"plain": {}},
    ("sunday", "open"): {"plain": {}},
    ("views", "retrieve"): {"plain": {}, "no object": {"query": "text"}},
    ("parcels", "list"): {
        "plain": {},
        "parameters": {"parameters": {"day": 3}},
        "lost": {"query": {"lost": "yes"}},
    },
    ("parcels", "create"): {
        "parcel": {"data": {"size": "small", "weight": "1.5"}},
        "too heavy": {"data": {"size": "small", "weight": "100.0"}},
        "wrong fields": {"data": {"size": "huge", "weight": "heavy"}},
        "nothing": {},
    },
    ("parcels", "delete"): {"a method that the view does not have": {}},
}
