"""What the README shows is a file that runs, and answers as the README says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from graphql import parse, print_ast
from graphql.language import FieldDefinitionNode, ObjectTypeDefinitionNode

from examples import tour
from examples.board.models import Label

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)


def shown(language: str) -> list[str]:
    return [text for name, text in BLOCKS if name == language]


@pytest.fixture
def label(transactional_db: None) -> Label:
    return Label.objects.create(pk=1, name="Soon", colour=Label.Colour.ROSE)


async def exchange(frame: Any, protocols: list[str] | None = None) -> Any:
    """The answer to the last of the frames."""
    client = WebsocketCommunicator(tour.router.as_asgi(), "/ws/", subprotocols=protocols)
    await client.connect()
    answer = None
    for each in frame if isinstance(frame, list) else [frame]:
        await client.send_json_to(each)
        answer = await client.receive_json_from()
    await client.disconnect()
    return answer


def test_the_consumer_of_the_readme_is_the_file() -> None:
    code = (ROOT / "examples" / "tour.py").read_text(encoding="utf-8")
    assert shown("python")[0] == code[code.index("from typing") :]


def test_the_readme_shows_every_root_field_of_the_derived_schema() -> None:
    def roots(text: str) -> dict[str, list[str]]:
        return {
            node.name.value: [signature(field) for field in node.fields]
            for node in parse(text, no_location=True).definitions
            if isinstance(node, ObjectTypeDefinitionNode)
            and node.name.value in ("Query", "Mutation", "Subscription")
        }

    def signature(field: FieldDefinitionNode) -> str:
        arguments = [f"{each.name.value}: {print_ast(each.type)}" for each in field.arguments or ()]
        return f"{field.name.value} {arguments} {print_ast(field.type)}"

    assert roots(shown("graphql")[0]) == roots(tour.router.sdl)


async def test_the_native_frame_is_answered_as_shown(label: Label) -> None:
    frame, answer, _ = map(json.loads, shown("json"))
    assert await exchange(frame) == answer


async def test_the_graphql_operation_is_answered_as_shown(label: Label) -> None:
    operation, answer = shown("graphql")[1], json.loads(shown("json")[2])
    frames = [
        {"type": "connection_init"},
        {"id": "1", "type": "subscribe", "payload": {"query": operation}},
    ]
    result = await exchange(frames, ["graphql-transport-ws"])
    assert result["payload"] == answer
