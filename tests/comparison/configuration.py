"""Django settings of a recording process; the environment chooses library and variant."""

from __future__ import annotations

import os
from typing import Any

_LIBRARY = os.environ["COMPARED_LIBRARY"]

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "configured": {
        "PAGE_SIZE": 2,
        "DEFAULT_PAGINATION_CLASS": f"{_LIBRARY}.pagination.WebsocketLimitOffsetPagination",
        "DEFAULT_PERMISSION_CLASSES": (f"{_LIBRARY}.permissions.IsAuthenticated",),
    },
}

SECRET_KEY = "only for recordings"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["COMPARED_DATABASE"]}
}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "tests.comparison",
]
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [
                ("django.template.loaders.locmem.Loader", {"hello.html": "Hello {{ name }}!"})
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DJANGO_CHANNELS_REST_API = VARIANTS[os.environ["COMPARED_SETTINGS"]]
