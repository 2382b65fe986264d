"""Who may follow a row, and who may no longer."""

from __future__ import annotations

from typing import Any

from tests.comparison.library import (
    BasePermission,
)
from tests.comparison.models import Card
from tests.comparison.scenario import reply, scenario
from tests.comparison.scenarios.instances import Cards, follower, rename
from tests.comparison.scenarios.mixins import three_cards
from tests.comparison.stage import Stage


@scenario("a row outside the consumer's queryset cannot be followed")
async def outside(stage: Stage) -> None:
    class Mine(Cards):
        queryset = Card.objects.all()

        def get_queryset(self, **kwargs: Any) -> Any:
            return super().get_queryset(**kwargs).filter(position=0)

    await three_cards()
    await follower(stage, Mine, 1, 2)


@scenario("a permission may refuse to follow")
async def refused(stage: Stage) -> None:
    class ReadOnly(BasePermission):
        async def has_permission(
            self, scope: dict[str, Any], consumer: Any, action: str, **kwargs: Any
        ) -> bool:
            return action == "retrieve"

    class Consumer(Cards):
        queryset = Card.objects.all()
        permission_classes = [ReadOnly]

    await three_cards()
    await follower(stage, Consumer, 1)


@scenario(
    "a follower whose permission was revoked is refused and sees nothing",
    differs="D16",
    ours=[
        reply("subscribe_instance", status=201),
        reply("update", status=403, errors=["You do not have permission to perform this action."]),
    ],
)
async def revoked(stage: Stage) -> None:
    allowed = {"yes": True}

    class Revocable(BasePermission):
        async def has_permission(
            self, scope: dict[str, Any], consumer: Any, action: str, **kwargs: Any
        ) -> bool:
            return allowed["yes"]

    class Consumer(Cards):
        queryset = Card.objects.all()
        permission_classes = [Revocable]

    await three_cards()
    client = await follower(stage, Consumer, 1)
    allowed["yes"] = False
    await rename(1, "secret")
    await client.until(response_status=403)


@scenario(
    "a follower who may not write keeps hearing changes",
    differs="D17",
    ours=[
        reply("subscribe_instance", status=201),
        reply("update", {"id": 1, "title": "uno", "position": 0}),
    ],
)
async def reader(stage: Stage) -> None:
    class Reader(BasePermission):
        async def has_permission(
            self, scope: dict[str, Any], consumer: Any, action: str, **kwargs: Any
        ) -> bool:
            return action in {"subscribe_instance", "retrieve"}

    class Consumer(Cards):
        queryset = Card.objects.all()
        permission_classes = [Reader]

    await three_cards()
    client = await follower(stage, Consumer, 1)
    await rename(1, "uno")
    await client.until(response_status=200)
