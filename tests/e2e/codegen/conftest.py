"""The generators, installed once, and what they write; loud where they cannot be."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from examples.board.seed import PASSWORDS
from tests.e2e.codegen.tools import (
    GENERATED,
    HERE,
    SCHEMA,
    Failed,
    install_ariadne_codegen,
    install_packages,
    npm,
    run,
    sign_in,
)
from tests.e2e.conftest import lacking
from tests.e2e.demo import Demo

OLDEST_NODE = 20


@pytest.fixture(scope="session")
def packages() -> None:
    """The generators from npm."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        lacking("There is NO node with npm")
    version = run("node", "--version").strip()
    if int(re.sub(r"v(\d+).*", r"\1", version)) < OLDEST_NODE:
        lacking(f"node is {version}, OLDER THAN {OLDEST_NODE}")
    try:
        install_packages()
    except Failed as error:
        lacking(f"The npm packages of tests/e2e/codegen CANNOT BE INSTALLED: {error}")


@pytest.fixture(scope="session")
def compiled(packages: None) -> Path:
    """The TypeScript programs with what was generated for them, compiled by `tsc --strict`."""
    shutil.rmtree(GENERATED, ignore_errors=True)
    run(npm("graphql-codegen"), "--config", "codegen.mjs")
    run("node", "native_types.mjs", SCHEMA / "board.frames.schema.json", GENERATED / "frames.ts")
    run(npm("tsc"), "--project", ".")
    return (GENERATED / "js" / "programs").relative_to(HERE.parent)


@pytest.fixture(scope="session")
def ariadne_codegen() -> Path:
    """The directory of ariadne-codegen's commands, and of a Python that has it."""
    try:
        return install_ariadne_codegen()
    except Failed as error:
        lacking(f"ariadne-codegen CANNOT BE INSTALLED: {error}")
        return Path()


@pytest.fixture
def cookie(demo: Demo) -> str:
    """Ada's session on the demo."""
    return sign_in(demo.url, "ada", PASSWORDS["ada"])
