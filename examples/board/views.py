"""
What the browser gets besides the two protocols: the page, its files, the login, the health.

Also `StatsView`, a plain view of DRF that the router serves through `view_as_consumer`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_safe
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import IntegerField

from examples.board.models import Column
from examples.board.seed import PASSWORDS
from examples.board.serializers import StatSerializer

PAGE = Path(__file__).parent / "page"
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def page_file(name: str) -> HttpResponse:
    """A file of the page, read anew each time: they are few and small, and may be being edited."""
    file = PAGE / name
    return HttpResponse(file.read_bytes(), content_type=CONTENT_TYPES[file.suffix])


@require_safe
@never_cache
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """The one page."""
    return page_file("board.html")


@require_safe
@never_cache
def asset(request: HttpRequest, name: str) -> HttpResponse:
    """A script, the style sheet or the icon; there is nothing to collect and nothing to build."""
    if name not in {file.name for file in PAGE.iterdir()}:
        raise Http404
    return page_file(name)


@never_cache
@require_http_methods(["GET", "POST", "DELETE"])
def session(request: HttpRequest) -> HttpResponse:
    """GET who is logged in, POST `{"username", "password"}` to log in, DELETE to log out."""
    if request.method == "POST":
        user = authenticate(request, **credentials(request))
        if user is None:
            return JsonResponse({"detail": "That is not the password of anybody here."}, status=400)
        login(request, user)
    elif request.method == "DELETE":
        logout(request)
    # A login changes the token; the page reads the new one from its cookie.
    get_token(request)
    user_id, name = request.user.pk, request.user.get_username()
    body: dict[str, Any] = {"user": {"id": user_id, "username": name} if user_id else None}
    if settings.DEBUG:
        body["demo"] = PASSWORDS
    return JsonResponse(body)


def credentials(request: HttpRequest) -> dict[str, str]:
    """The user name and the password of a login; empty where there are none."""
    try:
        data = json.loads(request.body)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        data = {}
    return {key: str(data.get(key, "")) for key in ("username", "password")}


@require_safe
@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """How many connections, subscriptions and tasks this process has."""
    from examples.board.api import router

    return JsonResponse({"status": "ok", **router.statistics()})


class StatsView(GenericAPIView[Column]):
    """Cards and days of work in each column of the boards that the user sees."""

    serializer_class = StatSerializer

    def get(self, request: Request) -> Response:
        columns = Column.objects.visible_to(request.user)
        if board := request.query_params.get("board"):
            columns = columns.filter(board=IntegerField().run_validation(board))
        rows = columns.annotate(count=Count("cards"), days=Sum("cards__estimate"))
        stats = [
            {
                "board": column.board_id,
                "column": column.pk,
                "title": column.title,
                "cards": column.count,
                "estimate": column.days,
            }
            for column in rows
        ]
        return Response(self.get_serializer(stats, many=True).data)
