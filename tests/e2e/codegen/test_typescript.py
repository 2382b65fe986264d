"""
TypeScript programs that know the board by its published contracts alone.

`compiled` is `tsc --strict` over what graphql-codegen and json-schema-to-typescript wrote and over
the programs, `mistakes.ts` included, in which every line that must not compile is marked: a line
that does compile fails it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.codegen.tools import GENERATED, Failed, npm, run
from tests.e2e.demo import Demo

pytestmark = pytest.mark.e2e


def test_every_generator_has_written_and_the_compiler_agrees(compiled: Path) -> None:
    names = {file.relative_to(GENERATED).as_posix() for file in GENERATED.rglob("*.ts")}
    assert names == {
        "frames.ts",
        "gql/gql.ts",
        "gql/graphql.ts",
        "gql/index.ts",
        "operations.ts",
        "schema.ts",
    }


def test_the_compiler_refuses_what_the_contract_does_not_offer(compiled: Path) -> None:
    mistake = GENERATED / "mistake.ts"
    mistake.write_text(
        'import type { CardsMoveRequest } from "./frames.js";\n'
        'export const request: CardsMoveRequest = { action: "move", pk: 1, column: "two" };\n'
    )
    try:
        with pytest.raises(Failed, match=r"mistake\.ts\(2,.*error TS2322"):
            run(npm("tsc"), "--project", ".", "--noEmit")
    finally:
        mistake.unlink()


def test_a_typed_graphql_client_runs_against_the_demo(
    compiled: Path, demo: Demo, cookie: str
) -> None:
    seen = demo.play(str(compiled / "graphql_board.js"), "", BOARD_COOKIE=cookie)
    card = seen["card"]
    assert card | {"id": ""} == {
        "id": "",
        "title": "Wind the clock",
        "status": "AT_RISK",
        "estimate": "1.5",
        "labels": [],
    }
    data = {"title": "Wind the clock", "status": "AT_RISK"}
    assert seen["event"]["data"]["cardActivity"] == {
        "action": "CREATE",
        "id": card["id"],
        "data": data,
    }
    assert (seen["moved"]["id"], seen["moved"]["column"]) == (card["id"], seen["second"]["id"])
    assert seen["patched"] == {"title": "Oil the clock", "status": "AT_RISK", "due": None}
    assert seen["deleted"] == card["id"]


def test_a_typed_native_client_runs_against_the_demo(
    compiled: Path, demo: Demo, cookie: str
) -> None:
    seen = demo.play(str(compiled / "native_board.js"), "", BOARD_COOKIE=cookie)
    card = seen["created"]["data"]
    assert (card["title"], card["status"], card["estimate"]) == (
        "Wind the clock",
        "at-risk",
        "1.5",
    )
    assert (seen["event"]["action"], seen["event"]["data"]) == ("create", card)
    assert (seen["moved"]["id"], seen["moved"]["column"]) == (card["id"], seen["second"]["id"])
    assert (seen["changed"]["action"], seen["changed"]["data"]) == ("update", seen["moved"])
    assert seen["found"]["results"] == [seen["moved"]]
    assert seen["deleted"]["response_status"] == 204
    assert (seen["gone"]["action"], seen["gone"]["data"]) == ("delete", {"pk": card["id"]})
    assert (seen["refused"]["response_status"], seen["refused"]["errors"]) == (404, ["Not found"])
