"""
What a browser gets that opens the address of the GraphQL view: GraphiQL, or a small page.

GraphiQL's scripts are copied here when a wheel is built, or by ``make graphiql`` in a checkout
(``explorer/build.py``); they are served from the same address (``?asset=graphiql.js``), and nothing
is loaded from anywhere else. Without them a page of one file does, and says how to get the other.
"""

from __future__ import annotations

from pathlib import Path

from django.http import HttpRequest, HttpResponse

HERE = Path(__file__).parent
ASSETS = HERE / "graphiql"
CONTENT_TYPES = {
    "graphiql.css": "text/css; charset=utf-8",
    "graphiql.js": "text/javascript; charset=utf-8",
    "react-dom.js": "text/javascript; charset=utf-8",
    "react.js": "text/javascript; charset=utf-8",
}
HTML = "text/html; charset=utf-8"


def page(assets: Path | None = None) -> HttpResponse:
    """GraphiQL where it has been built, else the small page."""
    built = all(((assets or ASSETS) / name).is_file() for name in CONTENT_TYPES)
    name = "graphiql.html" if built else "page.html"
    return HttpResponse((HERE / name).read_bytes(), content_type=HTML)


def asset(request: HttpRequest, assets: Path | None = None) -> HttpResponse | None:
    """The file that a page asks for; None if it asks for none that there is."""
    name = request.GET.get("asset")
    if request.method not in ("GET", "HEAD") or name not in CONTENT_TYPES:
        return None
    file = (assets or ASSETS) / name
    if not file.is_file():
        return None
    response = HttpResponse(file.read_bytes(), content_type=CONTENT_TYPES[name])
    response["Cache-Control"] = "max-age=3600"
    return response
