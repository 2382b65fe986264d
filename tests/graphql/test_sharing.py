"""Equal subscribers share one execution, and nothing reaches a viewer who may not see it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from ariadne import ObjectType, SchemaDirectiveVisitor
from django.contrib.auth.models import AnonymousUser, User

from dcrf_graph.changes.hub import hub
from dcrf_graph.graphql import sharing
from dcrf_graph.routers import Router
from tests.graphql.leaks import NotRevoked, Parcels
from tests.native.client import in_thread
from tests.testapp.models import Parcel
from tests.transports.sockets import PATIENCE, GraphQLClient, graphql

pytestmark = pytest.mark.django_db(transaction=True)

WATCH = "subscription { parcelWatch { action id data { title weight } } }"
TWO = """
subscription Light { parcelWatch { data { title } } }
subscription Heavy { parcelWatch { data { title weight } } }
"""
MAYBE = "subscription($w: Boolean!) { parcelWatch { data { title weight @include(if: $w) } } }"
OWNER, GUEST = User(pk=1, username="owner"), User(pk=2, username="guest")


@pytest.fixture(autouse=True)
def _nobody_is_told() -> Iterator[None]:
    yield
    for names in (Parcels.told, Parcels.handled, NotRevoked.revoked):
        names.clear()


@pytest.fixture
def executions(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The events that were executed."""
    executed: list[Any] = []
    made = sharing.Sharing.made

    async def counted(self: Any, text: str, delivery: Any) -> Any:
        executed.append(text)
        return await made(self, text, delivery)

    monkeypatch.setattr(sharing.Sharing, "made", counted)
    return executed


def routed(**options: Any) -> Router:
    router = Router(**options)
    router.register("parcels", Parcels)
    return router


@pytest.fixture
async def watching() -> AsyncIterator[Callable[..., Any]]:
    """Opens a client of a user that watches parcels by a document."""
    async with AsyncExitStack() as stack:

        async def watch(
            router: Router, user: Any, query: str = WATCH, name: Any = None, **variables: Any
        ) -> GraphQLClient:
            client = await stack.enter_async_context(graphql(router, user=user))
            payload = {"query": query, "variables": variables, "operationName": name}
            before = hub.count()
            await client.send({"id": "w", "type": "subscribe", "payload": payload})
            async with asyncio.timeout(PATIENCE):
                while hub.count() == before:  # noqa: ASYNC110
                    await asyncio.sleep(0)
            return client

        yield watch


async def arrive(weight: int = 7, title: str = "a") -> None:
    await in_thread(Parcel.objects.create, place=1, title=title, weight=weight)


async def heard(client: GraphQLClient) -> Any:
    return (await client.next("w"))["data"]["parcelWatch"]["data"]


async def test_equal_subscribers_share_one_execution(watching: Any, executions: Any) -> None:
    router = routed()
    clients = [await watching(router, user) for user in (OWNER, GUEST, AnonymousUser())]
    await arrive()
    assert [await heard(each) for each in clients] == [{"title": "a", "weight": 0}] * 3
    assert len(executions) == 1


async def test_what_one_handler_changes_no_other_viewer_reads(watching: Any) -> None:
    Parcels.told.add("owner")
    router = routed()
    guests = [await watching(router, GUEST) for _ in range(2)]
    owner = await watching(router, OWNER)
    await arrive(weight=7)
    await arrive(weight=8)
    assert [(await heard(owner))["weight"] for _ in range(2)] == [7, 8]
    for guest in guests:
        assert [(await heard(guest))["weight"] for _ in range(2)] == [0, 0]


async def test_whoever_is_revoked_hears_nothing_of_a_shared_result(watching: Any) -> None:
    router = routed()
    owner, guest = await watching(router, OWNER), await watching(router, GUEST)
    NotRevoked.revoked.add("guest")
    await arrive()
    assert (await heard(owner))["title"] == "a"
    refused = await guest.next("w")
    assert (refused["data"], refused["errors"][0]["extensions"]["code"]) == (None, "FORBIDDEN")
    await guest.complete("w")
    assert "guest" not in Parcels.handled


