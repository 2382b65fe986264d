"""
The client's end of one WebSocket, in process: it opens, reads, waits and closes.

It knows no protocol but ASGI's. A wait ends with what was awaited, or with an
``AssertionError`` that says what came instead, so that no test hangs.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html#websocket
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from contextvars import Context
from typing import Any, Self

from dcrf_graph.changes.hub import hub
from dcrf_graph.connection import open_connections
from dcrf_graph.observer.deliverer import delivering
from dcrf_graph.testing.transaction import Commit, as_if_committed

PATIENCE = 1.0
"""Seconds for what goes on to be over; what does not end, a ticker, say, is then left alone."""


class Closed(AssertionError):
    """
    The application has closed the socket: ``code`` and ``reason``.

    ``code`` is None where it has refused to open it, which a server answers with HTTP 403.
    """

    def __init__(self, code: int | None, reason: str = "", *, awaited: str = "") -> None:
        super().__init__(code, reason, awaited)
        self.code = code
        self.reason = reason
        self.awaited = awaited

    def __str__(self) -> str:
        if self.code is None:
            return "The application refused to open the socket."
        said = f"{self.code} {self.reason}".strip()
        return f"The application closed the socket ({said}); awaited was {self.awaited}."


class NothingCame(AssertionError):
    """A wait has taken too long: ``awaited`` says for what, ``unread`` are the frames that came."""

    def __init__(self, awaited: str, timeout: float, unread: list[Any]) -> None:
        super().__init__(awaited, timeout, unread)
        self.awaited = awaited
        self.timeout = timeout
        self.unread = unread

    def __str__(self) -> str:
        came = f"unread are {self.unread}" if self.unread else "no frame came"
        return f"Waited {self.timeout:g} s for {self.awaited}; {came}."


class Socket:
    """
    One client of an application, connected within ``async with``.

    Entering raises ``Closed`` where the application refuses the connection. Leaving
    disconnects and waits until the application has ended; what it raised is raised.

    Args:
        application: a ``Router``, a consumer class, or any ASGI application, such as what
            ``as_asgi()`` returns with middleware around it.
        user: who is logged in: ``scope["user"]``. To log in by a cookie or a token instead, as
            middleware or an authenticator wants it, use ``headers``.
        path: of the URL; may have a query string.
        headers: of the handshake, e.g. ``{"Authorization": "Token ..."}``.
        origin: the page that opens the socket, e.g. ``"https://example.com"``.
        scope: more keys of the ASGI scope, e.g. ``{"url_route": {"kwargs": {"room": 1}}}``.
        timeout: seconds until a wait fails.
    """

    subprotocols: tuple[str, ...] = ()

    def __init__(
        self,
        application: Any,
        *,
        user: Any = None,
        path: str = "/ws/",
        headers: Mapping[str, str] | None = None,
        origin: str | None = None,
        scope: Mapping[str, Any] | None = None,
        timeout: float = 5.0,
    ) -> None:
        as_asgi = getattr(application, "as_asgi", None)
        self.application = application if as_asgi is None else as_asgi()
        self.timeout = timeout
        path, _, query = path.partition("?")
        named = {"host": "testserver", **{k.lower(): v for k, v in (headers or {}).items()}}
        if origin is not None:
            named["origin"] = origin
        self.scope: dict[str, Any] = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": [(k.encode("latin1"), v.encode("latin1")) for k, v in named.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("testserver", 80),
            "subprotocols": list(self.subprotocols),
            **({} if user is None else {"user": user}),
            **(scope or {}),
        }
        self._stack = AsyncExitStack()
        self._unread: list[Any] = []
        self._handed_over = 0

    async def __aenter__(self) -> Self:
        self._news = asyncio.Event()
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._handshake: dict[str, Any] | None = None
        self._closed: dict[str, Any] | None = None
        async with AsyncExitStack() as stack:
            self._commit: Commit = await stack.enter_async_context(as_if_committed())
            stack.push_async_exit(self._leave)
            # As by a server: nothing of the test's context.
            self._served = asyncio.get_running_loop().create_task(
                self.application(self.scope, self._receive, self._take), context=Context()
            )
            self._served.add_done_callback(lambda _: self._news.set())
            self._sent.put_nowait({"type": "websocket.connect"})
            await self._until(lambda: self._handshake is not None, "the socket to open")
            await self._greet()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._stack.__aexit__(*error)

    async def _greet(self) -> None:
        """Introduce oneself, where the protocol has it so."""

    async def _leave(self, kind: type[BaseException] | None, *error: Any) -> None:
        if not self._served.done():
            self._sent.put_nowait({"type": "websocket.disconnect", "code": 1000})
            await asyncio.wait({self._served}, timeout=self.timeout)
        if not self._served.done():
            self._served.cancel()
            await asyncio.wait({self._served}, timeout=self.timeout)
            if kind is None:
                raise NothingCame("the application to end", self.timeout, self._unread)
        elif kind is None and not self._served.cancelled():
            self._served.result()

    # -- what the application is given as a server's ---------------------------------------------

    async def _receive(self) -> dict[str, Any]:
        # The next message is asked for when the one before has been handled.
        if self._handed_over:
            self._handed_over -= 1
            self._sent.task_done()
        message = await self._sent.get()
        self._handed_over += 1
        return message

    async def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            text = message.get("text")
            self._unread.append(json.loads(text) if text is not None else message["bytes"])
        elif message["type"] == "websocket.accept":
            self._handshake = message
        else:
            self._closed = message
        self._news.set()

    # -- what a client does ----------------------------------------------------------------------

    async def send_json(self, frame: Any) -> None:
        """Send any value as a frame."""
        await self.send_text(json.dumps(frame))

    async def send_text(self, text: str) -> None:
        """Send a frame as it is."""
        self._sent.put_nowait({"type": "websocket.receive", "text": text})

    async def _first(self, wanted: Callable[[Any], bool], awaited: str) -> Any:
        """The first unread frame of a kind, taken."""
        await self._until(lambda: any(map(wanted, self._unread)), awaited)
        place = next(place for place, frame in enumerate(self._unread) if wanted(frame))
        return self._unread.pop(place)

    async def _until(self, happened: Callable[[], bool], awaited: str) -> None:
        """
        Wait for something.

        Raises:
            Closed: the application closed the socket, or ended.
            NothingCame: it took too long.
            Exception: what the application raised.
        """
        await self._commit()
        try:
            async with asyncio.timeout(self.timeout):
                while not happened():
                    if self._closed is not None:
                        raise self._end(awaited)
                    if self._served.done():
                        self._served.result()
                        raise Closed(1006, "it ended without a word", awaited=awaited)
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise NothingCame(awaited, self.timeout, list(self._unread)) from None

    def _end(self, awaited: str) -> Closed:
        said = self._closed or {}
        code = None if self._handshake is None else said.get("code") or 1000
        return Closed(code, said.get("reason") or "", awaited=awaited)

    async def closed(self) -> Closed:
        """How the application closes the socket: waits for that, whatever else it still sends."""
        try:
            await self._until(lambda: False, "the end of the socket")
        except Closed as closed:
            return closed
        raise AssertionError("unreachable")

    async def _none(self, wanted: Callable[[Any], bool]) -> None:
        """Wait until nothing is going on.

        Raises:
            AssertionError: a frame of a kind came.
        """
        await self._commit()
        await self._handled()
        await self._settle(set())
        came = [frame for frame in self._unread if wanted(frame)]
        if came:
            raise AssertionError(f"Nothing should have come; unread are {came}.")

    async def _handled(self) -> None:
        """Wait until the application has read every frame."""
        reading = asyncio.ensure_future(self._sent.join())
        await asyncio.wait(
            {reading, self._served}, timeout=self.timeout, return_when="FIRST_COMPLETED"
        )
        if not reading.done():
            reading.cancel()
            if not self._served.done():
                raise NothingCame("frames to be read", self.timeout, list(self._unread))

    async def _settle(
        self, before: set[asyncio.Task[Any]], over: Callable[[], bool] = lambda: False
    ) -> None:
        """Wait until what goes on now, and did not before, is over, or need not be."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        # An event that another thread has published is given to the loop first.
        await asyncio.sleep(0)
        while tasks := running() - before:
            left = until - loop.time()
            if over() or left <= 0:
                return
            await asyncio.wait(tasks, timeout=min(left, PATIENCE / 20))


def running() -> set[asyncio.Task[Any]]:
    """What runs on the connections of this loop, and what brings events to them."""
    loop = asyncio.get_running_loop()
    tasks = {task for each in list(open_connections) for task in each.tasks} | delivering()
    return {task for task in tasks if task.get_loop() is loop and not task.done()}


def listening() -> int:
    """How many subscriptions there are, each counted per group."""
    return hub.count()
