"""An action of every form; every paginator, filter and kind of subscription."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import django_filters as df
from django.dispatch import Signal
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import filters, viewsets
from rest_framework.pagination import (
    CursorPagination,
    LimitOffsetPagination,
    PageNumberPagination,
)

from dcrf_graph.consumers import AsyncAPIConsumer, view_as_consumer
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import (
    CreateModelMixin,
    DeleteModelMixin,
    ListModelMixin,
    PaginatedModelListMixin,
    PatchModelMixin,
    RetrieveModelMixin,
    StreamedPaginatedListMixin,
    UpdateModelMixin,
)
from dcrf_graph.observer import model_observer, observer
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.pagination import WebsocketLimitOffsetPagination
from dcrf_graph.routers import Router
from tests.kitchen.models import Course, Dish, Step, Supplier, Tag
from tests.kitchen.serializers import (
    DishSerializer,
    EveryField,
    Nutrition,
    OrderSerializer,
    StepSerializer,
    SupplierCardSerializer,
    SupplierSerializer,
    Table,
    TagSerializer,
    Weather,
    sample,
)

bell = Signal()


class Limited(WebsocketLimitOffsetPagination):
    default_limit = 20


class Offsets(LimitOffsetPagination):
    default_limit = 20


class Numbered(PageNumberPagination):
    page_size = 10
    page_size_query_param = "size"


class Cursors(CursorPagination):
    page_size = 10
    ordering = "name"


class DishFilter(df.FilterSet):  # type: ignore[misc]
    price = df.RangeFilter(help_text="Of a portion.")
    since = df.DateFromToRangeFilter()
    course_in = df.BaseInFilter(field_name="course")
    without = df.ModelMultipleChoiceFilter(
        field_name="tags", queryset=Tag.objects.all(), exclude=True
    )
    is_hot = df.BooleanFilter()

    class Meta:
        model = Dish
        fields = {"name": ["exact", "icontains"], "heat": ["exact", "gte"], "course": ["exact"]}


class DishConsumer(
    PaginatedModelListMixin,
    CreateModelMixin,
    UpdateModelMixin,
    PatchModelMixin,
    DeleteModelMixin,
    ObserverModelInstanceMixin,
    GenericAsyncAPIConsumer,
):
    queryset = Dish.objects.order_by("pk")
    serializer_class = DishSerializer
    pagination_class = Limited
    filter_backends = [DjangoFilterBackend, filters.SearchFilter, filters.OrderingFilter]
    filterset_class = DishFilter
    search_fields = ["name", "description"]
    ordering_fields = ["name", "price", "created"]

    @action(output=DishSerializer)
    def cook(self, pk: int, portions: int = 1, **kwargs: Any) -> Any:
        """Cook a dish.

        Args:
            pk: The dish.
            portions: How many plates.
        """
        return self.get_serializer(instance=self.get_object(pk=pk)).data

    @action(kind="query")
    def measure(self, pk: int, **kwargs: Any) -> Nutrition | None:
        return Nutrition(100, Decimal("1.50"), ["C"])

    @action(kind="query", output=list[TagSerializer], graphql_name="dishTagIdeas")
    def suggest_tags(
        self, text: str, tone: Literal["plain", "loud"] = "plain", **kwargs: Any
    ) -> Any:
        return [TagSerializer(instance=Tag(pk=1, name=text)).data]

    @action(kind="query", output=(TagSerializer, SupplierSerializer))
    def search(self, text: str, **kwargs: Any) -> Any:
        """The tag or supplier that fits best."""
        return SupplierSerializer(instance=Supplier(pk=1, name=text, code="s")).data

    @action(input=list[TagSerializer], output=list[TagSerializer])
    def set_tags(self, pk: int, data: Any, **kwargs: Any) -> Any:
        """Replace the tags of a dish."""
        serializer: Any = TagSerializer(data=data, many=True)
        serializer.is_valid(raise_exception=True)
        self.get_object(pk=pk).tags.set(serializer.save())
        return serializer.data

    @action(deprecated="Dishes do not get cold any more.")
    def warm_up(self, pk: int, **kwargs: Any) -> bool:
        return True

    @action(graphql=False)
    def burn(self, **kwargs: Any) -> None: ...

    @action(detached=True)
    async def preheat(self, degrees: float, **kwargs: Any) -> None:
        """Heat the oven; answers when it is hot."""

    @action()
    async def tick(self, until: int, **kwargs: Any) -> AsyncIterator[int]:
        """Count the seconds."""
        for number in range(until):
            yield number

    @action(streams=True, output=OrderSerializer)
    async def watch_orders(self, request_id: Any, **kwargs: Any) -> None:
        order = {"guest": "Ada", "table": 1}
        data = OrderSerializer().to_representation(order)
        await self.reply(action="watch_orders", data=data, request_id=request_id)

    @model_observer(Dish, serializer_class=DishSerializer)
    async def dish_activity(
        self, message: Any, action: Any = None, subscribing_request_ids: Any = (), **kwargs: Any
    ) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(data=message, action=action, request_id=request_id)

    @dish_activity.groups_for_signal  # type: ignore[no-redef]
    def dish_activity(self, instance: Dish, **kwargs: Any) -> Iterator[str]:
        yield instance.course

    @dish_activity.groups_for_consumer  # type: ignore[no-redef]
    def dish_activity(self, course: Course, **kwargs: Any) -> Iterator[str]:
        yield course.value

    @action(subscribes="dish_activity")
    async def subscribe_dish_activity(self, course: Course, request_id: Any, **kwargs: Any) -> None:
        """What happens to the dishes of a course."""
        await self.dish_activity.subscribe(course=course, request_id=request_id)


class SupplierConsumer(
    PaginatedModelListMixin, RetrieveModelMixin, PatchModelMixin, GenericAsyncAPIConsumer
):
    """Found by code, paged by number; each action may have a serializer of its own."""

    queryset = Supplier.objects.order_by("pk")
    serializer_class = SupplierSerializer
    pagination_class = Numbered
    lookup_field = "code"

    def get_serializer_class(self, action: str = "", **kwargs: Any) -> Any:
        return SupplierCardSerializer if action == "retrieve" else SupplierSerializer


class TagConsumer(PaginatedModelListMixin, CreateModelMixin, GenericAsyncAPIConsumer):
    queryset = Tag.objects.order_by("name")
    serializer_class = TagSerializer
    pagination_class = Cursors


class StepConsumer(ListModelMixin, GenericAsyncAPIConsumer):
    queryset = Step.objects.filter(parent=None).order_by("pk")
    serializer_class = StepSerializer

    @action()
    async def list(self, dish: int, **kwargs: Any) -> Any:
        """The steps of a dish."""
        return await super().list(dish=dish, **kwargs)

    def filter_queryset(self, queryset: Any, **kwargs: Any) -> Any:
        return super().filter_queryset(queryset.filter(dish=kwargs["dish"]), **kwargs)


class MenuConsumer(StreamedPaginatedListMixin, GenericAsyncAPIConsumer):
    queryset = Dish.objects.order_by("pk")
    serializer_class = DishSerializer
    pagination_class = Limited


@dataclass
class Booking:
    """A table that is wanted.

    Attributes:
        guests: Children count.
    """

    guests: int
    day: datetime.date
    table: Table | None = None
    special: bool = False


class GuestConsumer(AsyncAPIConsumer):
    """Arguments of every annotation, without a model."""

    @action(kind="query", output=EveryField)
    def everything(self, **kwargs: Any) -> Any:
        """One of everything."""
        return EveryField(instance=sample(), context={"request": None}).data

    @action(input=EveryField, output=EveryField)
    def send_everything(self, data: Any, **kwargs: Any) -> Any:
        """Something for everything."""
        EveryField(data=data, context={"request": None}).is_valid(raise_exception=True)
        return EveryField(instance=sample(), context={"request": None}).data

    @action()
    async def book(self, booking: Booking, **kwargs: Any) -> Booking:
        return booking

    @action(output=SupplierSerializer)
    def add_supplier(self, supplier: SupplierSerializer, **kwargs: Any) -> Any:
        supplier.save()
        return supplier.data

    @action(kind="query")
    async def echo(
        self,
        text: str,
        number: int,
        ratio: float,
        sure: bool,
        price: Decimal,
        day: datetime.date,
        moment: datetime.datetime,
        clock: datetime.time,
        span: datetime.timedelta,
        key: uuid.UUID,
        weather: Weather,
        course: Course,
        tags: list[str],
        table: Table,
        anything: Any,
        free: dict[str, int],
        maybe: int | None = None,
        tone: Literal["low", "high"] = "low",
        **kwargs: Any,
    ) -> dict[str, Any]:
        return {"text": text, "moment": moment, "tags": tags, "table": table, "maybe": maybe}

    @action(output=OrderSerializer)
    async def order(self, order: OrderSerializer, **kwargs: Any) -> Any:
        return order.data

    @observer(bell)
    async def rung(self, message: Any, subscribing_request_ids: Any = (), **kwargs: Any) -> None:
        for request_id in subscribing_request_ids:
            await self.reply(action="rung", data=message["table"], request_id=request_id)

    @rung.serializer  # type: ignore[no-redef]
    def rung(self, signal: Any, table: Table, **kwargs: Any) -> dict[str, Any]:
        return {"table": table}

    @action(subscribes="rung", output=Table)
    async def subscribe_to_bell(self, request_id: Any, **kwargs: Any) -> None:
        """When somebody rings."""
        await self.rung.subscribe(request_id=request_id)


class SupplierViewSet(viewsets.ModelViewSet[Supplier]):
    queryset = Supplier.objects.order_by("pk")
    serializer_class = SupplierSerializer
    filter_backends = [filters.SearchFilter]
    search_fields = ["name"]


def kitchen() -> Router:
    """The router of the application."""
    router = Router()
    router.register("dishes", DishConsumer, singular="dish")
    router.register("suppliers", SupplierConsumer)
    router.register("tags", TagConsumer)
    router.register("steps", StepConsumer)
    router.register("menu", MenuConsumer, singular="menu_dish")
    router.register("guests", GuestConsumer, singular="guest")
    router.register(
        "vendors",
        view_as_consumer(
            SupplierViewSet.as_view({"get": "list", "post": "create"}),
            {"list": "GET", "create": "POST"},
        ),
        singular="vendor",
    )
    router.register(
        "partners",
        view_as_consumer(
            SupplierViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
            {"retrieve": "GET", "patch": "PATCH"},
        ),
        singular="partner",
    )
    return router
