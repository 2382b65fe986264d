"""
Django's settings of the board, from the environment.

Nothing needs to be set: without anything it is a SQLite file, a channel layer
in memory, and a debug server for this machine.

    DEBUG          1 (the default) or 0
    SECRET_KEY     signs sessions; required when DEBUG=0
    DATABASE_URL   sqlite:///relative/or//absolute/path, or postgres://user:password@host:port/name
    REDIS_URL      the channel layer, when several processes serve the board
    ALLOWED_HOSTS  host names, separated by commas
    PORT           where `python -m examples.board` listens
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parent.parent.parent


def flag(name: str, default: str) -> bool:
    """An environment variable as yes or no."""
    return os.environ.get(name, default).strip().lower() in ("1", "true", "yes", "on")


def sqlite(path: str) -> dict[str, Any]:
    """A SQLite file, which is made with its directory when it is not there yet."""
    file = ROOT / path
    file.parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        "OPTIONS": {
            # Two moves at once wait for each other instead of failing with "database is locked".
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def database(url: str) -> dict[str, Any]:
    """What `DATABASES` wants, from a URL."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite(unquote(parts.path.removeprefix("/")))
    if parts.scheme in ("postgres", "postgresql"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.removeprefix("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
        }
    raise ImproperlyConfigured(
        f"DATABASE_URL begins with {parts.scheme!r}; expected sqlite:///path or postgres://..."
    )


def channel_layer(url: str) -> dict[str, Any]:
    """Redis where there is one; else this process's memory."""
    if url:
        # No time limit for a read: an idle consumer waits for its next message.
        host = {"address": url, "socket_timeout": None}
        return {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [host]}}
    return {"BACKEND": "channels.layers.InMemoryChannelLayer"}


DEBUG = flag("DEBUG", "1")
SECRET_KEY = os.environ.get("SECRET_KEY", "a key that anybody can read" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("DEBUG=0 needs a SECRET_KEY: the sessions are signed with it")
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")

DATABASES = {"default": database(os.environ.get("DATABASE_URL", "sqlite:///var/board.sqlite3"))}
CHANNEL_LAYERS = {"default": channel_layer(os.environ.get("REDIS_URL", ""))}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "channels",
    "rest_framework",
    "django_filters",
    "dcrf_graph",
    "examples.board",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "examples.board.urls"
ASGI_APPLICATION = "examples.board.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
]

DCRF_GRAPH = {
    "ROUTER": "examples.board.api.router",
    # Clients may send a document once and then its hash.
    "GRAPHQL_PERSISTED_CACHE": "default",
}

USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
