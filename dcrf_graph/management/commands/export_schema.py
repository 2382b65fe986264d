"""``manage.py export_schema``: write a router's contracts, or compare them with files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string
from graphql import GraphQLError

from dcrf_graph.contracts.asyncapi import asyncapi
from dcrf_graph.contracts.frames import frames
from dcrf_graph.contracts.graphql import Severity, changes, introspection, sdl
from dcrf_graph.routers import Router
from dcrf_graph.settings import api_settings


class Command(BaseCommand):
    """Writes, checks or compares the contracts of one router."""

    help = (
        "Write the contracts of a router into a directory; with --check, fail where a file "
        "there is stale; with --against, list what changed since a published schema."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--router", help="dotted path of the router; default: DCRF_GRAPH['ROUTER']"
        )
        parser.add_argument("--dir", type=Path, default=Path("schema"), help="default: schema")
        parser.add_argument("--name", help="of the files; default: the router's package")
        parser.add_argument("--check", action="store_true", help="write nothing; fail when stale")
        parser.add_argument("--against", type=Path, help="an SDL file; fail on breaking changes")

    def handle(
        self,
        *args: Any,
        router: str | None,
        dir: Path,
        name: str | None,
        check: bool,
        against: Path | None,
        **options: Any,
    ) -> None:
        path = router or api_settings.ROUTER
        if path is None:
            raise CommandError("Which router? Give --router, or set DCRF_GRAPH['ROUTER'].")
        found = import_string(path)
        if not isinstance(found, Router):
            raise CommandError(f"{path} is no Router, but a {type(found).__name__}.")
        if against is not None:
            self.compare(found, against)
            return
        files = contracts(found, name or path.split(".")[-3 if path.count(".") > 1 else 0])
        if check:
            self.check_files(dir, files)
            return
        dir.mkdir(parents=True, exist_ok=True)
        for filename, text in files.items():
            (dir / filename).write_text(text, encoding="utf-8")
            self.stdout.write(f"wrote {dir / filename}")

    def check_files(self, directory: Path, files: dict[str, str]) -> None:
        """Fail where a file is missing or says something else than the code."""
        stale = [
            filename
            for filename, text in files.items()
            if not (directory / filename).is_file()
            or (directory / filename).read_text(encoding="utf-8") != text
        ]
        if stale:
            raise CommandError(
                f"Stale in {directory}: {', '.join(stale)}. Run export_schema and commit them."
            )
        self.stdout.write(f"{len(files)} contracts are fresh")

    def compare(self, router: Router, published: Path) -> None:
        """List what changed, the worst first; fail if that breaks clients."""
        try:
            found = changes(published.read_text(encoding="utf-8"), router.schema)
        except (OSError, GraphQLError) as error:
            raise CommandError(f"Cannot compare with {published}: {error}") from error
        for change in found:
            self.stdout.write(f"{change.severity.value}: {change.description}")
        breaking = [change for change in found if change.severity is Severity.BREAKING]
        if breaking:
            raise CommandError(f"{len(breaking)} breaking changes since {published}.")
        if not found:
            self.stdout.write("nothing changed")


def contracts(router: Router, name: str) -> dict[str, str]:
    """The text of every contract by the name of its file."""
    return {
        f"{name}.graphql": sdl(router.sdl),
        f"{name}.introspection.json": introspection(router.schema),
        f"{name}.asyncapi.json": asyncapi(name, router.registry.values(), router.operations),
        f"{name}.frames.schema.json": frames(name, router.registry.values()),
    }
