"""
Results as server-sent events: the distinct connections mode of graphql-sse.

Every request has a response of its own, which is its stream: ``next`` for each result, then
``complete``. Lines end in LF, which every reader of the format takes.

Source: PROTOCOL.md of the npm package graphql-sse, section "Distinct connections mode";
https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations


class ServerSentEvents:
    """One stream."""

    content_type = "text/event-stream; charset=utf-8"

    def opening(self) -> str:
        """A comment."""
        return ":\n\n"

    def result(self, text: str) -> str:
        """A ``next`` event; ``text`` is one line of JSON."""
        return f"event: next\ndata: {text}\n\n"

    def sign_of_life(self) -> str:
        """A comment."""
        return ":\n\n"

    def ending(self) -> str:
        """The ``complete`` event; a browser's EventSource hears only events that have data."""
        return "event: complete\ndata:\n\n"
