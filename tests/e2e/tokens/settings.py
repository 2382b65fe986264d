"""The board's settings, and a list of authenticators."""

from __future__ import annotations

from examples.board.settings import *  # noqa: F403
from examples.board.settings import DCRF_GRAPH as BOARD
from examples.board.settings import INSTALLED_APPS as BOARD_APPS

INSTALLED_APPS = [*BOARD_APPS, "rest_framework.authtoken"]
ROOT_URLCONF = "tests.e2e.tokens.urls"
SIMPLE_JWT = {"SIGNING_KEY": "a key that anybody can read, and as long as it has to be"}
DCRF_GRAPH = {
    **BOARD,
    "AUTHENTICATION_CLASSES": [  # type: ignore[dict-item]
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework_simplejwt.authentication.JWTAuthentication",
    ],
}
