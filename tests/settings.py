"""Django's settings for the tests.

SQLite in a file, because a call's ORM work runs in other threads than the test's; PostgreSQL when
`DATABASE_URL` is set (`postgres://user:password@host:port/name`). The name of a test database holds
the process id, so that several runs can share a machine.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


def sqlite() -> dict[str, Any]:
    """A database in a directory of this process, which leaves with it."""
    directory = Path(tempfile.mkdtemp(prefix="dcrf_graph-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": directory / "default.sqlite3",
        "TEST": {"NAME": directory / "test.sqlite3"},
        "OPTIONS": {
            # Writers wait for each other, from the first statement of a transaction on.
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            # Readers do not wait for a writer. Nothing here has to survive a power failure.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
        },
    }


def postgresql(url: str) -> dict[str, Any]:
    """The database of a `postgres://` URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError(f"expected DATABASE_URL=postgres://..., got {parts.scheme}://...")
    name = parts.path.lstrip("/")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "TEST": {"NAME": f"test_{name}_{os.getpid()}"},
    }


DATABASE_URL = os.environ.get("DATABASE_URL", "")
DATABASES = {"default": postgresql(DATABASE_URL) if DATABASE_URL else sqlite()}

SECRET_KEY = "only for tests, and as long as a JSON web token wants its key to be"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "channels",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "dcrf_graph",
    "examples.board",
    "tests.comparison",
    "tests.kitchen",
    "tests.testapp",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
]
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
# Logging a test user in should not take longer than the test.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
