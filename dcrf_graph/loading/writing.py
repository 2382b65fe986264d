"""
Writes rows by a plan: one function per serializer class, model and selection.

The function is put together as text and compiled, as ``dataclasses`` does it:
nothing of it comes from a client but the choice among the serializer's own keys.
It writes what DRF would write; tests compare the two.

Source: docs/decisions/0028-plans-for-serializers-that-are-drfs.md
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from django.core.exceptions import ObjectDoesNotExist
from django.core.signals import setting_changed
from django.db import router
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable
from django.db.models.signals import post_init, pre_init
from rest_framework.fields import get_attribute

from dcrf_graph.loading.converters import moment, zone_of_moments
from dcrf_graph.loading.needs import Needs
from dcrf_graph.loading.plans import Column, Given, Many, Node, One, node_of_class, selected
from dcrf_graph.loading.rows import load, may_be_deferred, may_be_narrowed, narrowed, prefetched
from dcrf_graph.loading.together import neighbours

Frozen: TypeAlias = tuple[tuple[str, "Frozen | None"], ...]
"""A selection that can be a key of a cache."""
Write: TypeAlias = Callable[[Iterable[Any], Any], list[dict[str, Any]]]
"""Writes rows; the second argument is the current time zone."""

KEPT = 1_000
"""Plans that are kept; clients choose selections."""
UNFIT = (
    ArithmeticError,
    AttributeError,
    LookupError,
    ObjectDoesNotExist,
    TypeError,
    ValueError,
)
"""What is raised by instances that are not as they were loaded, or whose relations are gone."""


@dataclass(frozen=True)
class Plan:
    """How to write rows.

    Args:
        columns: what ``values_list`` has to read; None where instances are needed.
        given: the annotations among them.
        of_values: writes the tuples of those columns.
        of_instances: writes instances; what ``needs`` says should be loaded.
        json: what is written are JSON values.
    """

    columns: tuple[str, ...] | None
    given: frozenset[str]
    joins: bool
    of_values: Write | None
    of_instances: Write
    needs: Needs
    json: bool


def frozen(selection: Any) -> Frozen | None:
    """A selection as a key."""
    if selection is None:
        return None
    return tuple(sorted((key, frozen(inside)) for key, inside in selection.items()))


def written(serializer_class: Any, rows: Any, selection: Any = None) -> list[Any] | None:
    """
    What a list serializer of this class would write of rows; None where DRF has to.

    Args:
        rows: a query, or instances of one model.
        selection: the keys that are wanted; see ``representation.Selection``.

    Raises:
        Exception: what the database raises.
    """
    if isinstance(rows, QuerySet):
        return written_of_query(serializer_class, rows, selection)
    if not isinstance(rows, list | tuple):
        return None  # what can be read only once is DRF's
    if not rows:
        return []
    model = type(rows[0])
    if not issubclass(model, Model) or any(type(row) is not model for row in rows):
        return None
    plan = plan_of(serializer_class, model, frozen(selection))
    return None if plan is None else written_of_instances(plan, list(rows))


def writes_json(serializer_class: Any, model: type[Model], selection: Any = None) -> bool:
    """Whether what ``written`` gives holds nothing that an encoder has to look at."""
    plan = plan_of(serializer_class, model, frozen(selection))
    return plan is not None and plan.json


def written_of_query(serializer_class: Any, rows: Any, selection: Any) -> list[Any] | None:
    plan = plan_of(serializer_class, rows.model, frozen(selection))
    if plan is None or rows._iterable_class is not ModelIterable:
        return None
    tuples = as_tuples(plan, rows)
    if tuples is not None:
        assert plan.of_values is not None
        return plan.of_values(tuples, zone_of_moments())
    return written_of_instances(plan, list(narrowed(rows, plan.needs)))


def as_tuples(plan: Plan, rows: QuerySet[Any]) -> Any:
    """The columns of a query instead of its rows; None where somebody might tell the difference."""
    if plan.columns is None or not may_be_narrowed(rows) or prefetched(rows):
        return None
    if not gives_rows_as_django(type(rows)):
        return None
    if not plan.given <= rows.query.annotations.keys() or not is_made_by_django(rows.model):
        return None
    if plan.joins and router.routers:
        return None
    return rows.values_list(*plan.columns)


def gives_rows_as_django(made_by: Any) -> bool:
    """Whether querysets of a class do nothing to the rows that they give."""
    of_django: Any = QuerySet
    return all(getattr(made_by, n) is getattr(of_django, n) for n in ("__iter__", "_fetch_all"))


def is_made_by_django(model: type[Model]) -> bool:
    """Whether nobody hears of it when an instance is made."""
    heard = post_init.has_listeners(model) or pre_init.has_listeners(model)
    return may_be_deferred(model) and not heard


def written_of_instances(plan: Plan, rows: list[Any]) -> list[Any] | None:
    known = [row for row in rows if row.pk is not None and not row._state.adding]
    if len(known) == 1:
        with neighbours(known[0]) as found:
            load(found, plan.needs)
    else:
        load(known, plan.needs)
    try:
        return plan.of_instances(rows, zone_of_moments())
    except UNFIT:
        return None  # DRF says what is wrong, or leaves it out, or can write it after all


@lru_cache(maxsize=KEPT)
def plan_of(
    serializer_class: Any, model: type[Model], selection: Frozen | None = None
) -> Plan | None:
    """The plan of a serializer class; None where DRF has to write."""
    node = node_of_class(serializer_class, model)
    if node is None or not is_known(node, thawed(selection)):
        return None
    chosen = thawed(selection)
    values = Writer() if is_flat(node, chosen) else None
    text = None if values is None else values.row_of_values(node, chosen)
    instances = Writer()
    of_instances = instances.compiled(instances.of_instance(node, chosen, "row"))
    return Plan(
        columns=None if values is None else tuple(values.columns),
        given=frozenset(() if values is None else values.given),
        joins=values is not None and values.joins,
        of_values=None if values is None or text is None else values.compiled(text),
        of_instances=of_instances,
        needs=needs_of(node, chosen),
        json=is_json(node, chosen),
    )


def forget(**kwargs: Any) -> None:
    plan_of.cache_clear()


setting_changed.connect(forget)


def thawed(selection: Frozen | None) -> dict[str, Any] | None:
    if selection is None:
        return None
    return {key: thawed(inside) for key, inside in selection}


def inside(selection: dict[str, Any] | None, key: str) -> dict[str, Any] | None:
    return None if selection is None else selection[key]


def is_known(node: Node, selection: dict[str, Any] | None) -> bool:
    """Whether everything that is selected can be written without DRF."""
    for key, part in selected(node, selection).items():
        if part is None:
            return False
        inner = part.node if isinstance(part, One | Many) else None
        if inner is not None and not is_known(inner, inside(selection, key)):
            return False
    return True


def is_flat(node: Node, selection: dict[str, Any] | None) -> bool:
    """Whether one query of columns has it all."""
    for key, part in selected(node, selection).items():
        if isinstance(part, Many):
            return False
        if isinstance(part, One):
            if any(
                isinstance(p, Given) for p in selected(part.node, inside(selection, key)).values()
            ):
                return False
            if not is_flat(part.node, inside(selection, key)):
                return False
    return True


def is_json(node: Node, selection: dict[str, Any] | None) -> bool:
    """Whether nothing is written but JSON values."""
    for key, part in selected(node, selection).items():
        match part:
            case Column(json=json):
                known = json
            case Many(node=None, value=value):
                known = value is not None and value.json
            case One(node=inner) | Many(node=inner) if inner is not None:
                known = is_json(inner, inside(selection, key))
            case _:
                known = False
        if not known:
            return False
    return True


def needs_of(node: Node, selection: dict[str, Any] | None) -> Needs:
    """What has to be loaded of instances."""
    needs = Needs(node.model)
    for key, part in selected(node, selection).items():
        match part:
            case Column(name=name):
                needs.column(node.model._meta.get_field(name).name)
            case One(name=name, node=inner):
                needs.column(name)
                needs.one[name] = needs_of(inner, inside(selection, key))
            case Many(name=name, model=model, node=inner):
                target = Needs(model)
                if inner is not None:
                    target = needs_of(inner, inside(selection, key))
                elif part.value is not None:
                    target.column(part.value.name)
                needs.many[name] = target
            case _:
                needs.anything()
    return needs


class Writer:
    """Puts the text of one function together."""

    def __init__(self) -> None:
        self.columns: list[str] = []
        self.given: list[str] = []
        self.joins = False
        self._names: dict[str, Any] = {"moment": moment, "get_attribute": get_attribute}
        self._numbers = itertools.count()

    def compiled(self, row: str) -> Write:
        """The function, given the text that writes one ``row``."""
        source = f"lambda rows, zone: [{row} for row in rows]"
        write: Write = eval(compile(source, "<plan>", "eval"), self._names)
        return write

    # -- tuples ----------------------------------------------------------------------

    def row_of_values(self, node: Node, selection: dict[str, Any] | None, before: str = "") -> str:
        items = []
        for key, part in selected(node, selection).items():
            match part:
                case Column():
                    value = self.converted(part, self.place(before + part.attribute))
                case Given(name=name):
                    self.given.append(name)
                    value = self.converted(part, self.place(name))
                case One(name=name, attribute=attribute, node=inner):
                    self.joins = True
                    link = self.place(before + attribute)
                    below = self.row_of_values(inner, inside(selection, key), f"{before}{name}__")
                    value = f"(None if {link} is None else {below})"
                case _:
                    raise TypeError(f"{part!r} is no value")
            items.append(f"{key!r}: {value}")
        return f"{{{', '.join(items)}}}"

    def place(self, column: str) -> str:
        if column not in self.columns:
            self.columns.append(column)
        return f"row[{self.columns.index(column)}]"

    # -- instances -------------------------------------------------------------------

    def of_instance(self, node: Node, selection: dict[str, Any] | None, row: str) -> str:
        items = []
        for key, part in selected(node, selection).items():
            below = inside(selection, key)
            match part:
                case Column(attribute=attribute):
                    value = self.held(part, f"{row}.{attribute}")
                case Given(name=name):
                    value = self.converted(part, f"get_attribute({row}, [{name!r}])")
                case One(name=name, node=inner):
                    one = f"r{next(self._numbers)}"
                    written = self.of_instance(inner, below, one)
                    value = f"(None if ({one} := {row}.{name}) is None else {written})"
                case Many(name=name, node=inner):
                    each = f"r{next(self._numbers)}"
                    if inner is not None:
                        written = self.of_instance(inner, below, each)
                    else:
                        assert part.value is not None
                        written = self.converted(part.value, f"{each}.{part.value.attribute}")
                    value = f"[{written} for {each} in {row}.{name}.all()]"
                case None:
                    raise TypeError(f"{key!r} is not known")
            items.append(f"{key!r}: {value}")
        return f"{{{', '.join(items)}}}"

    def held(self, part: Column, read: str) -> str:
        """The text for a value of an instance, which may be of any type."""
        if part.expected is None:
            return self.converted(part, read)
        value = f"v{next(self._numbers)}"
        usual = value if part.convert is None else f"{self.name(part.convert)}({value})"
        test = f"({value} := {read}).__class__ is {self.name(part.expected)}"
        rest = f"None if {value} is None else {self.name(part.otherwise)}({value})"
        return f"({usual} if {test} else {rest})"

    def converted(self, part: Column | Given, read: str) -> str:
        if isinstance(part, Column) and part.moment:
            return self.unless_none(read, "moment({}, zone)")
        if part.convert is None:
            return read
        return self.unless_none(read, f"{self.name(part.convert)}({{}})")

    def name(self, thing: Any) -> str:
        """A name for something that the text refers to."""
        name = f"c{next(self._numbers)}"
        self._names[name] = thing
        return name

    def unless_none(self, read: str, written: str) -> str:
        value = f"v{next(self._numbers)}"
        return f"(None if ({value} := {read}) is None else {written.format(value)})"
