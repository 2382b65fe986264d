"""The schema as a subgraph, by Apollo's subgraph specification."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from ariadne.contrib.federation import FederatedObjectType
from django.contrib.auth.models import AnonymousUser, User
from graphql import parse, print_type

from dcrf_graph.contracts.graphql import Severity, changes
from dcrf_graph.permissions import IsAuthenticated
from dcrf_graph.routers import Router
from tests.graphql.board import ArticleConsumer, AuthorConsumer, NoteConsumer, SluggedConsumer
from tests.graphql.sessions import Session
from tests.native.client import in_thread
from tests.queries import counted
from tests.testapp.models import Article, Author, Slugged

pytestmark = pytest.mark.django_db(transaction=True)

ENTITIES = """query($of: [_Any!]!) { _entities(representations: $of) {
    __typename ... on Author { id name } ... on Slugged { slug title } } }"""
ADA = {"__typename": "Author", "id": "1"}


class Members(AuthorConsumer):
    permission_classes = [IsAuthenticated]


def subgraph(authors: Any = AuthorConsumer, *arguments: Any, **options: Any) -> Router:
    router = Router(*arguments, federation=True, **options)
    router.register("articles", ArticleConsumer)
    router.register("authors", authors)
    router.register("pages", SluggedConsumer, singular="page")
    router.register("notes", NoteConsumer)
    return router


@pytest.fixture
def rows() -> None:
    author = Author.objects.create(pk=1, name="Ada")
    Article.objects.create(pk=1, title="Cranes", status="draft", author=author)
    Slugged.objects.create(slug="about", title="About")


@pytest_asyncio.fixture
async def session(rows: None) -> AsyncIterator[Session]:
    async with Session(subgraph()) as session:
        yield session


async def sdl_of(router: Router) -> str:
    data = await Session(router).data("{ _service { sdl } }")
    return str(data["_service"]["sdl"])


def keys(sdl: str) -> dict[str, str]:
    """The key of each entity of a subgraph's text."""
    found = {}
    nodes: tuple[Any, ...] = tuple(parse(sdl).definitions)
    for node in nodes:
        for directive in getattr(node, "directives", None) or ():
            if directive.name.value == "key":
                (fields,) = directive.arguments
                found[node.name.value] = fields.value.value
    return found


# -- _service ---------------------------------------------------------------------------------


async def test_a_type_that_is_retrieved_is_an_entity_by_the_key_of_the_retrieve() -> None:
    sdl = await sdl_of(subgraph())
    assert keys(sdl) == {"Article": "id", "Author": "id", "Slugged": "slug"}


async def test_the_subgraphs_text_links_the_specification_and_hides_its_machinery() -> None:
    sdl = await sdl_of(subgraph())
    assert '@link(url: "https://specs.apollo.dev/federation/v2.3"' in sdl
    assert "_entities" not in sdl
    assert "_Service" not in sdl
    assert "authors" in sdl


async def test_the_schema_has_what_the_specification_asks_for() -> None:
    schema = subgraph().schema
    assert print_type(schema.type_map["_Any"]) == "scalar _Any"
    assert print_type(schema.type_map["_Service"]) == "type _Service {\n  sdl: String\n}"
    union: Any = schema.type_map["_Entity"]
    assert sorted(member.name for member in union.types) == ["Article", "Author", "Slugged"]
    query: Any = schema.query_type
    assert str(query.fields["_service"].type) == "_Service!"
    assert str(query.fields["_entities"].type) == "[_Entity]!"
    assert str(query.fields["_entities"].args["representations"].type) == "[_Any!]!"


async def test_without_the_option_there_is_no_trace_of_it() -> None:
    router = Router()
    router.register("authors", AuthorConsumer)
    assert "@key" not in router.sdl
    assert not [name for name in router.schema.type_map if name in ("_Any", "_Entity", "_Service")]


async def test_without_an_entity_there_is_a_service_only() -> None:
    router = Router(federation=True)
    router.register("notes", NoteConsumer)
    query: Any = router.schema.query_type
    assert "_service" in query.fields
    assert "_entities" not in query.fields


# -- _entities --------------------------------------------------------------------------------


async def test_references_are_resolved_in_their_order(session: Session) -> None:
    of = [{"__typename": "Slugged", "slug": "about"}, ADA]
    data = await session.data(ENTITIES, of=of)
    assert data["_entities"] == [
        {"__typename": "Slugged", "slug": "about", "title": "About"},
        {"__typename": "Author", "id": "1", "name": "Ada"},
    ]


async def test_a_reference_that_is_refused_is_null_and_its_neighbours_stay(
    session: Session,
) -> None:
    result = await session.result(ENTITIES, of=[{"__typename": "Author", "id": "99"}, ADA])
    assert result["data"]["_entities"] == [None, {"__typename": "Author", "id": "1", "name": "Ada"}]
    (error,) = result["errors"]
    assert error["path"] == ["_entities", 0]
    assert error["extensions"] == {"code": "NOT_FOUND", "status": 404}


@pytest.mark.parametrize(
    ("user", "codes"), [(AnonymousUser(), ["UNAUTHENTICATED"]), (User(pk=1, username="ada"), [])]
)
async def test_a_reference_is_resolved_with_the_consumers_permissions(
    rows: None, user: Any, codes: list[str]
) -> None:
    async with Session(subgraph(Members), user) as session:
        result = await session.result(ENTITIES, of=[ADA])
    assert [error["extensions"]["code"] for error in result.get("errors", [])] == codes
    assert (result["data"]["_entities"] == [None]) is bool(codes)


