"""Lists in pages, asked for or streamed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from tests.comparison.library import (
    GenericAsyncAPIConsumer,
    IsAuthenticated,
    ListModelMixin,
    PaginatedModelListMixin,
    StreamedPaginatedListMixin,
    WebsocketLimitOffsetPagination,
)
from tests.comparison.models import Card
from tests.comparison.scenario import reply, scenario
from tests.comparison.scenarios.mixins import three_cards
from tests.comparison.serializers import CardSerializer
from tests.comparison.stage import Stage


class Pairs(WebsocketLimitOffsetPagination):
    """Two rows a page, never more than three."""

    default_limit = 2
    max_limit = 3


class Paged(PaginatedModelListMixin, GenericAsyncAPIConsumer):
    """Cards by pages."""

    queryset = Card.objects.all()
    serializer_class = CardSerializer
    pagination_class: Any = Pairs


class Streamed(StreamedPaginatedListMixin, GenericAsyncAPIConsumer):
    """Cards, page after page."""

    queryset = Card.objects.all()
    serializer_class = CardSerializer
    pagination_class = Pairs


@scenario("a page has its count, rows, limit and offset")
async def page(stage: Stage) -> None:
    await three_cards()
    client = await stage.connect(Paged)
    await client.call("list")
    await client.call("list", request_id=2, offset=2)
    await client.call("list", request_id=3, limit=1, offset=1)


@scenario("a page past the end, or of an empty table, has no rows")
async def empty_page(stage: Stage) -> None:
    client = await stage.connect(Paged)
    await client.call("list")
    await three_cards()
    await client.call("list", request_id=2, offset=3)
    await client.call("list", request_id=3, offset=30)


@scenario("a limit is capped, and one that makes no sense is the default")
async def limits(stage: Stage) -> None:
    await three_cards()
    await Card.objects.acreate(title="four")
    client = await stage.connect(Paged)
    for number, limit in enumerate((100, 0, -1, "2", "two"), start=1):
        await client.call("list", request_id=number, limit=limit)


@scenario("an offset that makes no sense is zero")
async def offsets(stage: Stage) -> None:
    await three_cards()
    client = await stage.connect(Paged)
    for number, offset in enumerate((-1, "1", "one"), start=1):
        await client.call("list", request_id=number, offset=offset)


@scenario("without a paginator the paginated list is a plain list")
async def unpaged(stage: Stage) -> None:
    class Consumer(Paged):
        pagination_class = None

    await three_cards()
    await (await stage.connect(Consumer)).call("list", limit=1)


@scenario(
    "a paginator without a limit lists everything",
    differs="D21",
    ours=[
        reply(
            "list",
            [
                {"id": 1, "title": "one", "position": 0},
                {"id": 2, "title": "two", "position": 1},
                {"id": 3, "title": "three", "position": 2},
            ],
        ),
        reply(
            "list",
            {
                "count": 3,
                "results": [{"id": 1, "title": "one", "position": 0}],
                "limit": 1,
                "offset": 0,
            },
            request_id=2,
        ),
    ],
)
async def unlimited(stage: Stage) -> None:
    class Consumer(Paged):
        pagination_class = WebsocketLimitOffsetPagination

    await three_cards()
    client = await stage.connect(Consumer)
    await client.call("list")
    await client.call("list", request_id=2, limit=1)


@scenario(
    "a limit over a thousand is cut where the paginator has no maximum",
    differs="D29",
    ours=[reply("list", {"count": 0, "results": [], "limit": 1000, "offset": 0})],
)
async def very_large_page(stage: Stage) -> None:
    class Consumer(Paged):
        pagination_class = WebsocketLimitOffsetPagination

    await (await stage.connect(Consumer)).call("list", limit=1001)


@scenario("a paginator may have words of its own")
async def own_paginator(stage: Stage) -> None:
    class Worded(WebsocketLimitOffsetPagination):
        default_limit = 2

        def get_paginated_response(self, data: Any) -> Any:
            return {"rows": data, "more": self.count - self.offset - len(data)}

    class Consumer(Paged):
        pagination_class = Worded

    await three_cards()
    await (await stage.connect(Consumer)).call("list")


@scenario("get_paginated_response of the consumer may be overridden")
async def own_response(stage: Stage) -> None:
    class Consumer(Paged):
        def get_paginated_response(self, data: Any) -> Any:
            return {"page": super().get_paginated_response(data)}

    await three_cards()
    await (await stage.connect(Consumer)).call("list")


@scenario("pages follow get_queryset and the serializer of the action")
async def narrowed_pages(stage: Stage) -> None:
    class Consumer(Paged):
        def get_queryset(self, **kwargs: Any) -> Any:
            return super().get_queryset(**kwargs).filter(title__startswith="t")

    await three_cards()
    await (await stage.connect(Consumer)).call("list")


@scenario("a streamed list sends page after page under one request id")
async def streamed(stage: Stage) -> None:
    await three_cards()
    await Card.objects.acreate(title="four")
    await Card.objects.acreate(title="five")
    client = await stage.connect(Streamed)
    await client.send(action="list", request_id=1)
    while (await client.until(request_id=1))["data"]["offset"] < 4:
        pass


@scenario("a streamed list that fits in one page sends one")
async def streamed_once(stage: Stage) -> None:
    await Card.objects.acreate(title="one")
    await (await stage.connect(Streamed)).call("list")


@scenario("a streamed list of nothing sends one empty page")
async def streamed_nothing(stage: Stage) -> None:
    await (await stage.connect(Streamed)).call("list")


@scenario("a streamed list obeys its limit and its first offset")
async def streamed_limit(stage: Stage) -> None:
    await three_cards()
    await Card.objects.acreate(title="four")
    client = await stage.connect(Streamed)
    await client.send(action="list", request_id=1, limit=1, offset=1)
    while (await client.until(request_id=1))["data"]["offset"] < 3:
        pass


@scenario("the streamed mixin may stand before the plain list")
async def streamed_over_plain(stage: Stage) -> None:
    class Consumer(StreamedPaginatedListMixin, ListModelMixin, GenericAsyncAPIConsumer):
        queryset = Card.objects.all()
        serializer_class = CardSerializer
        pagination_class = Pairs

    await three_cards()
    client = await stage.connect(Consumer)
    await client.send(action="list", request_id=1)
    while (await client.until(request_id=1))["data"]["offset"] < 2:
        pass


class Gated(Streamed):
    """Holds every page but the first until `opened`, or for a moment where nothing opens it."""

    opened: asyncio.Event

    async def reply(self, *args: Any, **kwargs: Any) -> None:
        if (kwargs.get("data") or {}).get("offset"):
            with contextlib.suppress(TimeoutError):  # upstream answers no call while it streams
                await asyncio.wait_for(self.opened.wait(), 0.5)
        await super().reply(*args, **kwargs)


@scenario(
    "a call sent while a list streams is answered before its last page",
    differs="N01",
    ours=[
        reply(
            "list",
            {
                "count": 3,
                "results": [
                    {"id": 1, "title": "one", "position": 0},
                    {"id": 2, "title": "two", "position": 1},
                ],
                "limit": 2,
                "offset": 0,
            },
        ),
        reply("missing", status=405, errors=['Method "missing" not allowed.'], request_id=2),
        reply(
            "list",
            {
                "count": 3,
                "results": [{"id": 3, "title": "three", "position": 2}],
                "limit": 2,
                "offset": 2,
            },
        ),
    ],
)
async def streaming_detached(stage: Stage) -> None:
    class Consumer(Gated):
        opened = asyncio.Event()

    await three_cards()
    client = await stage.connect(Consumer)
    await client.call("list")
    await client.call("missing", request_id=2)
    Consumer.opened.set()
    while not any((frame["data"] or {}).get("offset") for frame in client.frames):
        await client.until(request_id=1)


@scenario(
    "a streamed list may be cancelled by its request id",
    differs="N01",
    ours=[
        reply(
            "list",
            {
                "count": 3,
                "results": [
                    {"id": 1, "title": "one", "position": 0},
                    {"id": 2, "title": "two", "position": 1},
                ],
                "limit": 2,
                "offset": 0,
            },
        ),
        reply("list_cancel", status=204),
    ],
)
async def list_cancel(stage: Stage) -> None:
    class Consumer(Gated):
        opened = asyncio.Event()

    await three_cards()
    client = await stage.connect(Consumer)
    await client.call("list")
    await client.send(action="list_cancel", request_id=1)
    await client.until(action="list_cancel")
    Consumer.opened.set()


@scenario(
    "a secured base class stays secured under the paginated list",
    differs="D06",
    ours=[reply("list", status=403, errors=["You do not have permission to perform this action."])],
)
async def secured_base(stage: Stage) -> None:
    class Secured(GenericAsyncAPIConsumer):
        permission_classes = [IsAuthenticated]

    class Consumer(PaginatedModelListMixin, Secured):
        queryset = Card.objects.all()
        serializer_class = CardSerializer
        pagination_class = Pairs

    await three_cards()
    await (await stage.connect(Consumer)).call("list")
