"""
The native frame that authenticates a connection which runs already.

``{"action": "authenticate", "request_id": 7, "data": {"Authorization": "Bearer ..."}}``
is about the connection, whichever stream it is sent on. ``data`` is what the
``payload`` of ``connection_init`` would be. A consumer that has an action of this
name gets the frame itself.

Source: docs/protocol.md
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from rest_framework.exceptions import APIException, PermissionDenied

from dcrf_graph.answers import INTERNAL_ERROR
from dcrf_graph.authentication import Identity
from dcrf_graph.presence import Presence
from dcrf_graph.protocols.native import error_payload, reply_payload

logger = logging.getLogger(__name__)

ACTION = "authenticate"
WRONG_DATA = {"data": ["Expected an object."]}
WRONG_REQUEST_ID = {"request_id": ["A request_id must be a string or a number."]}


def is_renewal(action: object, consumer_class: Any) -> bool:
    """Whether a frame authenticates the connection, and is for no action of the consumer."""
    return action == ACTION and ACTION not in consumer_class.available_actions


def renewed(presence: Presence, payload: Mapping[str, Any]) -> Awaitable[dict[str, Any]]:
    """Authenticate from now on by what a frame brings; await the payload that answers it."""
    request_id, data = payload.get("request_id"), payload.get("data")
    if not isinstance(request_id, str | int | float | None):
        return refused(WRONG_REQUEST_ID, None)
    if data is not None and not isinstance(data, dict):
        return refused(WRONG_DATA, request_id)
    return answer(presence.renew(data), request_id)


async def refused(error: Any, request_id: Any) -> dict[str, Any]:
    """The answer to a frame that cannot be read."""
    return error_payload([error], 400, ACTION, request_id)


async def answer(renewal: Awaitable[Identity], request_id: Any) -> dict[str, Any]:
    """What became of it: until when, or why not."""
    try:
        identity = await renewal
    except DjangoPermissionDenied as error:
        return told(PermissionDenied(str(error) or None), request_id)
    except APIException as error:
        return told(error, request_id)
    except Exception as error:
        logger.error("The authenticator failed", exc_info=error)
        return error_payload([INTERNAL_ERROR], 500, ACTION, request_id)
    return reply_payload([], 200, ACTION, request_id, {"expires": written(identity)})


def told(error: APIException, request_id: Any) -> dict[str, Any]:
    """A refusal."""
    errors = error.detail if isinstance(error.detail, list) else [error.detail]
    return error_payload(list(errors), error.status_code, ACTION, request_id)


def written(identity: Identity) -> str | None:
    """Until when credentials hold, as JSON has it; None where nobody knows."""
    expires = identity.expires
    return None if expires is None else expires.isoformat(timespec="seconds")
