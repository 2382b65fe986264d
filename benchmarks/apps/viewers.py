"""Who asks: the user whose key stands in the query string, as an authenticating middleware says."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser, User


class Viewers:
    """Puts `scope["user"]`; an empty query string is nobody."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.users = {str(user.pk).encode(): user for user in User.objects.all()}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        query = scope.get("query_string", b"")
        user = self.users[query] if query else AnonymousUser()
        await self.application({**scope, "user": user}, receive, send)