async def test_refusals_read_as_who_asks_and_not_as_the_first_who_asked(watching: Any) -> None:
    router = routed()
    nobody, guest = await watching(router, AnonymousUser()), await watching(router, GUEST)
    NotRevoked.revoked.update({"", "guest"})
    await arrive()
    codes = [(await each.next("w"))["errors"][0]["extensions"]["code"] for each in (nobody, guest)]
    assert codes == ["UNAUTHENTICATED", "FORBIDDEN"]


# -- each component of the key ---------------------------------------------------------------


async def by_bytes(watch: Any) -> bool:
    Parcels.told.add("owner")
    router = routed()
    owner, guest = await watch(router, OWNER), await watch(router, GUEST)
    await arrive(weight=7)
    assert (await heard(owner))["weight"] == 7
    return bool((await heard(guest))["weight"] == 0)


async def by_document(watch: Any) -> bool:
    router = routed()
    whole = await watch(router, OWNER)
    part = await watch(router, GUEST, "subscription { parcelWatch { data { title } } }")
    await arrive()
    return bool(await heard(whole) == {"title": "a", "weight": 0} and await heard(part) == TITLE)


async def by_operation(watch: Any) -> bool:
    router = routed()
    heavy, light = (
        await watch(router, OWNER, TWO, "Heavy"),
        await watch(router, GUEST, TWO, "Light"),
    )
    await arrive()
    return bool("weight" in await heard(heavy) and await heard(light) == TITLE)


async def by_variables(watch: Any) -> bool:
    router = routed()
    heavy, light = (
        await watch(router, OWNER, MAYBE, w=True),
        await watch(router, GUEST, MAYBE, w=False),
    )
    await arrive()
    return bool("weight" in await heard(heavy) and await heard(light) == TITLE)


TITLE = {"title": "a"}
COMPONENTS = {"document": by_document, "operation": by_operation, "variables": by_variables}


@pytest.mark.parametrize("component", [*COMPONENTS, "bytes"])
async def test_every_component_of_the_key_keeps_results_apart(
    watching: Any, component: str
) -> None:
    assert await {**COMPONENTS, "bytes": by_bytes}[component](watching)


