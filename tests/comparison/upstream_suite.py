"""
Upstream's own tests, made to run against this library.

The released sdist has the tests but not what stands around them (settings, models, a communicator),
so that is written here from what the tests import. Nothing of upstream is kept in this repository:
the sdist is downloaded into `var/`, and its tests are copied, with the import renamed, into a
directory of the run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import textwrap
from pathlib import Path
from xml.etree import ElementTree

from tests.comparison.recordings import ROOT

NAME, VERSION = "djangochannelsrestframework", "1.3.0"
CACHE = ROOT / "var" / "upstream"

SCAFFOLD = {
    "pytest.ini": """
        [pytest]
        DJANGO_SETTINGS_MODULE = tests.settings
        asyncio_default_fixture_loop_scope = function
        pythonpath = .
        """,
    "tests/__init__.py": "",
    "tests/settings.py": """
        from pathlib import Path

        HERE = Path(__file__).parent
        SECRET_KEY = "only for tests"
        USE_TZ = True
        DATABASES = {
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": HERE / "default.sqlite3",
                "TEST": {"NAME": HERE / "test.sqlite3"},
            }
        }
        INSTALLED_APPS = [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "rest_framework",
            "channels",
            "tests",
        ]
        CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
        DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
        """,
    "tests/models.py": """
        from django.db import models


        class TestModel(models.Model):
            name = models.CharField(max_length=255)


        class TestModelWithCustomPK(models.Model):
            name = models.CharField(max_length=255, primary_key=True)
            description = models.CharField(max_length=255, null=True, blank=True)
        """,
    "tests/communicator.py": """
        import asyncio
        from contextlib import asynccontextmanager

        from channels.testing import WebsocketCommunicator


        class Communicator(WebsocketCommunicator):
            async def receive_many_json_from(self, timeout=1):
                frames = []
                while not await self.receive_nothing(timeout=timeout):
                    frames.append(await self.receive_json_from())
                return frames


        @asynccontextmanager
        async def connected_communicator(consumer, path="/testws/"):
            communicator = Communicator(consumer, path)
            connected, _ = await communicator.connect()
            assert connected
            try:
                yield communicator
            finally:
                await communicator.disconnect()
        """,
}


def sdist() -> Path:
    """Upstream's source distribution, downloaded once."""
    path = CACHE / f"{NAME}-{VERSION}.tar.gz"
    if not path.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        only_source = ["--no-deps", "--no-binary", ":all:", "--dest", str(CACHE)]
        subprocess.run([*pip, *only_source, f"{NAME}=={VERSION}"], check=True, timeout=240)
    return path


def prepare(folder: Path, library: str) -> None:
    """Write upstream's tests, importing `library`, and what they stand on into an empty folder."""
    for name, text in SCAFFOLD.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())
    with tarfile.open(sdist()) as archive:
        for member in archive:
            path = Path(member.name)
            source = archive.extractfile(member)
            if path.match("tests/test_*.py") and source is not None:
                test = source.read().decode().replace(NAME, library)
                (folder / "tests" / path.name).write_text(test)


def run(folder: Path, library: str = "dcrf_graph") -> dict[str, str]:
    """
    Run upstream's tests against `library`.

    Returns:
        For each test (``"test_consumer.py::test_decorator"``) its failure, empty where it passed.
    """
    prepare(folder, library)
    report = folder / "report.xml"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=400,
        check=False,
    )
    if not report.exists():
        raise RuntimeError(f"upstream's tests did not run:\n{done.stdout[-4000:]}")
    results = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.attrib['classname'].rpartition('.')[2]}.py::{case.attrib['name']}"
        problem = next((found for kind in ("failure", "error") for found in case.iter(kind)), None)
        results[name] = "" if problem is None else problem.text or "failed"
    return results
