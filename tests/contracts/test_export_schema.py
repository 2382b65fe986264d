"""``manage.py export_schema`` writes the contracts, and notices when they are stale."""

from __future__ import annotations

from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROUTER = "examples.board.api.router"
ROOT = Path(__file__).parents[2]


def export(directory: Path, *options: str) -> str:
    out = StringIO()
    call_command("export_schema", "--router", ROUTER, "--dir", str(directory), *options, stdout=out)
    return out.getvalue()


def test_it_writes_every_contract(tmp_path: Path) -> None:
    export(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "board.asyncapi.json",
        "board.frames.schema.json",
        "board.graphql",
        "board.introspection.json",
    ]


def test_what_it_has_just_written_is_fresh(tmp_path: Path) -> None:
    export(tmp_path)
    assert "fresh" in export(tmp_path, "--check")


def test_a_file_that_was_edited_is_stale_and_named(tmp_path: Path) -> None:
    export(tmp_path)
    (tmp_path / "board.graphql").write_text("type Query { nothing: Int }")
    (tmp_path / "board.asyncapi.json").unlink()
    with pytest.raises(CommandError, match=r"board\.graphql, board\.asyncapi\.json\."):
        export(tmp_path, "--check")


def test_a_field_that_was_published_and_is_gone_breaks_clients(tmp_path: Path) -> None:
    export(tmp_path)
    published = tmp_path / "board.graphql"
    text = published.read_text().replace("type Summary {", "type Summary {\n  words: Int")
    published.write_text(text)
    with pytest.raises(CommandError, match="1 breaking"):
        export(tmp_path, "--against", str(published))


def test_every_change_is_listed_with_what_it_means(tmp_path: Path) -> None:
    """A field that is gone, and one that is new, since what was published."""
    export(tmp_path)
    published = tmp_path / "board.graphql"
    text = published.read_text()
    before, head, rest = text.partition("type Summary {\n")
    rest = rest.replace("  text: String!\n", "  words: Int\n", 1)
    published.write_text(before + head + rest)
    severities = [line.partition(":")[0] for line in export_against(published).splitlines()]
    assert severities == ["breaking", "safe"]


def export_against(published: Path) -> str:
    """What a comparison prints, whether it fails or not."""
    out = StringIO()
    with suppress(CommandError):
        call_command("export_schema", "--router", ROUTER, "--against", str(published), stdout=out)
    return out.getvalue()


def test_a_router_must_be_named() -> None:
    with pytest.raises(CommandError, match="--router"):
        call_command("export_schema")


def test_what_is_no_router_is_refused() -> None:
    with pytest.raises(CommandError, match="no Router"):
        call_command("export_schema", "--router", "examples.board.api.view_as_consumer")


def test_the_published_contracts_of_the_example_are_fresh() -> None:
    assert "fresh" in export(ROOT / "schema", "--check")
