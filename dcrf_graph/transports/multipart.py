"""
Results as parts of one body: Apollo's protocol for subscriptions over HTTP.

A reader takes a part when it sees the delimiter after it. So the delimiter is written together with
the part, and what follows begins a new part or, with two hyphens, ends the body: there is never an
empty part.

Source: https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol;
RFC 2046, section 5.1.1
"""

from __future__ import annotations

BOUNDARY = "graphql"


class MultipartMixed:
    """One body."""

    content_type = f'multipart/mixed;boundary="{BOUNDARY}";subscriptionSpec=1.0'

    def opening(self) -> str:
        """The first delimiter and a heartbeat, so that even an empty stream has a part."""
        return f"--{BOUNDARY}{self.sign_of_life()}"

    def result(self, text: str) -> str:
        """A part whose ``payload`` is the result, errors included."""
        return self._part(f'{{"payload":{text}}}')

    def sign_of_life(self) -> str:
        """A heartbeat: an empty object."""
        return self._part("{}")

    def ending(self) -> str:
        """What makes the delimiter that is there already the last one."""
        return "--\r\n"

    def _part(self, text: str) -> str:
        return f"\r\nContent-Type: application/json\r\n\r\n{text}\r\n--{BOUNDARY}"
