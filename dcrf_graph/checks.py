"""
Django's system checks: what a developer should know before the first client connects.

What deriving a schema finds (``dcrf_graph.graphql.problems``) becomes messages
here, and what is wrong with the installation is found here. ``docs/checks.md``
is the manual of both. Checked is the router of ``DCRF_GRAPH["ROUTER"]``; without
that setting, each router that the URL configuration, or whatever else is loaded,
has made.

Nothing imports this module but the app, and nothing else needs it.
"""

from __future__ import annotations

import difflib
import inspect
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from types import CodeType, FunctionType
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning
from django.utils.module_loading import import_string

from dcrf_graph.apps import TAG
from dcrf_graph.changes.capture import has_trigger
from dcrf_graph.changes.managers import (
    BASE,
    deaf_managers,
    is_told_by_trigger,
    observed_managers,
)
from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.graphql.persisted import allowed_documents
from dcrf_graph.graphql.problems import LEVELS, DerivationError, Level, Problem
from dcrf_graph.observer.base_observer import BaseObserver
from dcrf_graph.observer.model_observer import ModelObserver
from dcrf_graph.routers import Router, known_routers
from dcrf_graph.setting_values import complaint
from dcrf_graph.settings import DEFAULTS, IMPORT_STRINGS, SOURCES, api_settings

KINDS: dict[str, str] = {
    "E101": "The setting ROUTER names no router.",
    "E102": "The value of a setting cannot be used.",
    "E103": "The channel layer cannot be made.",
    "E104": "Deriving the schema failed.",
    "W101": "No channel layer is configured: processes do not hear each other.",
    "W102": "The channel layer is in memory, and DEBUG is off: workers do not hear each other.",
    "W103": "Permissions ask for the user, and no middleware of Django's finds one.",
    "W104": "A setting does not exist.",
    "W105": "A manager of an observed model does not tell of its bulk writes, and another does.",
    "W106": "An observed model is abstract: it has no rows.",
    "W107": "A child model has the trigger, and its parent has not: writes to that are not heard.",
    "I101": "No router is known: no schema is checked.",
    "I102": "Bulk writes of observed models are not heard.",
}
"""Every kind of problem of the installation, by the id that follows ``dcrf_graph.``."""

MESSAGES: dict[Level, type[CheckMessage]] = {"error": Error, "warning": Warning, "info": Info}
JOINING = frozenset({"add_group", "group_add", "group_send"})
FINDS_USERS = "django.contrib.auth.middleware.AuthenticationMiddleware"
ASKING_FOR_THE_USER = frozenset({"user", "user_of"})
STOPS = "Whoever reads it fails."
MAX_NAMES = 3
"""Consumers that a message names; of more it tells how many."""


def problem(kind: str, breadcrumb: str, cause: str, consequence: str, remedy: str) -> Problem:
    """A problem of the installation, e.g. ``"W101"``."""
    return Problem(f"{TAG}.{kind}", breadcrumb, cause, consequence, remedy, LEVELS[kind[0]])


def message(found: Problem, obj: Any = None) -> CheckMessage:
    """A problem as Django shows it: the remedy is its hint."""
    sentences = " ".join(part for part in (found.cause, found.consequence) if part)
    make: Callable[..., CheckMessage] = MESSAGES[found.level]
    return make(f"{found.breadcrumb}: {sentences}", hint=found.remedy or None, obj=obj, id=found.id)


# -- the checks ------------------------------------------------------------------------


def check_settings() -> list[CheckMessage]:
    """Names and values of this library's settings."""
    found = list(malformed()) or [*unknown_names(), *unusable_values()]
    return [message(each) for each in found]


def check_schemas() -> list[CheckMessage]:
    """What could not be derived from the registered consumers, each place once."""
    routers, problems = find_routers()
    messages = [message(each) for each in problems]
    for router in routers:
        consumers = {each.consumer.__name__: each.consumer for each in router.registry.values()}
        for found in derivation_problems(router):
            told = message(found, consumers.get(head_of(found.breadcrumb)))
            if told not in messages:
                messages.append(told)
    return messages


def check_channel_layer() -> list[CheckMessage]:
    """Whether changes and groups reach the other processes, where consumers hear them."""
    hearing = named(each for each in registered_consumers() if hears_others(each))
    if not hearing:
        return []
    place = "settings > CHANNEL_LAYERS"
    redis = "Configure one that processes share: channels_redis.core.RedisChannelLayer."
    try:
        layer = get_channel_layer()
    except Exception as error:  # whatever the layer's package raises
        cause = f"the default channel layer cannot be made: {error!r}."
        return [message(problem("E103", place, cause, "No client can connect.", redis))]
    if layer is None:
        cause = f"there is no default channel layer, and {hearing} listen to changes or groups."
        consequence = (
            "What another worker, a management command or a task saves is not heard, and "
            "add_group() fails."
        )
        return [message(problem("W101", place, cause, consequence, redis))]
    if isinstance(layer, InMemoryChannelLayer) and not settings.DEBUG:
        cause = f"the channel layer is in memory, and {hearing} listen to changes or groups."
        consequence = "What another worker, a management command or a task saves is not heard."
        remedy = f"{redis} If one process does everything, silence this check."
        return [message(problem("W102", place, cause, consequence, remedy))]
    return []


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


