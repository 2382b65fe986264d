"""A subscription while it only listens: it sends its results, and no task waits for them."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from dcrf_graph.carrier import nothing
from dcrf_graph.graphql.sharing import Encoded
from dcrf_graph.graphql.subscriptions import Results
from dcrf_graph.protocols.effects import Run

if TYPE_CHECKING:
    from dcrf_graph.transports.graphql_session import GraphQLSession


Result = dict[str, Any]


class Listening:
    """One subscription: sends its results. While nothing happens no task waits for them."""

    __slots__ = (
        "_cancelled",
        "_opening",
        "_session",
        "_socket",
        "id",
        "operation",
        "results",
    )

    def __init__(
        self,
        session: GraphQLSession,
        id: str,
        operation: Run,
        results: Results,
    ) -> None:
        self.id = id
        self.operation = operation
        self.results = results
        self._session = session
        self._socket = session.socket
        self._opening = session.protocol.opening(id)
        self._cancelled = False

    def send(self, result: Result) -> Awaitable[None]:
        """Send a result, unless the operation is over."""
        if self.operation.over:
            return nothing()
        if isinstance(result, Encoded):
            return self._socket.send(self._opening + result.ending)
        session = self._session
        return session.carry_out(session.protocol.next(self.id, result, self.operation))

    def begin(self) -> None:
        """Be what the session knows of the operation, instead of its task."""
        self._session.listens(self)

    def over(self) -> None:
        """The source has ended: say so, in a task."""
        if not self._cancelled:
            self._session.ends(self)

    def cancel(self) -> None:
        """End it, because the client does not want it, or may not have it any more."""
        self._cancelled = True
        self.results.close()
        self._session.unlisten(self)
