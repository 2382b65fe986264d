"""
A project with one list by cursor: `python -m tests.e2e.relay.project DATABASE PORT` serves it.

It has what the demo is asked for, `/graphql/` and `/health/`, and its schema for Relay's compiler.
"""

from __future__ import annotations

import sys
from typing import Any

import django
from django.conf import settings

ROWS = 23


def configure(database: str) -> None:
    """Django's settings, with the SQLite file."""
    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "channels",
            "rest_framework",
            "dcrf_graph",
            "tests.testapp",
        ],
        CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        ROOT_URLCONF="tests.e2e.relay.urls",
    )
    django.setup()


def seed() -> None:
    """Articles in pairs of one title, in whose body is their place; the second ones come later."""
    from django.core.management import call_command

    from tests.testapp.models import Article

    call_command("migrate", run_syncdb=True, verbosity=0)
    for place in sorted(range(ROWS), key=lambda place: place % 2):
        Article.objects.create(title=f"Part {place // 2:02}", body=str(place))


def main(database: str, port: str) -> None:
    configure(database)
    seed()
    import uvicorn
    from django.core.asgi import get_asgi_application

    application: Any = get_asgi_application()
    options: Any = {"lifespan": "off", "log_level": "warning"}
    uvicorn.run(application, host="127.0.0.1", port=int(port), **options)


if __name__ == "__main__":
    main(*sys.argv[1:])