def check_managers() -> list[CheckMessage]:
    """Whether a model that is observed through one manager is written through another."""
    return [
        message(each, model)
        for model in observed_models()
        if (observed := observed_managers(model))
        for each in halfway(model, observed[0])
    ]


def check_abstract() -> list[CheckMessage]:
    """Whether an observed model can have rows; Django sends no signal of an abstract one."""
    return [
        message(
            problem(
                "W106",
                model._meta.label,
                "it is abstract.",
                "Nothing is ever told to those who subscribe its observers.",
                "Observe each model that is derived from it.",
            ),
            model,
        )
        for model in observed_models(abstract=True)
    ]


def check_bulk_writes() -> list[CheckMessage]:
    """Which observed models have no observed manager at all; for deployments alone.

    Most models have none and need none: it is told when somebody asks for everything.
    """
    deaf = [
        model._meta.label
        for model in observed_models()
        if not observed_managers(model) and set(deaf_managers(model)) - {BASE}
    ]
    if not deaf:
        return []
    cause = f"no manager of {', '.join(deaf)} is observed."
    consequence = "What update(), bulk_create() and bulk_update() write there is not heard."
    remedy = (
        "Where there are such writes: objects = ObservedQuerySet.as_manager(), or publish() "
        "after them, or on PostgreSQL ObserveWrites(). If there are none, silence this check."
    )
    return [message(problem("I102", "models", cause, consequence, remedy))]


def check_triggers() -> list[CheckMessage]:
    """Whether every table of an observed row has the trigger, where one of them has."""
    return [
        message(
            problem(
                "W107",
                model._meta.label,
                f"it has the trigger ObserveWrites, and its parent {parent._meta.label} has not.",
                "What others write into the parent's table is not heard.",
                f"Give {parent._meta.label} the trigger too: triggers = [ObserveWrites()].",
            ),
            model,
        )
        for model in observed_models()
        if is_told_by_trigger(model)
        for parent in model._meta.get_parent_list()
        if not parent._meta.proxy and not has_trigger(parent)
    ]


CHECKS = (
    check_settings,
    check_schemas,
    check_channel_layer,
    check_authentication,
    check_managers,
    check_abstract,
    check_triggers,
)
DEPLOYMENT_CHECKS = (check_bulk_writes,)


# -- the settings ----------------------------------------------------------------------


def malformed() -> Iterator[Problem]:
    """Settings that are no mapping."""
    for source in SOURCES:
        value = getattr(settings, source, None) or {}
        if not isinstance(value, Mapping):
            cause = f"it is a {type(value).__name__}, no dictionary."
            yield problem("E102", f"settings > {source}", cause, "", f"{source} = {{...}}")


def usable() -> bool:
    """Whether the settings can be read at all; ``check_settings`` tells if not."""
    if any(malformed()):
        return False
    return all(complaint(name, api_settings.configured(name)[1]) is None for name in DEFAULTS)


def configured_authenticators() -> bool:
    """Whether the settings say who is asked."""
    return configured("AUTHENTICATOR") or configured("AUTHENTICATION_CLASSES")


def configured(name: str) -> bool:
    """Whether a setting is given and not empty, without importing what it names."""
    return any((getattr(settings, source, None) or {}).get(name) for source in SOURCES)


def unknown_names() -> Iterator[Problem]:
    """Names that no setting has, and the one that may be meant."""
    for source in SOURCES:
        for name in getattr(settings, source, None) or {}:
            if name in DEFAULTS:
                continue
            close = difflib.get_close_matches(str(name).upper(), DEFAULTS, n=1)
            remedy = f"Did you mean {close[0]}?" if close else "Remove it."
            place = f"settings > {source} > {name}"
            yield problem("W104", place, "there is no such setting.", "Nothing reads it.", remedy)


def unusable_values() -> Iterator[Problem]:
    """Values of another type or range, and paths that name nothing or cannot be read."""
    wrong = set()
    for name in DEFAULTS:
        source, value = api_settings.configured(name)
        place = f"settings > {source} > {name}"
        if (cause := complaint(name, value)) is not None:
            wrong.add(name)
            yield problem("E102", place, cause, STOPS, f"The default is {DEFAULTS[name]!r}.")
        elif name in IMPORT_STRINGS:
            try:
                getattr(api_settings, name)
            except ImportError as error:
                yield problem("E102", place, f"{error}.", STOPS, "Correct the dotted path.")
    if "GRAPHQL_ALLOWED_DOCUMENTS" in wrong:
        return
    try:
        allowed_documents()
    except ConfigurationError as error:
        place = "settings > DCRF_GRAPH > GRAPHQL_ALLOWED_DOCUMENTS"
        remedy = "Give a mapping of hashes to documents, or the path of such a JSON file."
        yield problem("E102", place, str(error), STOPS, remedy)


