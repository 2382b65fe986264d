"""What strangers may send to the example board: any bytes, any JSON, and calls that almost fit.

The names of streams, actions, arguments, fields and types are the board's own, so that what is
generated gets as far as its consumers, its serializers and its database.
"""

from __future__ import annotations

import json
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
)
from hypothesis import strategies as st

from examples.board.api import router
from tests.protocols.dialects import FRAMES, VALUES

STREAMS = sorted(router.registry)
CALLS = [
    (name, action)
    for name, each in sorted(router.registry.items())
    for action in sorted(each.consumer.available_actions)
]
KEYS = [1, 2, 11, 21, 101, 102, 201, 1001, 2001]
"""Of rows that are there."""

LARGE = [2**31, 2**53, 2**63, -(2**63) - 1, 10**40]
TEXTS = ["", "0", "1", "101", "1.5", "2026-02-30", "NaN", "\x00", "a\x00b", "é" * 300, "%_\\", "''"]
SCALARS = (
    st.sampled_from(KEYS)
    | st.sampled_from([None, True, False, -1, 0, *LARGE, 0.5, 1e308])
    | st.sampled_from(TEXTS)
    | st.sampled_from(["todo", "on_track", "ON_TRACK", "title", "-id", "position,title", "CREATE"])
)
NAMES = [
    *("pk", "id", "data", "query", "board", "column", "position", "text", "title", "card", "name"),
    *(
        "limit",
        "offset",
        "ordering",
        "search",
        "filter",
        "status",
        "labels",
        "assignee",
        "estimate",
    ),
    *("due", "page", "username", "request_id", "action", "self", "scope", "consumer", "stream"),
]
ARGUMENTS = st.recursive(
    SCALARS | VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=5)
    ),
    max_leaves=8,
)
REQUEST_IDS = st.integers(0, 9) | st.sampled_from(["a", None, True, 0.5]) | VALUES


