"""
An evening in the kitchen: every action of every consumer, in an order in which it can succeed.

One list for both protocols. Arguments are as in a native frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.kitchen.consumers import bell
from tests.kitchen.models import Dish, Step, Supplier, Tag

HERE = Path(__file__).parent
DOT = bytes.fromhex(
    "47494638396101000100800000ffffff00000021f90400000000002c00000000010001000002024401003b"
)

SUPPLIER = {"name": "Bo", "code": "bo"}
ORDER = {"kind": "in", "guest": "Ada", "table": 1}
TABLE = {"number": 1, "seats": 4, "near": "door"}
TEN = {"number": 1, "seats": 10}
DISH = {
    "name": "Soup",
    "slug": "soup",
    "course": "starter",
    "heat": 2,
    "grade": "A+",
    "eaten": 2**40,
    "rating": 4.5,
    "price": "2.50",
    "token": "0b5c1e1e-6f0c-4f5c-8a51-2f1b6a2f4c3d",
    "since": "2026-11-22",
    "served_at": "12:00:00",
    "cooking": "00:20:00",
    "seen_from": "127.0.0.1",
    "notes": {"a": [1, None]},
    "temperature": 80,
    "supplier_id": 1,
    "tag_ids": [1],
}
ECHO = {
    "text": "a",
    "number": 1,
    "ratio": 1.5,
    "sure": True,
    "price": "2.50",
    "day": "2026-11-22",
    "moment": "2026-11-22T10:44:39Z",
    "clock": "10:44:39",
    "span": "00:20:00",
    "key": "0b5c1e1e-6f0c-4f5c-8a51-2f1b6a2f4c3d",
    "weather": "rain",
    "course": "main",
    "tags": ["a", "b"],
    "table": TABLE,
    "anything": {"at": ["all"]},
    "free": {"a": 1},
    "tone": "high",
}
EVERYTHING = {
    **dict.fromkeys(("char", "slug", "regex", "onlyWritten", "labelled", "nullable"), "ab"),
    **dict.fromkeys(("decimal", "decimalLocal", "modelField", "money"), "2.50"),
    **dict.fromkeys(("uuid", "uuidHex"), "0b5c1e1e-6f0c-4f5c-8a51-2f1b6a2f4c3d"),
    **dict.fromkeys(("date", "dateOrText"), "2026-11-22"),
    "dict": {"a": [1]},
    "dictOfIntegers": {"a": 1},
    "boolean": True,
    "email": "a@example.org",
    "url": "https://example.org/",
    "uuidInt": 2**100,
    "filePath": str(HERE / "models.py"),
    "ip": "127.0.0.1",
    "integer": 1,
    "bigInteger": 2**40,
    "float": 1.5,
    "decimalNumber": 2.5,
    "dateTime": "2026-11-22T10:44:39Z",
    "dateTimeFormatted": "22.11.2026",
    "time": "10:44:39",
    "duration": "3 04:00:00",
    "choice": "B_C",
    "choiceOfClass": "MAIN",
    "choiceOfNumbers": "HOT",
    "choiceOrBlank": None,
    "choices": ["X", "Y"],
    "file": SimpleUploadedFile("soup.txt", b"soup"),
    "image": SimpleUploadedFile("dot.gif", DOT, "image/gif"),
    "list": [1, None],
    "listOfIntegers": [1],
    "listOfNulls": [None],
    "listOfLists": [[1.5]],
    "hstore": {"a": "b"},
    "json": {"a": 1},
    "jsonText": "{}",
    "primaryKey": 1,
    "primaryKeys": [1],
    "slugRelated": "dish-2",
    "slugNullable": "NL",
    "hyperlink": "/dishes/1/",
    "nested": {"name": "Di", "code": "di"},
    "nestedMany": [{"name": "sour"}],
}
"""What GraphQL can send for ``EveryField``; files do not travel in native frames."""


@dataclass(frozen=True)
class Ask:
    """One request.

    ``variables`` are those of GraphQL, where they are not just the same. ``replies``: how many
    come natively. ``after`` is what makes a subscription hear something. ``refused``: the
    status of a request that no native client can make.
    """

    stream: str
    action: str
    keys: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] | None = None
    replies: int = 1
    after: str = ""
    refused: int | None = None

    def __str__(self) -> str:
        return f"{self.stream}.{self.action}"


EVENING = (
    Ask("guests", "add_supplier", {"supplier": SUPPLIER}),
    Ask("suppliers", "patch", {"code": "ada", "data": {"country": "NL"}}),
    Ask("suppliers", "retrieve", {"code": "ada"}),
    Ask("suppliers", "list", {"query": {"page": "1", "size": "1"}}, {"page": 1, "pageSize": 1}),
    Ask("tags", "create", {"data": {"name": "hot"}}),
    Ask("tags", "list"),
    Ask("dishes", "create", {"data": DISH}),
    Ask("dishes", "update", {"pk": 1, "data": {"name": "Pie", "slug": "pie", "price": "3.00"}}),
    Ask("dishes", "patch", {"pk": 1, "data": {"rating": None, "diet": "vegan"}}),
    Ask("dishes", "retrieve", {"pk": 1}),
    Ask("dishes", "list", {"limit": 1, "query": {"search": "pie", "ordering": "-price,name"}}),
    Ask("dishes", "cook", {"pk": 1, "portions": 2}),
    Ask("dishes", "set_tags", {"pk": 1, "data": [{"name": "mild"}]}),
    Ask("dishes", "measure", {"pk": 1}),
    Ask("dishes", "suggest_tags", {"text": "a", "tone": "loud"}),
    Ask("dishes", "search", {"text": "a"}),
    Ask("dishes", "warm_up", {"pk": 1}),
    Ask("dishes", "burn"),
    Ask("dishes", "preheat", {"degrees": 180.5}),
    Ask("dishes", "tick", {"until": 2}, replies=3),
    Ask("dishes", "watch_orders"),
    Ask("dishes", "subscribe_dish_activity", {"course": "main"}, after="save"),
    Ask("dishes", "subscribe_instance", {"pk": 1}, after="save"),
    Ask("dishes", "unsubscribe_instance", {"pk": 1}),
    Ask("steps", "list", {"dish": 1}),
    Ask("menu", "list", {"limit": 1}, replies=3),
    Ask("menu", "list_cancel", refused=404),
    Ask("guests", "everything"),
    Ask("guests", "send_everything", variables={"data": EVERYTHING}, refused=400),
    Ask("guests", "book", {"booking": {"guests": 2, "day": "2026-11-22", "table": TABLE}}),
    Ask("guests", "echo", ECHO),
    Ask("guests", "order", {"order": ORDER}, {"order": {"eatIn": {"guest": "Ada", "table": 1}}}),
    Ask("guests", "subscribe_to_bell", after="ring"),
    Ask("vendors", "create", {"data": {"name": "Cy", "code": "cy"}}),
    Ask("vendors", "list", {"query": {"search": "Cy"}}, {"search": "Cy"}),
    Ask(
        "partners",
        "patch",
        {"parameters": {"pk": 1}, "data": {"country": "DE"}},
        {"id": 1, "data": {"country": "DE"}},
    ),
    Ask("partners", "retrieve", {"parameters": {"pk": 1}}, {"id": 1}),
    Ask("dishes", "delete", {"pk": 2}),
)


def stock() -> None:
    """The rows that the evening begins with."""
    Supplier.objects.create(pk=1, name="Ada", code="ada")
    tag = Tag.objects.create(pk=1, name="cold")
    for key in (1, 2):
        dish = Dish.objects.create(pk=key, name=f"Dish {key}", slug=f"dish-{key}", price="1.00")
        dish.tags.add(tag)
    top = Step.objects.create(pk=1, dish_id=1, text="Cook it")
    Step.objects.create(pk=2, dish_id=1, parent=top, text="Heat it")


def happen(what: str) -> None:
    """What a subscription hears of."""
    if what == "ring":
        bell.send(sender=None, table=TEN)
    else:
        dish = Dish.objects.get(pk=1)
        dish.course = "main"
        dish.save()
