"""docs/protocol.md says nothing that the parser does not read and the running board does not do."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from dcrf_graph.graphql.errors import code_of
from dcrf_graph.protocols.effects import Dispatch
from dcrf_graph.protocols.frames import decode
from dcrf_graph.protocols.native import NativeStreams
from dcrf_graph.settings import DEFAULTS
from examples.board.api import router
from tests.contracts.recording import problems
from tests.parity.sockets import arrival, open_socket
from tests.parity.world import Rows, visitor

TEXT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
DIRECTION = re.compile(r"(client|server) → (?:client|server)")
PART = re.compile(
    r"^#+ (?P<heading>[^\n]+)$|^```json\n(?P<json>.*?)^```$|(?P<from>client|server) → ", re.M | re.S
)


@dataclass(frozen=True)
class Example:
    """One frame of the document: under which heading it is, who sends it, and its text."""

    heading: str
    sender: str
    text: str

    def __str__(self) -> str:
        return f"{self.heading}: {self.text:.60}"


def examples() -> list[Example]:
    heading, sender, found = "", "", []
    for part in PART.finditer(TEXT):
        if part["heading"]:
            direction = DIRECTION.search(part["heading"])
            heading, sender = part["heading"], direction[1] if direction else ""
        elif part["from"]:
            sender = part["from"]
        else:
            found.append(Example(heading, sender or "server", part["json"].strip()))
    return found


EXAMPLES = examples()
SCENARIOS = TEXT[TEXT.index("## Scenarios") :]
TITLES = re.findall(r"^### (.+)$", SCENARIOS, re.M)


def test_the_document_has_frames_of_both_sides() -> None:
    assert {example.sender for example in EXAMPLES} == {"client", "server"}
    assert TEXT.count("```json") == len(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_every_frame_is_one_of_its_direction(example: Example) -> None:
    """The server's parser takes the client's frames; both are of the JSON Schema."""
    frame: Any = decode(example.text)
    if example.sender == "server":
        assert problems("server_frame", frame) == []
        return
    parser = NativeStreams(router.stream_names())
    if frame["stream"] in router.registry:
        assert parser.receive(example.text) == [Dispatch(frame["stream"], frame["payload"])]
    if frame["stream"] in router.registry and frame["payload"]["action"] != "fly":
        assert problems("client_frame", frame) == []


@pytest.mark.parametrize("title", TITLES)
async def test_every_scenario_happens(title: str, before: Rows) -> None:
    """Its frames, in its order: what the client says is sent at once, up to the next answer."""
    heard: asyncio.Queue[Any] = asyncio.Queue()
    async with open_socket(router.as_asgi(), visitor("author"), (), heard.put_nowait) as socket:
        for example in EXAMPLES:
            if example.heading != title:
                continue
            if example.sender == "client":
                socket.send(json.loads(example.text))
            else:
                assert await arrival(heard) == json.loads(example.text)
    assert heard.empty()


def test_the_table_of_errors_is_the_one_that_both_faces_use() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `([A-Z_]+)` \|", TEXT, re.M)
    somebody = visitor("author")
    assert [(status, code_of(int(status), somebody)) for status, _ in rows] == rows
    assert code_of(HTTPStatus.FORBIDDEN, AnonymousUser()) == "UNAUTHENTICATED"
    assert len(rows) == 11


def test_the_limits_are_those_of_the_settings() -> None:
    rows = re.findall(r"^\| `(MAX_[A-Z_]+)` \| ([\d ]+)", TEXT, re.M)
    others = ("MAX_OPERATIONS", "MAX_CONNECTIONS_PER_ADDRESS")  # GraphQL's; none by default
    assert {name: int(number.replace(" ", "")) for name, number in rows} == {
        name: value
        for name, value in DEFAULTS.items()
        if name.startswith("MAX_") and name not in others
    }
