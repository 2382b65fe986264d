"""What could not be derived from the registered consumers."""

from __future__ import annotations

import traceback
from collections.abc import Iterable

from django.core.checks import CheckMessage

from dcrf_graph.checks.found import find_routers
from dcrf_graph.checks.problems import message, problem
from dcrf_graph.graphql.problems import DerivationError, Problem
from dcrf_graph.routers import Router


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


def head_of(breadcrumb: str) -> str:
    """The consumer's name: of ``CardConsumer ('cards') > move`` it is ``CardConsumer``."""
    return breadcrumb.split(" > ")[0].split(" (")[0]
