"""The routers to check, and what they hold."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from dcrf_graph.checks.problems import problem
from dcrf_graph.checks.values import usable
from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.graphql.problems import Problem
from dcrf_graph.observer.base_observer import BaseObserver
from dcrf_graph.observer.model_observer import ModelObserver
from dcrf_graph.routers import Router, known_routers
from dcrf_graph.settings import api_settings

MAX_NAMES = 3
"""Consumers that a message names; of more it tells how many."""


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


def named(consumers: Iterable[Any]) -> str:
    """The names of some consumers, for a sentence; empty for none."""
    names = sorted({each.__name__ for each in consumers})
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
