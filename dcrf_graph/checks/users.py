"""Whether somebody finds the user whom permissions ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string

from dcrf_graph.checks.found import find_routers, named
from dcrf_graph.checks.mentions import mentions
from dcrf_graph.checks.problems import message, problem
from dcrf_graph.checks.values import configured_authenticators, usable

FINDS_USERS = "django.contrib.auth.middleware.AuthenticationMiddleware"
ASKING_FOR_THE_USER = frozenset({"user", "user_of"})


def check_authentication() -> list[CheckMessage]:
    """Whether somebody finds the user whom permissions ask for."""
    routers, _ = find_routers()
    asking = [
        each.consumer
        for router in routers
        if router.authenticators is None
        for each in router.registry.values()
        if asks_for_the_user(each.consumer)
    ]
    if not asking or not usable() or configured_authenticators() or finds_users():
        return []
    return [
        message(
            problem(
                "W103",
                "settings > MIDDLEWARE",
                f"the permissions of {named(asking)} ask for the user, and there is no "
                "AuthenticationMiddleware.",
                "Every client of the GraphQL view is anonymous.",
                f"Add {FINDS_USERS} after the sessions', or give the router authenticate=. "
                "Around router.as_asgi() it is channels.auth.AuthMiddlewareStack.",
            )
        )
    ]


def asks_for_the_user(consumer: Any) -> bool:
    """Whether the code of a consumer's permissions mentions the user."""
    return any(
        mentions(permission.__mro__, ASKING_FOR_THE_USER)
        for given in consumer.permission_classes
        for permission in leaves(given)
    )


def leaves(permission: Any) -> Iterator[type]:
    """The classes that ``&``, ``|`` and ``~`` combine, ours and DRF's."""
    if isinstance(permission, type):
        yield permission
    for name in ("op1_class", "op2_class"):
        operand = getattr(permission, name, None)
        if operand is not None:
            yield from leaves(operand)


def finds_users() -> bool:
    """Whether a middleware is Django's, or a class derived from it."""
    return any(path == FINDS_USERS or derives_from_it(path) for path in settings.MIDDLEWARE)


def derives_from_it(path: str) -> bool:
    """Whether what a path names has Django's middleware among its bases, known by their names."""
    try:
        bases = getattr(import_string(path), "__mro__", ())
    except ImportError:  # Django tells that when it starts to serve
        return False
    return FINDS_USERS in {f"{base.__module__}.{base.__qualname__}" for base in bases}
