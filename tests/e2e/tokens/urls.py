"""`/jwt/?user=ada&seconds=2` and `/token/?user=ada` give tokens, `/revoke/?user=ada` ends all."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.http import HttpRequest, JsonResponse
from django.urls import path
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.tokens import AccessToken

from dcrf_graph.revocation import revoke
from examples.board.urls import urlpatterns as board


def user_of(request: HttpRequest) -> User:
    return User.objects.get(username=request.GET["user"])


def jwt(request: HttpRequest) -> JsonResponse:
    token = AccessToken.for_user(user_of(request))
    token.set_exp(lifetime=timedelta(seconds=int(request.GET["seconds"])))
    return JsonResponse({"authorization": f"Bearer {token}"})


def token(request: HttpRequest) -> JsonResponse:
    key = Token.objects.get_or_create(user=user_of(request))[0].key
    return JsonResponse({"authorization": f"Token {key}"})


def taken_away(request: HttpRequest) -> JsonResponse:
    revoke(user_of(request))
    return JsonResponse({})


urlpatterns = [
    *board,
    path("jwt/", jwt),
    path("token/", token),
    path("revoke/", taken_away),
]