# -- the routers -----------------------------------------------------------------------


def find_routers() -> tuple[Sequence[Router], Sequence[Problem]]:
    """The routers to check, and what is wrong where they are looked for."""
    place = "settings > DCRF_GRAPH > ROUTER"
    if not usable():
        return (), ()
    path = api_settings.ROUTER
    if path is not None:
        remedy = 'Give the dotted path of a Router: "project.api.router".'
        try:
            router = import_string(path)
        except (ImportError, ConfigurationError) as error:
            return (), (problem("E101", place, f"{path!r}: {error}", "", remedy),)
        if not isinstance(router, Router):
            cause = f"{path!r} is a {type(router).__name__}."
            return (), (problem("E101", place, cause, "", remedy),)
        return (router,), ()
    urls = getattr(settings, "ROOT_URLCONF", None)
    if urls is not None:
        import_module(urls)
    routers = tuple(known_routers.values())
    if routers:
        return routers, ()
    remedy = 'Say where it is: DCRF_GRAPH = {"ROUTER": "project.api.router"}.'
    consequence = "Neither schemas nor what consumers need are checked."
    return (), (problem("I101", place, "no router is loaded.", consequence, remedy),)


def derivation_problems(router: Router) -> Iterable[Problem]:
    """What deriving a router's schema finds; the one problem that stops it, if one does."""
    try:
        return router.derived.problems
    except DerivationError as error:
        return (error.problem,)
    except Exception as error:
        # Code of the application runs here. Commands that need no schema should go on.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        cause = f"{type(error).__name__}: {error} ({frame.filename}:{frame.lineno})."
        remedy = "Call router.derived in manage.py shell for the whole traceback."
        return (problem("E104", "Router", cause, "There is no GraphQL.", remedy),)


def registered_consumers() -> Iterator[Any]:
    """The consumer class of every registration of every router."""
    routers, _ = find_routers()
    for router in routers:
        for registration in router.registry.values():
            yield registration.consumer


def observed_models(*, abstract: bool = False) -> list[Any]:
    """The models that registered consumers observe, or the abstract ones among them, by name."""
    observers = (each for consumer in registered_consumers() for each in observers_of(consumer))
    models = {each.model_cls for each in observers if isinstance(each, ModelObserver)}
    wanted = (model for model in models if model._meta.abstract is abstract)
    return sorted(wanted, key=lambda model: model._meta.label)


def observers_of(consumer: Any) -> Iterator[BaseObserver]:
    """The observers of a consumer class."""
    members = (inspect.getattr_static(consumer, name, None) for name in dir(consumer))
    return (member for member in members if isinstance(member, BaseObserver))


def halfway(model: Any, observed: str) -> Iterator[Problem]:
    """The managers of a model that tell nothing, where ``observed`` tells."""
    for name in deaf_managers(model):
        breadcrumb = f"{model._meta.label} > {name}"
        cause = f"it is not observed, and {observed!r} is."
        if name == BASE:
            consequence = "What a related manager adds (board.cards.add(card)) is not heard."
            remedy = f"class Meta: base_manager_name = {observed!r}"
        else:
            consequence = "What it writes by update(), bulk_create(), bulk_update() is not heard."
            remedy = "Derive it from ObservedManager, or its queryset from ObservedQuerySetMixin."
        yield problem("W105", breadcrumb, cause, consequence, remedy)


def head_of(breadcrumb: str) -> str:
    """The consumer's name: of ``CardConsumer ('cards') > move`` it is ``CardConsumer``."""
    return breadcrumb.split(" > ")[0].split(" (")[0]


def named(consumers: Iterable[Any]) -> str:
    """The names of some consumers, for a sentence; empty for none."""
    names = sorted({each.__name__ for each in consumers})
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


# -- what the code of consumers and permissions says --------------------------------------


def hears_others(consumer: Any) -> bool:
    """Whether a consumer has observers or uses groups of the channel layer."""
    if consumer.groups:
        return True
    if any(observers_of(consumer)):
        return True
    # The library's own classes offer groups; that is no use of them.
    own = (c for c in consumer.__mro__ if c.__module__.split(".")[0] not in (TAG, "channels"))
    return mentions(own, JOINING)


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


def mentions(classes: Iterable[type], words: frozenset[str]) -> bool:
    """Whether a method of one of the classes names, or quotes, one of the words."""
    for cls in classes:
        for member in vars(cls).values():
            function = getattr(member, "__func__", member)
            if not isinstance(function, FunctionType):
                continue
            if not words.isdisjoint(words_in(inspect.unwrap(function).__code__)):
                return True
    return False


def words_in(code: CodeType) -> Iterator[str]:
    """The attributes, globals and strings of code, with the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from words_in(constant)