@pytest.mark.parametrize("component", [*COMPONENTS, "bytes"])
async def test_without_a_component_a_viewer_reads_what_is_not_for_it(
    watching: Any, component: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests above are red without it: a key is as good as its tests."""
    if component == "bytes":
        monkeypatch.setattr(sharing, "key_of", lambda shape, text: (shape, ""))
        leaks = by_bytes
    else:
        parts, place = sharing.parts, list(COMPONENTS).index(component)

        def without(*components: Any) -> Any:
            kept = list(parts(*components))
            kept[place] = None
            return tuple(kept)

        monkeypatch.setattr(sharing, "parts", without)
        leaks = COMPONENTS[component]
    assert not await leaks(watching)


async def test_routers_that_resolve_differently_share_nothing(watching: Any) -> None:
    weight = ObjectType("Parcel")
    weight.set_field("weight", lambda parcel, info: 99)
    plain, other = routed(), routed(bindables=[weight])
    first, second = await watching(plain, OWNER), await watching(other, GUEST)
    await arrive()
    assert [(await heard(each))["weight"] for each in (first, second)] == [0, 99]


# -- resolvers that look at who is asking -------------------------------------------------------


def secretive() -> dict[str, Any]:
    """A bindable of the application's own."""
    parcel = ObjectType("Parcel")
    parcel.set_field("title", lambda parcel, info: f"for {info.context['user'].username}")
    return {"bindables": [parcel]}


def extended() -> dict[str, Any]:
    """A field of the application's own, on a derived type."""
    parcel = ObjectType("Parcel")
    parcel.set_field("reader", lambda parcel, info: info.context["user"].username)
    return {"type_defs": "extend type Parcel { reader: String }", "bindables": [parcel]}


def wrapped() -> dict[str, Any]:
    """A wrapper that has every attribute of the derived resolver."""

    class Bind(ObjectType):
        def bind_to_schema(self, schema: Any) -> None:
            field = schema.type_map["Parcel"].fields["title"]
            inner = field.resolve

            @functools.wraps(inner)
            def guarded(parcel: Any, info: Any, **arguments: Any) -> Any:
                return f"for {info.context['user'].username}"

            field.resolve = guarded

    return {"bindables": [Bind("Parcel")]}


async def test_a_type_that_checks_its_objects_is_asked_for_each_viewer(watching: Any) -> None:
    router = routed()
    parcel: Any = router.schema.type_map["Parcel"]
    parcel.is_type_of = lambda source, info: info.context["user"].username == "owner"
    owner, guest = await watching(router, OWNER), await watching(router, GUEST)
    await arrive()
    assert (await heard(owner))["title"] == "a"
    told = await guest.next("w")
    assert "errors" in told
    assert '"a"' not in str(told)


async def test_what_does_not_fit_is_said_to_each_anew(
    watching: Any, executions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Parcels, "odd", True)
    router = routed()
    clients = [await watching(router, user) for user in (OWNER, GUEST)]
    await arrive()
    for each in clients:
        assert "errors" in await each.next("w")
    assert len(executions) == 2
    # The stream lives: what went wrong was one event.
    monkeypatch.setattr(Parcels, "odd", False)
    await arrive()
    assert [(await heard(each))["title"] for each in clients] == ["a", "a"]


@pytest.mark.parametrize("options", [secretive, wrapped], ids=lambda each: each.__name__)
async def test_a_resolver_of_the_applications_own_runs_for_each_viewer(
    watching: Any, options: Any
) -> None:
    router = routed(**options())
    owner, guest = await watching(router, OWNER), await watching(router, GUEST)
    await arrive()
    assert [(await heard(each))["title"] for each in (owner, guest)] == ["for owner", "for guest"]


async def test_a_field_of_the_applications_own_is_resolved_for_each_viewer(watching: Any) -> None:
    router = routed(**extended())
    query = "subscription { parcelWatch { data { ...F } } } fragment F on Parcel { reader }"
    owner, guest = await watching(router, OWNER, query), await watching(router, GUEST, query)
    await arrive()
    assert [(await heard(each))["reader"] for each in (owner, guest)] == ["owner", "guest"]


async def test_a_directive_of_the_applications_own_is_asked_for_each_viewer(watching: Any) -> None:
    class Owners(SchemaDirectiveVisitor):
        def visit_field_definition(self, field: Any, object_type: Any) -> Any:
            inner = field.resolve

            @functools.wraps(inner)
            def only_owners(secret: Any, info: Any, **arguments: Any) -> Any:
                return "secret" if info.context["user"].username == "owner" else None

            field.resolve = only_owners
            return field

    more = """
        directive @owners on FIELD_DEFINITION
        type Extra { secret: String @owners }
        extend type Parcel { extra: Extra }
    """
    parcel = ObjectType("Parcel")
    parcel.set_field("extra", lambda parcel, info: {})
    router = routed(type_defs=more, bindables=[parcel], directives={"owners": Owners})
    query = "subscription { parcelWatch { data { extra { secret } } } }"
    owner, guest = await watching(router, OWNER, query), await watching(router, GUEST, query)
    await arrive()
    assert [(await heard(each))["extra"]["secret"] for each in (owner, guest)] == ["secret", None]


async def test_a_router_with_a_context_of_its_own_shares_nothing(
    watching: Any, executions: Any
) -> None:
    router = routed(context=lambda known: {"mine": known["user"]})
    clients = [await watching(router, user) for user in (OWNER, GUEST)]
    await arrive()
    assert [(await heard(each))["title"] for each in clients] == ["a", "a"]
    assert executions == []


def test_what_cannot_be_told_apart_as_json_shares_nothing() -> None:
    """A variable without JSON, as an upload is, has no key."""
    router = routed()
    document = router.executor.documents.read(WATCH)
    shape = functools.partial(sharing.shape_of, router.schema, document, document.operation(None))
    assert shape({"a": object()}) is None
    kept = shape({"a": 1})
    assert kept is not None
    assert shape({"a": 1}) is kept
    assert shape({"a": True}) is not kept