def seldom(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The odd one in one case of ten."""
    return st.integers(0, 9).flatmap(lambda die: odd if die == 9 else usual)


FITTING: dict[str, st.SearchStrategy[Any]] = {
    "ID": st.sampled_from(KEYS) | st.sampled_from(KEYS).map(str),
    "Int": st.sampled_from(KEYS) | st.integers(-3, 20) | st.sampled_from(LARGE),
    "Float": st.floats(allow_nan=False, allow_infinity=False),
    "String": st.sampled_from(TEXTS) | st.text(max_size=8),
    "Boolean": st.booleans(),
    "Decimal": st.decimals(-999, 999, places=2).map(str) | st.integers(0, 9),
    "Date": st.dates().map(str),
    "DateTime": st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
}


def fitting(type_: Any) -> st.SearchStrategy[Any]:
    """Values of an input type of the schema, mostly."""
    match type_:
        case GraphQLNonNull():
            return fitting(type_.of_type)
        case GraphQLList():
            fits: Any = st.lists(fitting(type_.of_type), max_size=3)
        case GraphQLEnumType():
            fits = st.sampled_from(sorted(type_.values))
        case GraphQLInputObjectType():
            fields = {name: fitting(field.type) for name, field in type_.fields.items()}
            fits = st.fixed_dictionaries({}, optional=fields)
            if len(fields) < 8:
                fits = st.fixed_dictionaries(fields) | fits
        case _:
            fits = FITTING.get(type_.name, ARGUMENTS)
    return seldom(fits, ARGUMENTS)


ROOTS: dict[str, Any] = {
    "query": router.schema.query_type,
    "mutation": router.schema.mutation_type,
    "subscription": router.schema.subscription_type,
}
QUERIES = st.dictionaries(
    st.sampled_from(["search", "ordering", "board", "column", "status", "label", "card", *NAMES]),
    ARGUMENTS,
    max_size=3,
)


def native_call(operation: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A frame of streams for an operation, with arguments that fit, mostly."""
    field = ROOTS[operation.kind].fields[operation.name]
    fits = {
        each.key: fitting(field.args[each.name].type)
        for each in operation.arguments
        if each.key is not None
    }
    own = {"action": st.just(operation.action), "request_id": seldom(st.integers(), REQUEST_IDS)}
    payload = st.fixed_dictionaries({"query": QUERIES, **fits, **own})
    return st.fixed_dictionaries({"stream": st.just(operation.stream), "payload": payload})


FITTING_CALLS = [native_call(each) for each in router.operations]
ODD_CALLS = st.builds(
    lambda call, arguments, request_id: {
        "stream": call[0],
        "payload": {**arguments, "action": call[1], "request_id": request_id},
    },
    st.sampled_from(CALLS),
    st.dictionaries(st.sampled_from(NAMES), ARGUMENTS, max_size=4),
    REQUEST_IDS,
)
NATIVE_FRAMES = seldom(
    st.one_of(*FITTING_CALLS, ODD_CALLS, ODD_CALLS).map(json.dumps),
    FRAMES,
)


def selection(type_: Any) -> str:
    """Every field of a type that needs no arguments and no selection of its own."""
    named: Any = get_named_type(type_)
    if not is_composite_type(named):
        return ""
    if not isinstance(named, GraphQLObjectType):
        return "{ __typename }"
    fields = []
    for name, field in named.fields.items():
        inner: Any = get_named_type(field.type)
        if name == "results" and isinstance(inner, GraphQLObjectType):
            fields.append(f"{name} {selection(inner)}")
        elif not is_composite_type(inner) and not field.args:
            fields.append(name)
    return f"{{ __typename {' '.join(fields)} }}"


def request_for(kind: str, name: str) -> st.SearchStrategy[dict[str, Any]]:
    """A request for one root field of the board."""
    field = ROOTS[kind].fields[name]
    declared = ", ".join(f"${arg}: {argument.type}" for arg, argument in field.args.items())
    given = ", ".join(f"{arg}: ${arg}" for arg in field.args)
    document = (
        f"{kind}{f'({declared})' if declared else ''} "
        f"{{ {name}{f'({given})' if given else ''} {selection(field.type)} }}"
    )
    needed = {n: a.type for n, a in field.args.items() if isinstance(a.type, GraphQLNonNull)}
    others = {n: a.type for n, a in field.args.items() if n not in needed}
    variables = st.fixed_dictionaries(
        {name: fitting(type_) for name, type_ in needed.items()},
        optional={name: fitting(type_) for name, type_ in others.items()},
    )
    return variables.map(lambda values: {"query": document, "variables": values})


REQUESTS = st.one_of(*(request_for(kind, name) for kind in ROOTS for name in ROOTS[kind].fields))
DOCUMENTS = (
    REQUESTS.map(lambda request: str(request["query"]))
    | st.text(st.sampled_from('{}()[]$:!@"#&|=.,abq1 \n'), max_size=40)
    | st.sampled_from(
        [
            "{ __schema { types { name fields { name } } } }",
            "query A { __typename } query B { __typename }",
            "fragment F on Query { ...F } { ...F }",
            "{ cards { ...F } } fragment F on Page { results { id } }",
            "query($a: Int = 99999999999) { card(id: $a) { id } }",
            "{ a: labels { name } b: labels { name } c: labels { name } }",
            "subscription { __typename }",
            "{ labels @defer { name } }",
            "{ labels @include(if: 1) { name } }",
        ]
    )
)
EXTENSIONS = VALUES | st.fixed_dictionaries(
    {"persistedQuery": VALUES | st.fixed_dictionaries({"version": VALUES, "sha256Hash": VALUES})}
)
BODIES = seldom(
    REQUESTS,
    st.fixed_dictionaries({"query": DOCUMENTS, "variables": ARGUMENTS})
    | st.fixed_dictionaries(
        {"query": DOCUMENTS | VALUES},
        optional={
            "variables": ARGUMENTS,
            "operationName": st.sampled_from(["A", "C", ""]) | VALUES,
            "extensions": EXTENSIONS,
        },
    ),
)
IDS = [str(number) for number in range(30)]
"""Enough that two operations seldom want the same one, which closes the socket."""


def graphql_frames(starting: str, stopping: str) -> st.SearchStrategy[str | bytes]:
    """Messages of a protocol that calls the beginning and the end of an operation so."""
    message = st.fixed_dictionaries(
        {"type": st.just(starting), "id": st.sampled_from(IDS), "payload": BODIES}
    )
    end = st.fixed_dictionaries({"type": st.just(stopping), "id": st.sampled_from(IDS)})
    messages = (message | message | end).map(json.dumps)
    return seldom(messages, seldom(messages, FRAMES))


CONTENT_TYPES = [
    *("application/json", "application/json; charset=latin-1", "application/json; charset=no"),
    *("application/graphql-response+json", "application/graphql", "text/plain", "", "\x80/;="),
    *("application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary="),
    "multipart/form-data; boundary=x",
]
ACCEPTS = [
    *("*/*", "application/json", "application/graphql-response+json", "text/event-stream"),
    *("multipart/mixed;subscriptionSpec=1.0", "text/html", "a/b;q=x", ";", "", "\x80"),
    "text/event-stream, application/json;q=0.5",
]


@st.composite
def forms(draw: st.DrawFn) -> bytes:
    """The body of a multipart request, with files or without, more or less as it should be."""
    body = {"query": draw(DOCUMENTS), "variables": draw(ARGUMENTS)}
    parts = {
        "operations": draw(st.sampled_from([json.dumps(body), "", "[]", "null"]) | st.text()),
        "map": draw(
            st.sampled_from(['{"0": ["variables.data"]}', "{}", "[]", '{"0": ["a.0.b"]}'])
            | VALUES.map(json.dumps)
        ),
        "0": draw(st.text(max_size=10)),
    }
    names = draw(st.permutations(list(parts)))
    lines = []
    for name in names[: draw(st.integers(0, 3))]:
        file = '; filename="f.txt"' if name == "0" else ""
        lines += ["--x", f'Content-Disposition: form-data; name="{name}"{file}', "", parts[name]]
    lines += draw(st.sampled_from([["--x--", ""], ["--x"], [""], []]))
    return "\r\n".join(lines).encode("utf-8", "surrogatepass")


HTTP_BODIES = seldom(
    BODIES.map(lambda body: json.dumps(body).encode()) | forms(),
    st.lists(BODIES, max_size=2).map(lambda bodies: json.dumps(bodies).encode())
    | FRAMES.map(
        lambda frame: frame if isinstance(frame, bytes) else frame.encode(errors="surrogatepass")
    ),
)


METHODS = st.sampled_from(["GET", "HEAD", "PUT", "OPTIONS", "\x7f"])
LENGTHS = st.sampled_from([None, "-1", "x", "0", "99999999999"])


@st.composite
def http_requests(draw: st.DrawFn) -> dict[str, Any]:
    """A request to the address of the view: method, query string, headers and body."""
    body = draw(HTTP_BODIES)
    form = body.startswith(b"--x")
    json_type = "multipart/form-data; boundary=x" if form else "application/json"
    headers = {
        "accept": draw(seldom(st.sampled_from(ACCEPTS[:5]), st.sampled_from(ACCEPTS))),
        "content-type": draw(seldom(st.just(json_type), st.sampled_from(CONTENT_TYPES))),
        "x-requested-with": "x",
    }
    method = draw(seldom(st.just("POST"), METHODS))
    query = b""
    if method in ("GET", "HEAD") or draw(st.integers(0, 9)) == 9:
        query = b"query=" + draw(DOCUMENTS).encode(errors="ignore") + b"&variables=" + body
    length = draw(seldom(st.just(str(len(body))), LENGTHS))
    if length is not None:
        headers["content-length"] = length
    return {"method": method, "query_string": query, "headers": headers, "body": body}
