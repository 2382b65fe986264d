"""
Requests that a page of another site has made a browser send, with our user's cookies.

A post shows by its content type that no such page has sent it. A GET cannot; but
browsers say from where it comes, in a header that no page can set, and a request
with a header that a page of another site may not send unasked is none of these.

Source: docs/decisions/0033-a-get-of-another-site-needs-a-header.md;
https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from dcrf_graph.settings import api_settings

from .http_refusal import RequestRefused

ELSEWHERE = ("cross-site", "same-site")
"""What browsers say of a page that is not of this very origin; a link that was typed is none."""


def check_site(request: HttpRequest, user: Any) -> None:
    """
    Let no other site ask by GET for a user whom the browser makes known by itself.

    Raises:
        RequestRefused: 403, and what would show that the page may.
    """
    if request.method == "POST" or not getattr(user, "is_authenticated", False):
        return
    if request.headers.get("Sec-Fetch-Site", "none") not in ELSEWHERE:
        return
    headers = api_settings.GRAPHQL_UPLOAD_HEADERS
    if request.content_type == "application/json" or any(map(request.headers.get, headers)):
        return
    message = (
        "A GET from another site needs Content-Type: application/json, or one of the headers "
        f"{', '.join(headers)}."
    )
    raise RequestRefused(403, message, "FORBIDDEN")
