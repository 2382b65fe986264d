"""
The process that changes items, and writes down what it has done.

    python -m tests.e2e.processes.changes 10000 400

So many changes, so many a second: creates, updates, moves, deletes, each in a transaction of its
own. For each a line of stdout: what is to be heard of it, by place.
"""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any

PLACES = 4
MOST = 40
"""Items that there are at most."""


def change(number: int, chance: random.Random) -> dict[int, int | str]:
    """Change something; what each place hears of it: the number, or which item has left."""
    from tests.e2e.processes.models import Item

    items: list[Any] = list(Item.objects.all())
    what = chance.choice(["create", "update", "update", "update", "move", "delete"])
    if not items or (what == "create" and len(items) < MOST):
        return {Item.objects.create(place=chance.randrange(PLACES), number=number).place: number}
    item = chance.choice(items)
    gone = {item.place: f"delete {item.pk}"}
    if what == "delete":
        item.delete()
        return {**gone}
    item.number = number
    if what == "move":
        item.place = chance.randrange(PLACES)
    item.save()
    return {**gone, item.place: number}


def main(count: int, rate: float, first: int = 1) -> None:
    """Change items, no faster than the rate."""
    import tests.e2e.processes.asgi  # noqa: F401 - a process knows the observers that it imports

    chance, begin = random.Random(first), time.monotonic()
    for number in range(first, first + count):
        print(json.dumps(change(number, chance)), flush=True)
        time.sleep(max(0.0, begin + (number - first + 1) / rate - time.monotonic()))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
