"""
Operations that a client names by the hash of their document.

Two ways, each switched on by a setting. Automatic persisted queries: the server keeps in a cache
whatever valid document a client has sent with its hash, and later takes the hash alone. An allowed
list: documents that the project's own clients have, and nothing else is executed.

Source: https://www.apollographql.com/docs/apollo-server/performance/apq;
https://www.apollographql.com/docs/graphos/platform/security/persisted-queries
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from channels.db import database_sync_to_async
from django.core.cache import caches
from graphql import GraphQLError

from dcrf_graph.exceptions import ConfigurationError
from dcrf_graph.graphql.documents import DocumentRefused
from dcrf_graph.protocols.effects import OperationRequest
from dcrf_graph.settings import api_settings
from dcrf_graph.threads import own_thread

NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
NOT_IN_LIST = "PERSISTED_QUERY_NOT_IN_LIST"
NOT_ALLOWED = "QUERY_NOT_IN_SAFELIST"
BAD_REQUEST = "BAD_REQUEST"

ASK_AGAIN = frozenset({NOT_FOUND, NOT_SUPPORTED})
"""What a client answers by sending the document itself."""

SHA256 = re.compile(r"[0-9a-f]{64}\Z")
MANIFEST = "apollo-persisted-query-manifest"


def name_of(request: OperationRequest) -> str | None:
    """The hash that a request names its document by; None if it names none.

    Raises:
        DocumentRefused: if what it says about it is wrong.
    """
    said = (request.extensions or {}).get("persistedQuery")
    if said is None:
        return None
    if not isinstance(said, dict) or not isinstance(said.get("sha256Hash"), str):
        raise refused("extensions.persistedQuery: expected a sha256Hash", BAD_REQUEST)
    if said.get("version") != 1:
        raise refused("Unsupported persisted query version", BAD_REQUEST)
    return str(said["sha256Hash"])


async def resolve(request: OperationRequest) -> OperationRequest:
    """
    Give a request its document, or take it as it is.

    Raises:
        DocumentRefused: if the hash is unknown or wrong, or the document is not allowed.
    """
    name = name_of(request)
    allowed = allowed_documents()
    if allowed is not None:
        return replace(request, query=_listed(request, name, allowed))
    if name is None:
        return request
    if request.query:
        if api_settings.GRAPHQL_PERSISTED_CACHE and sha256(request.query) != name:
            raise refused("provided sha does not match query", BAD_REQUEST)
        return request
    if not api_settings.GRAPHQL_PERSISTED_CACHE:
        raise refused("PersistedQueryNotSupported", NOT_SUPPORTED)
    document = await _cached(name) if SHA256.match(name) else None
    if document is None:
        raise refused("PersistedQueryNotFound", NOT_FOUND)
    return replace(request, query=document)


async def remember(request: OperationRequest) -> None:
    """Keep the document of a request that has brought both it and its hash, once it is valid."""
    named = (request.extensions or {}).get("persistedQuery")
    if named is None or not request.query or not api_settings.GRAPHQL_PERSISTED_CACHE:
        return
    if api_settings.GRAPHQL_ALLOWED_DOCUMENTS is None:
        await _cache(sha256(request.query), request.query)


def sha256(document: str) -> str:
    """The hash of a document, in hexadecimal."""
    return hashlib.sha256(document.encode()).hexdigest()


def refused(message: str, code: str) -> DocumentRefused:
    return DocumentRefused([GraphQLError(message)], code)


# -- the cache ----------------------------------------------------------------------------------


async def _cached(name: str) -> str | None:
    async with own_thread():
        found = await database_sync_to_async(_backend().get)(_key(name))
    return found if isinstance(found, str) else None


async def _cache(name: str, document: str) -> None:
    async with own_thread():
        await database_sync_to_async(_backend().set)(
            _key(name), document, api_settings.GRAPHQL_PERSISTED_TIMEOUT
        )


def _backend() -> Any:
    return caches[api_settings.GRAPHQL_PERSISTED_CACHE]


def _key(name: str) -> str:
    return f"dcrf_graph:document:{name}"


# -- the list ------------------------------------------------------------------------------------

_read: dict[Path, dict[str, str]] = {}


def allowed_documents() -> Mapping[str, str] | None:
    """
    The documents that may be executed, by their names; None if all may.

    Raises:
        ConfigurationError: if the setting's file cannot be read as such a list.
    """
    setting = api_settings.GRAPHQL_ALLOWED_DOCUMENTS
    if setting is None or isinstance(setting, Mapping):
        return setting
    path = Path(setting)
    if path not in _read:
        _read[path] = _documents_in(path)
    return _read[path]


def _documents_in(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"GRAPHQL_ALLOWED_DOCUMENTS: cannot read {path}: {error}"
        ) from None
    if isinstance(content, dict) and content.get("format") == MANIFEST:
        try:
            content = {each["id"]: each["body"] for each in content["operations"]}
        except (KeyError, TypeError):
            content = None
    if not isinstance(content, dict) or not all(isinstance(each, str) for each in content.values()):
        raise ConfigurationError(
            f"GRAPHQL_ALLOWED_DOCUMENTS: expected an object of hashes and documents in {path}, "
            "or Apollo's manifest of persisted queries."
        )
    return content


def _listed(request: OperationRequest, name: str | None, allowed: Mapping[str, str]) -> str:
    if request.query:
        if request.query not in allowed.values():
            raise refused("This operation is not on the list of those allowed.", NOT_ALLOWED)
        return request.query
    document = allowed.get(name or "")
    if document is None:
        raise refused("This hash is not on the list of those allowed.", NOT_IN_LIST)
    return document
