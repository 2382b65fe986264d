"""
A router that asks who is asking: DRF's classes, an authenticator of one's own, and a logout.

    python -m pytest tests/examples/test_authenticated.py

`docs/authentication.md` shows this file piece by piece.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.core import signing
from django.dispatch import receiver
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAuthenticated
from rest_framework_simplejwt.authentication import JWTAuthentication

from dcrf_graph.authentication import Identity
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.mixins import ListModelMixin
from dcrf_graph.observer.generics import ObserverModelInstanceMixin
from dcrf_graph.revocation import revoke
from dcrf_graph.routers import Router
from examples.board.models import Label
from examples.board.serializers import LabelSerializer


class LabelConsumer(ListModelMixin, ObserverModelInstanceMixin, GenericAsyncAPIConsumer):
    queryset = Label.objects.order_by("id")
    serializer_class = LabelSerializer
    permission_classes = [IsAuthenticated]


# [router]
router = Router(
    authentication_classes=[SessionAuthentication, TokenAuthentication, JWTAuthentication]
)
router.register("labels", LabelConsumer)
# [end]


# [own]
def by_link(scope: Mapping[str, Any], payload: Mapping[str, Any] | None) -> Identity | None:
    """Whoever has a link that we have signed, for an hour."""
    link = (payload or {}).get("link")
    if link is None:
        return None  # ask the next authenticator
    try:
        signed = signing.loads(link, salt="links")
    except signing.BadSignature:
        raise AuthenticationFailed("This link is not ours.") from None
    user = User.objects.get(pk=signed["user"], is_active=True)
    return Identity(user, auth=link, expires=signed["expires"])


guests = Router(authentication_classes=[by_link, SessionAuthentication])
# [end]
guests.register("labels", LabelConsumer)


# [alone]
class KioskConsumer(LabelConsumer):
    authentication_classes = [TokenAuthentication]


# [end]


# [logout]
@receiver(user_logged_out)
def log_out_everywhere(user: User | None, **kwargs: Any) -> None:
    if user is not None and user.get_username().startswith("kiosk-"):
        revoke(user)


# [end]
