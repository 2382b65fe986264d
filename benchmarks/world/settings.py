"""
Django's settings of every contender, from the environment.

    BENCH_APPS      more installed apps, separated by spaces
    BENCH_DATABASE  the file of the SQLite database
    BENCH_REDIS     host:port of a Redis for the channel layer; else it is in memory
    BENCH_LAYER     core or pubsub, of channels_redis
"""

from __future__ import annotations

import os
from typing import Any

import django


def channel_layer(address: str) -> dict[str, Any]:
    """Redis where there is an address; else this process's memory."""
    if not address:
        return {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}
    layer = {"core": "core.RedisChannelLayer", "pubsub": "pubsub.RedisPubSubChannelLayer"}
    # No time limit for a read: an idle consumer waits for its next message.
    host = {"address": f"redis://{address}", "socket_timeout": None}
    backend = f"channels_redis.{layer[os.environ.get('BENCH_LAYER', 'core')]}"
    return {"BACKEND": backend, "CONFIG": {"hosts": [host], "capacity": 10_000}}


SECRET_KEY = "only for benchmarks"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "benchmarks.world",
    *os.environ.get("BENCH_APPS", "").split(),
]
# Tables are made without migrations.
MIGRATION_MODULES: dict[str, None] = {"auth": None, "contenttypes": None}
ROOT_URLCONF = os.environ.get("BENCH_URLS", "benchmarks.world.urls")
MIDDLEWARE: list[str] = []
TEMPLATES: list[dict[str, Any]] = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
]
SQLITE = {
    "transaction_mode": "IMMEDIATE",
    # Nothing here has to survive a power failure.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("BENCH_DATABASE", ":memory:"),
        # As in production: the limits keep their connections too.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 20,
            # One of the peers stays on Django 4.2, which does not know these.
            **(SQLITE if django.VERSION >= (5, 1) else {}),
        },
    }
}
# One viewer has as many sockets as there are subscribers.
DCRF_GRAPH = {"MAX_CONNECTIONS_PER_USER": None}
CHANNEL_LAYERS = {"default": channel_layer(os.environ.get("BENCH_REDIS", ""))}
