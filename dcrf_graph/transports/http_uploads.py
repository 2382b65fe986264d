"""
Files that come with an operation: the GraphQL multipart request specification.

A form has the operation in its field ``operations``, with null where a file belongs, then ``map``,
which says which of the form's files belong where, then the files. What comes out is the operation
with Django's ``UploadedFile`` in its variables.

A form of another site can look like this, so it must show that a page of ours has sent it
(docs/decisions/0006-uploads-need-a-header-or-a-token.md).

Source: https://github.com/jaydenseric/graphql-multipart-request-spec
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ariadne.exceptions import HttpBadRequestError
from ariadne.file_uploads import combine_multipart_data
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from rest_framework.authentication import CSRFCheck

from dcrf_graph.protocols.frames import InvalidMessage, decode, kind_of

from .http_refusal import RequestRefused, too_large


@dataclass(frozen=True)
class UploadLimits:
    """What a request with files may be."""

    size: int
    """Bytes of the whole body."""

    files: int
    operations_size: int
    """Bytes of the fields ``operations`` and ``map``, each."""

    headers: tuple[str, ...]
    """Names of headers of which one shows that a page of ours has sent the form."""


def is_form(request: HttpRequest) -> bool:
    """Whether a request comes as a form with files."""
    return request.content_type == "multipart/form-data"


def read_upload(request: HttpRequest, limits: UploadLimits) -> object:
    """
    Read the operation, or the list of them, of a form, with the files in its variables.

    It reads and may write files: not for the loop's thread.

    Raises:
        RequestRefused: 400, 403, 411 or 413.
        InvalidMessage: names the field that is wrong.
    """
    shown = any(request.headers.get(name) for name in limits.headers)
    _check_length(request, limits.size)
    fields, files = _form(request)
    if not shown:
        _check_token(request, limits.headers)
    if len(files) > limits.files:
        raise too_large("files", f"at most {limits.files}", str(len(files)))
    operations = _json(fields, "operations", limits.operations_size)
    places = _json(fields, "map", limits.operations_size)
    _check_places(operations, places)
    try:
        return combine_multipart_data(operations, places, files)  # type: ignore[arg-type]
    except HttpBadRequestError as error:
        raise RequestRefused(400, error.message or str(error), "BAD_REQUEST") from error


def _check_length(request: HttpRequest, limit: int) -> None:
    length = str(request.META.get("CONTENT_LENGTH") or "")
    if not length.isdecimal():
        # Django reads nothing of such a form.
        message = "Content-Length: expected the length of the form, got nothing"
        raise RequestRefused(411, message, "LENGTH_REQUIRED")
    if int(length) > limit:
        raise too_large("body", f"at most {limit} bytes", f"{length} bytes")


def _form(request: HttpRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        # The last of a name wins, as in the specification's own server.
        return request.POST.dict(), request.FILES.dict()
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent) as error:
        # Limits of the project: DATA_UPLOAD_MAX_...
        raise RequestRefused(413, str(error), "PAYLOAD_TOO_LARGE") from error
    except UnreadablePostError as error:
        raise InvalidMessage("body", "the whole body", "a broken connection") from error
    except MultiPartParserError as error:
        raise InvalidMessage("body", "a form", str(error)) from error


def _check_token(request: HttpRequest, headers: Iterable[str]) -> None:
    check = CSRFCheck(_no_response)
    check.process_request(request)
    reason = check.process_view(request, None, (), {})  # type: ignore[arg-type]
    if reason:
        message = (
            f"A form needs Django's CSRF token, or one of these headers: {', '.join(headers)}."
        )
        raise RequestRefused(403, message, "FORBIDDEN")


def _no_response(request: HttpRequest) -> Any:
    raise AssertionError("the check answers nothing by itself")


def _json(fields: dict[str, Any], name: str, limit: int) -> object:
    if name not in fields:
        raise InvalidMessage(name, "a field of the form", "nothing")
    try:
        return decode(fields[name], limit)
    except InvalidMessage as error:
        raise InvalidMessage(name, error.expected, error.got) from error


def _check_places(operations: object, places: object) -> None:
    """Refuse a file that would end nowhere; the rest is Ariadne's to check."""
    for operation in operations if isinstance(operations, list) else [operations]:
        if not isinstance(operation, dict):
            raise InvalidMessage("operations", "an object", kind_of(operation))
    if not isinstance(places, dict):
        return
    for name, paths in places.items():
        for path in _texts(paths):
            found = _at(operations, path)
            if found is not None:
                raise InvalidMessage(f"map.{name}", f"null at {path}", found)


def _texts(paths: object) -> Iterator[str]:
    if isinstance(paths, list):
        yield from (path for path in paths if isinstance(path, str))


def _at(operations: object, path: str) -> str | None:
    """What stands at a path instead of null; None if null does."""
    here: Any = operations
    steps = path.split(".")
    variables = steps[1] if isinstance(operations, list) and len(steps) > 1 else steps[0]
    if variables != "variables":
        return "a path outside of variables"
    for step in steps:
        if isinstance(here, dict) and step in here:
            here = here[step]
        elif isinstance(here, list) and step in map(str, range(len(here))):
            here = here[int(step)]
        else:
            return "nothing"
    return None if here is None else kind_of(here)
