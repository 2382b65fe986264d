"""Where a dish has its address."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("dishes/<int:pk>/", lambda request, pk: HttpResponse(), name="dish-detail")]
