"""
The settings of this library, read once and again when a test overrides them.

``DCRF_GRAPH`` wins over ``DJANGO_CHANNELS_REST_API`` (upstream's name, still
read so that a migrated project keeps its settings), which wins over the
defaults below. Nothing else in the library reads Django's settings for its own
options, so this page lists them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.setting_values import complaint

DEFAULTS: dict[str, Any] = {
    # upstream's four
    "DEFAULT_PAGE_SIZE": 25,
    "DEFAULT_PERMISSION_CLASSES": ("dcrf_graph.permissions.AllowAny",),
    "DEFAULT_PAGINATION_CLASS": None,
    "PAGE_SIZE": None,
    # the router that management commands mean: a dotted path
    "ROUTER": None,
    # the native face
    "DEFAULT_FILTER_BACKENDS": (),
    "DEFAULT_THROTTLE_CLASSES": (),
    # who is asking: a callable (scope, payload) -> user
    "AUTHENTICATOR": None,
    # else DRF's authentication classes, or such callables, in their order; None: scope["user"]
    "AUTHENTICATION_CLASSES": None,
    # which pages may open a socket: hosts as in ALLOWED_HOSTS; None means ALLOWED_HOSTS itself
    "ALLOWED_ORIGINS": None,
    # rows that a client may ask for at once, of paginators that have no maximum; None: any number
    "MAX_PAGE_SIZE": 1_000,
    # limits of one connection
    "MAX_FRAME_SIZE": 1_000_000,  # bytes of one inbound frame or HTTP body
    "MAX_CONCURRENT_CALLS": 16,  # calls of one connection that run at once
    "MAX_PENDING_CALLS": 256,  # calls of one connection that wait for their turn
    "MAX_OPERATIONS": 256,  # GraphQL operations of one connection that are open at once
    "MAX_SUBSCRIPTIONS": 200,  # groups of observers that one connection has subscribed
    "MAX_STREAMS": 100,  # consumers that one connection is connected to
    "MAX_FRAME_RATE": 100,  # frames per second of one connection; None: any number
    "MAX_FRAME_BURST": 500,  # frames at once, of a client that has been quiet
    "EXECUTION_TIMEOUT": 30.0,  # seconds of one call; None: any time
    "DRAIN_TIMEOUT": 10.0,  # seconds that a process has to answer what was asked when it ends
    # connections of one client, in one process; None: any number
    "MAX_CONNECTIONS_PER_USER": 100,
    "MAX_CONNECTIONS_PER_ADDRESS": None,  # of those that nobody has logged in
    "MAX_PENDING_EVENTS": 1_000,  # events of one subscription that wait for a slow reader
    # when more would: "end" the subscription, "drop_oldest" or keep the "latest" of each object
    # and tell the gap, "disconnect"; an observer's `policy` decides for itself
    "SLOW_READERS": "end",
    "MAX_LIVE_ROWS": 1_000,  # rows of a list that a client follows
    "INIT_TIMEOUT": 3.0,  # seconds until a GraphQL socket must have sent connection_init
    "KEEP_ALIVE": 12.0,  # seconds between signs of life on a GraphQL connection; None: no signs
    # write each change into the outbox table of its database until it has been published
    "OUTBOX": False,
    # GraphQL: names, and how large one operation may be (None: any size)
    "GRAPHQL_CAMEL_CASE": True,  # camelCase outside; False keeps snake_case
    "GRAPHQL_MAX_TOKENS": 5_000,  # of a document
    "GRAPHQL_MAX_DEPTH": 20,  # levels of a selection; a full introspection has 15
    "GRAPHQL_MAX_FIELDS": 2_000,  # with fragments expanded
    "GRAPHQL_MAX_ROOT_FIELDS": 20,  # each of them is a call
    "GRAPHQL_MAX_ALIASES": 50,
    "GRAPHQL_MAX_DIRECTIVES": 50,  # with fragments expanded
    "GRAPHQL_MAX_DOCUMENT_SIZE": 100_000,  # bytes
    "GRAPHQL_MAX_VARIABLES_SIZE": 500_000,  # bytes of JSON
    "GRAPHQL_MAX_COST": 25_000,  # objects that it may answer, by the sizes of its pages
    "GRAPHQL_LIST_COST": 10,  # objects that a list without pages is taken to have
    "GRAPHQL_INTROSPECTION": True,  # False: no introspection, and errors suggest no names
    "GRAPHQL_MAX_LINKS": 1_000,  # links that one operation follows
    "GRAPHQL_MAX_ENTITIES": 1_000,  # references that a gateway resolves at once
    # GraphQL over HTTP: batches, and forms with files
    "GRAPHQL_MAX_BATCH": 0,  # operations in one request that is a list; 0: no lists
    "GRAPHQL_MAX_UPLOADS": 10,  # files of one request
    "GRAPHQL_MAX_UPLOAD_SIZE": 10_000_000,  # bytes of a request with files
    # a form is answered if it has one of these, or Django's CSRF token
    "GRAPHQL_UPLOAD_HEADERS": (
        "GraphQL-Require-Preflight",
        "Apollo-Require-Preflight",
        "X-Apollo-Operation-Name",
        "X-Requested-With",
    ),
    # GraphQL operations by the hash of their document
    "GRAPHQL_PERSISTED_CACHE": None,  # alias of the Django cache that keeps them; None: none are
    "GRAPHQL_PERSISTED_TIMEOUT": 86_400,  # seconds that it keeps one
    # a mapping of hashes to documents, or the path of such a JSON file: nothing else is executed
    "GRAPHQL_ALLOWED_DOCUMENTS": None,
    "GRAPHQL_DOCUMENT_CACHE_SIZE": 500,  # parsed and validated documents that are kept
}
IMPORT_STRINGS = (
    "AUTHENTICATION_CLASSES",
    "AUTHENTICATOR",
    "DEFAULT_FILTER_BACKENDS",
    "DEFAULT_PAGINATION_CLASS",
    "DEFAULT_PERMISSION_CLASSES",
    "DEFAULT_THROTTLE_CLASSES",
)
SOURCES = ("DCRF_GRAPH", "DJANGO_CHANNELS_REST_API")


def imported(value: Any) -> Any:
    """Turn dotted paths, alone or in a list, into what they name; leave the rest."""
    if isinstance(value, str):
        return import_string(value)
    if isinstance(value, list | tuple):
        return [imported(item) for item in value]
    return value


class APISettings:
    """Attribute access to the settings: ``api_settings.PAGE_SIZE``.

    Raises:
        AttributeError: for a name that is not in ``DEFAULTS``.
        ConfigurationError: for a value that the setting cannot have (``setting_values``).
        ImportError: for a dotted path that names nothing.
    """

    def __init__(self, defaults: Mapping[str, Any] = DEFAULTS) -> None:
        self.defaults = defaults

    def __getattr__(self, name: str) -> Any:
        defaults = self.__dict__["defaults"]
        if name not in defaults:
            raise AttributeError(f"{name!r} is not a setting of dcrf_graph")
        source, value = self.configured(name)
        if (wrong := complaint(name, value)) is not None:
            raise ConfigurationError(f"{source}[{name!r}]: {wrong}")
        if name in IMPORT_STRINGS:
            value = imported(value)
        self.__dict__[name] = value
        return value

    def configured(self, name: str) -> tuple[str, Any]:
        """The value of a setting as it was written, and where: the first of ``SOURCES`` has it."""
        for source in SOURCES:
            configured = getattr(settings, source, None) or {}
            if name in configured:
                return source, configured[name]
        return SOURCES[0], self.defaults[name]

    def validate(self) -> None:
        """Look at all values at once; what they name is not imported.

        Raises:
            ConfigurationError: for the first that cannot be used.
        """
        for name in self.defaults:
            if name not in IMPORT_STRINGS:
                getattr(self, name)

    def reload(self) -> None:
        """Forget what was read; the next access reads Django's settings again."""
        for name in self.defaults:
            self.__dict__.pop(name, None)


api_settings = APISettings()


def reload_api_settings(*, setting: str, **kwargs: Any) -> None:
    """Follow ``override_settings`` in tests."""
    if setting in SOURCES:
        api_settings.reload()


setting_changed.connect(reload_api_settings)
