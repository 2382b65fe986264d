"""
Django's settings of every process of the scenario, from the environment.

    DATABASE_URL   of PostgreSQL
    REDIS_URL      of the Redis that is killed
    LAYER          core or pubsub, of channels_redis
"""

from __future__ import annotations

import os

from tests.settings import DATABASES as DATABASES
from tests.settings import DEFAULT_AUTO_FIELD as DEFAULT_AUTO_FIELD
from tests.settings import SECRET_KEY as SECRET_KEY

LAYERS = {"core": "core.RedisChannelLayer", "pubsub": "pubsub.RedisPubSubChannelLayer"}

ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "dcrf_graph",
    "tests.e2e.processes",
]
ROOT_URLCONF = "tests.e2e.processes.asgi"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": f"channels_redis.{LAYERS[os.environ['LAYER']]}",
        "CONFIG": {"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]},
    }
}