@pytest.mark.parametrize("number", [2, 50])
async def test_references_find_their_rows_together(
    session: Session, settings: Any, number: int
) -> None:
    """One query for the rows of a type, whatever their number; one more for what is not there."""
    keys = range(10, 10 + number)
    await in_thread(Author.objects.bulk_create, [Author(pk=key, name=f"{key}") for key in keys])
    of = [{"__typename": "Author", "id": str(key)} for key in [*keys, 99]]
    with counted() as queries:
        result = await session.result(ENTITIES, of=of)
    *found, missing = result["data"]["_entities"]
    assert [entity["name"] for entity in found] == [f"{key}" for key in keys]
    assert missing is None
    assert len(queries) == 2, str(queries)


@pytest.mark.parametrize(
    "wrong",
    [
        {"__typename": "Note", "id": "1"},
        {"__typename": "Nothing", "id": "1"},
        {"id": "1"},
        {"__typename": "Author"},
        {"__typename": "Author", "id": None},
        {"__typename": "Author", "id": {"$gt": 0}},
        {"__typename": ["Author"], "id": "1"},
        "Author",
        7,
    ],
)
async def test_a_reference_that_is_none_is_the_clients_error(session: Session, wrong: Any) -> None:
    result = await session.result(ENTITIES, of=[wrong, ADA])
    assert result["data"]["_entities"][0] is None
    assert result["data"]["_entities"][1]["name"] == "Ada"
    assert [e["extensions"]["code"] for e in result["errors"]] == ["BAD_USER_INPUT"]


async def test_more_references_than_a_connection_may_call_are_resolved(
    session: Session, settings: Any
) -> None:
    settings.DCRF_GRAPH = {"MAX_CONCURRENT_CALLS": 2, "MAX_PENDING_CALLS": 3}
    async with Session(session.router) as narrow:
        data = await narrow.data(ENTITIES, of=[ADA] * 10)
    assert [entity["name"] for entity in data["_entities"]] == ["Ada"] * 10


async def test_there_is_a_limit_to_references(session: Session, settings: Any) -> None:
    settings.DCRF_GRAPH = {"GRAPHQL_MAX_ENTITIES": 2}
    assert "errors" not in await session.result(ENTITIES, of=[ADA] * 2)
    result = await session.result(ENTITIES, of=[ADA] * 3)
    (error,) = result["errors"]
    assert error["message"] == "More than 2 representations."


async def test_an_entity_has_its_derived_fields_and_enums(session: Session) -> None:
    query = """query($of: [_Any!]!) { _entities(representations: $of) {
        ... on Article { title status wordCount author } } }"""
    data = await session.data(query, of=[{"__typename": "Article", "id": "1"}])
    (article,) = data["_entities"]
    assert article == {"title": "Cranes", "status": "DRAFT", "wordCount": 0, "author": "1"}


# -- beside the rest --------------------------------------------------------------------------


async def test_the_rest_of_the_schema_works_as_without_the_option(session: Session) -> None:
    list_of = """query($in: [ArticleStatus!]) {
        articles(filter: {statusIn: $in}, ordering: [TITLE_DESC]) { results { title } } }"""
    data = await session.data(list_of, **{"in": ["DRAFT"]})
    assert data["articles"]["results"] == [{"title": "Cranes"}]
    document = "subscription { articleChanged(id: 1) { action data { title } } }"
    async with await session.subscribe(document) as results:
        await session.data(
            'mutation { articlePatch(id: 1, data: {title: "B", status: PUBLISHED}) { status } }'
        )
        event = await anext(results)
    assert event["data"] == {"articleChanged": {"action": "UPDATE", "data": {"title": "B"}}}


async def test_a_users_own_types_are_entities_the_ariadne_way(rows: None) -> None:
    sdl = """
    type Product @key(fields: "sku") { sku: ID!, name: String }
    extend type Author { products: [Product!] }
    directive @own on FIELD_DEFINITION
    """
    product = FederatedObjectType("Product")
    product.reference_resolver(lambda entity, info, found: {**found, "name": "Pen"})
    router = subgraph(AuthorConsumer, sdl, [product])
    text = await sdl_of(router)
    assert keys(text)["Product"] == "sku"
    assert "@own" not in text, "a gateway knows no directives of ours"
    async with Session(router) as session:
        query = "query($of: [_Any!]!) { _entities(representations: $of) { ... on Product {name} } }"
        data = await session.data(query, of=[{"__typename": "Product", "sku": "1"}])
    assert data == {"_entities": [{"name": "Pen"}]}


async def test_a_users_reference_resolver_wins_over_the_consumer(rows: None) -> None:
    author = FederatedObjectType("Author")
    author.reference_resolver(lambda entity, info, found: {"id": found["id"], "name": "Bea"})
    async with Session(subgraph(AuthorConsumer, (), [author])) as session:
        data = await session.data(ENTITIES, of=[ADA])
    assert data["_entities"] == [{"__typename": "Author", "id": "1", "name": "Bea"}]


async def test_a_users_link_is_the_only_one() -> None:
    own = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.0",
        import: ["@key", "@shareable"])"""
    assert (await sdl_of(subgraph(AuthorConsumer, own))).count("@link") == 1


def test_a_subgraph_has_no_breaking_change_against_its_own_text() -> None:
    router = subgraph()
    assert {change.severity for change in changes(router.sdl, router.schema)} <= {Severity.SAFE}
