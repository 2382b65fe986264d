"""
The base of every consumer: actions by name, one reply per call.

A consumer is served alone (``Consumer.as_asgi()``), or by a router, which makes
one instance per connection and stream and gives it the frames. Both ways a
frame becomes a call, calls take turns, and a call ends in ``handle_action``,
which GraphQL calls too.

Source: docs/decisions/0001-graphql-is-a-typed-client-of-the-native-dispatch.md
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any, ClassVar

from channels.exceptions import InvalidChannelLayerError, StopConsumer
from rest_framework.exceptions import (
    APIException,
    MethodNotAllowed,
    PermissionDenied,
    ValidationError,
)

from dcrf_graph.alone import Alone
from dcrf_graph.answers import INTERNAL_ERROR, Answers
from dcrf_graph.arguments import RESERVED
from dcrf_graph.calls import RESERVED_ARGUMENTS, Call, Turns, calling
from dcrf_graph.cancelling import (
    CANCEL,
    NO_CALLS,
    REQUEST_ID_TYPE,
    Cancelling,
    request_id_of,
)
from dcrf_graph.capture import Captor
from dcrf_graph.carrier import Carrier
from dcrf_graph.connection import Connection
from dcrf_graph.detachment import Detachment
from dcrf_graph.exceptions import (
    ActionMissingException,
    FrameTooLarge,
    InvalidFrame,
    TooManyFrames,
)
from dcrf_graph.observer.subscriptions import Subscriptions
from dcrf_graph.protocols.effects import Dispatch, Send
from dcrf_graph.protocols.native import NativeConsumer
from dcrf_graph.renewal import is_renewal, renewed
from dcrf_graph.scope_utils import ensure_async
from dcrf_graph.sending import Sending
from dcrf_graph.settings import api_settings
from dcrf_graph.threads import own_thread

logger = logging.getLogger(__name__)
UNSUBSCRIBES = "unsubscribe"
"""How the names of actions begin that end a subscription."""


class APIConsumerMetaclass(type):
    """Records which methods are actions, by the name that clients use."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], body: dict[str, Any], **kwargs: Any
    ) -> APIConsumerMetaclass:
        cls = super().__new__(mcs, name, bases, body, **kwargs)
        cls.available_actions = {}
        for method_name in dir(cls):
            attribute = getattr(cls, method_name, None)
            if getattr(attribute, "action", False) is True:
                options: Mapping[str, Any] = getattr(attribute, "kwargs", {})
                cls.available_actions[options.get("name", method_name)] = method_name
        return cls

    available_actions: dict[str, str]


class AsyncAPIConsumer(Answers, Cancelling, Detachment, Sending, metaclass=APIConsumerMetaclass):
    """
    A consumer whose methods, marked with ``@action()``, clients call by name.

    Attributes:
        authentication_classes: who is asking, where this consumer is served alone: DRF's
            classes, or callables; None for the settings. On a router it is the router's.
        available_actions: the name of each action, and of its method.
        groups: channel layer groups that every instance is in, as in Channels.
        detached_tasks: the tasks that ``@detached`` code runs in.

    Permissions and throttles: see ``Access``. Replies: ``Answers``. Tasks that
    outlive their call: ``Detachment``. Cancelling calls: ``Cancelling``. Frames: ``Sending``.

    Source: upstream's ``consumers.AsyncAPIConsumer``.
    """

    available_actions: ClassVar[dict[str, str]]
    authentication_classes: Any = None
    groups: Any = ()
    _connection: Connection | None = None
    _turns: Turns | None = None  # while somebody has one, or waits for it
    _channel_name: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.groups = set(self.groups or ())
        self.subscriptions = Subscriptions(self)
        # Set here, so that all instances have the same layout, and share its names.
        self.calls_under_way = NO_CALLS
        self._turns = None

    # -- served alone, or by a router ---------------------------------------

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection alone, as an ASGI application."""
        # Whatever this waits in is kept for as long as the client is there: one frame, no copies.
        connection = self._connection = Connection()
        alone = Alone(self, connection, send)
        try:
            if await alone.enter(scope, receive):
                while True:
                    await alone.take(await receive())
        except StopConsumer:
            pass
        except asyncio.CancelledError as cancelled:
            alone.ended(cancelled)
        finally:
            alone.leave_behind()
            self.subscriptions.close()
            await connection.close()

    def host(
        self,
        scope: Any,
        connection: Connection,
        carrier: Carrier,
        channel_layer: Any,
        channel_name: str | None,
        captor: Captor | None = None,
    ) -> None:
        """Be served: share a connection, send through what carries the frames of this consumer.

        The carrier is told when the consumer's own channel is asked for; nobody needs to
        listen to it before. A ``captor`` takes the frames of those who do not want their text.
        """
        self.scope = scope
        self._connection = connection
        self._carrier = carrier
        self._captor = captor
        self.channel_layer = channel_layer
        self._channel_name = channel_name

    @property
    def connection(self) -> Connection:
        """What this consumer's client owns: tasks and slots."""
        if self._connection is None:
            self._connection = Connection()
        return self._connection

    @property
    def channel_name(self) -> Any:
        """The name of this consumer's own channel, as in Channels."""
        self._carrier.channel_used()
        return self._channel_name

    @channel_name.setter
    def channel_name(self, name: str) -> None:
        self._channel_name = name

    # -- connecting ----------------------------------------------------------

    async def websocket_connect(self, message: Any) -> None:
        """Let the client in, if every permission's ``can_connect`` agrees."""
        async with own_thread():
            try:
                for permission in await self.get_permissions(action="connect"):
                    can_connect = ensure_async(permission.can_connect)
                    if not await can_connect(scope=self.scope, consumer=self, message=message):
                        raise PermissionDenied()
                await super().websocket_connect(message)
            except PermissionDenied:
                await self.close()

    async def websocket_disconnect(self, message: Any) -> None:
        """End everything that this consumer has started, then say goodbye."""
        self.subscriptions.close()
        for task in list(self.detached_tasks):
            task.cancel()
            await self.handle_detached_task_completion(task)
        async with own_thread():
            await super().websocket_disconnect(message)

    def hush(self) -> None:
        """Say nothing more but what answers the calls that run: no event, nothing detached."""
        self.subscriptions.close()
        for task in list(self.detached_tasks):
            task.cancel()

    async def add_group(self, name: str) -> None:
        """Let this consumer's channel hear a channel layer group; once, however often asked."""
        if name not in self.groups:
            await self._require_channel_layer().group_add(name, self.channel_name)
            self.groups.add(name)

    async def remove_group(self, name: str) -> None:
        """Stop hearing a group that ``add_group`` added."""
        if name in self.groups:
            await self._require_channel_layer().group_discard(name, self.channel_name)
            self.groups.remove(name)

    def _require_channel_layer(self) -> Any:
        if self.channel_layer is None:
            raise InvalidChannelLayerError("Groups need a channel layer: set CHANNEL_LAYERS.")
        return self.channel_layer

    # -- from a frame to a call ------------------------------------------------

    async def dispatch(self, message: Any) -> None:
        """Handle a message.

        Channels closes old database connections before, in a thread. The call that a frame
        becomes has a thread of its own, and sees to that itself.
        """
        if message["type"] == "websocket.receive" and not replaced(self, "websocket_receive"):
            await self.websocket_receive(message)
        else:
            await super().dispatch(message)

    async def websocket_receive(self, message: Any) -> None:
        """Start the call that a frame asks for; frames that ask for nothing are answered."""
        allowed = self.connection.frames.take()
        if replaced(self, "receive") or replaced(self, "decode_json"):
            if allowed:
                await self.start_call({}, super().websocket_receive(message))
            else:
                await self._refuse(TooManyFrames())
            return
        protocol = NativeConsumer(max_frame_size=api_settings.MAX_FRAME_SIZE)
        for effect in protocol.receive(message.get("text"), message.get("bytes")):
            match effect:
                case Dispatch(payload=payload) if not allowed:
                    await self.refuse_frame(payload, TooManyFrames())
                case Dispatch(payload=payload):
                    await self.start_frame(payload)
                case Send(text=text):
                    await self.send(text_data=text)

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any
    ) -> None:
        """Read a frame with ``decode_json``, for consumers that have their own.

        Consumers that have none are spared this: their frames are read, strictly, before.
        """
        try:
            if text_data is None:
                raise InvalidFrame()
            if len(text_data.encode(errors="surrogatepass")) > api_settings.MAX_FRAME_SIZE:
                raise FrameTooLarge()
            try:
                content = await self.decode_json(text_data)
            except ValueError:
                raise InvalidFrame() from None
            if not isinstance(content, dict):
                raise InvalidFrame()
        except APIException as error:
            await self.handle_exception(error, action=None, request_id=None)
            return
        await self.receive_json(content, **kwargs)

    async def start_frame(self, content: dict[str, Any]) -> tuple[Call, asyncio.Task[Any]] | None:
        """Start the call that a decoded frame asks for, in a task of the connection.

        A frame that cancels is answered at once, whatever waits in the line.
        """
        if is_cancel(type(self), content):
            await self.cancel_request(content.get("request_id"))
            return None
        return await self.start_call(content, self.receive_json(dict(content)))

    async def start_call(
        self, content: Mapping[str, Any], work: Coroutine[Any, Any, Any]
    ) -> tuple[Call, asyncio.Task[Any]] | None:
        """Take a turn for a call now, and run it when the turn has come.

        Returns the call and its task; None for a call that was refused, and answered.
        """
        action, request_id = content.get("action"), content.get("request_id")
        call = Call(action if isinstance(action, str) else None, request_id)
        connection = self.connection
        try:
            connection.admit(call, ends=is_end(type(self), content))
        except APIException as error:
            work.close()
            await self._refuse(error, call.action, request_id)
            return None
        turn = self._ask_turn(action)
        task = connection.start(self._take_turn(call, turn, work))
        if not self.calls_under_way:
            self.calls_under_way = {}
        self.calls_under_way[task] = call

        def ended(_: object) -> None:
            del self.calls_under_way[task]
            if not self.calls_under_way:
                self.calls_under_way = NO_CALLS
            connection.release(call)
            self._give_up(turn)
            work.close()

        task.add_done_callback(ended)
        return call, task

    async def refuse_frame(self, content: Mapping[str, Any], refusal: APIException) -> None:
        """Answer a frame that does not become a call."""
        action = content.get("action")
        await self._refuse(
            refusal,
            action if isinstance(action, str) else None,
            request_id_of(content.get("request_id")),
        )

    async def _refuse(
        self, error: Exception, action: str | None = None, request_id: Any = None
    ) -> None:
        async with own_thread():  # like a call's: an override may ask the database
            await self.handle_exception(error, action=action, request_id=request_id)

    def may_overlap(self, action: Any) -> bool:
        """Whether calls of an action may run beside others of the same kind."""
        if not isinstance(action, str) or replaced(self, "get_action_name"):
            return False
        method = getattr(self, self.available_actions.get(action, ""), None)
        options = getattr(method, "options", None)
        return options is not None and bool(options.concurrent)

    async def run_call(
        self, action: str, request_id: Any, arguments: Mapping[str, Any], call: Call
    ) -> None:
        """Run one action of this consumer in its turn, and wait until it has been answered.

        This is how GraphQL calls. Cancelling it cancels the action and what it detached.
        """
        turn = self._ask_turn(action)
        try:
            work = self.handle_action(action, request_id=request_id, **arguments)
            await self._take_turn(call, turn, work)
            if call.detached:
                await asyncio.wait(call.detached)
        finally:
            self._give_up(turn)
            for task in call.detached:
                task.cancel()

    def _ask_turn(self, action: Any) -> asyncio.Future[None]:
        if self._turns is None:
            self._turns = Turns()
        return self._turns.ask(shared=self.may_overlap(action))

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if self._turns is not None:
            self._turns.give_up(turn)
            if self._turns.over:
                self._turns = None

    async def _take_turn(
        self, call: Call, turn: asyncio.Future[None], work: Coroutine[Any, Any, Any]
    ) -> None:
        async with AsyncExitStack() as stack:
            stack.callback(work.close)
            stack.callback(self._give_up, turn)
            await turn
            await stack.enter_async_context(self.connection.slot())
            await stack.enter_async_context(own_thread())
            stack.enter_context(calling(call))
            try:
                await work
            except Exception as error:
                # An override of receive_json, reply or handle_exception failed.
                logger.exception("Error outside the action %s", call.action, exc_info=error)
                if not call.answered:
                    await AsyncAPIConsumer.reply(
                        self,
                        action=call.action,
                        errors=[INTERNAL_ERROR],
                        status=500,
                        request_id=request_id_of(call.request_id),
                    )

    async def receive_json(self, content: dict[str, Any], **kwargs: Any) -> None:
        """Read the action and its arguments out of a decoded frame, and run it."""
        request_id = content.pop("request_id", None)
        try:
            if request_id is not request_id_of(request_id):
                request_id = None
                raise ValidationError({"request_id": [REQUEST_ID_TYPE]})
            try:
                action, content = await self.get_action_name(content, **kwargs)
            except KeyError:
                raise ActionMissingException() from None
            if not isinstance(action, str):
                raise MethodNotAllowed(method=str(action))
            if reserved := sorted(RESERVED_ARGUMENTS & content.keys()):
                raise ValidationError({name: [RESERVED] for name in reserved})
        except Exception as error:
            await self.handle_exception(error, action=None, request_id=request_id)
            return
        presence = self.connection.presence
        if presence is not None and is_renewal(action, type(self)):
            await self.send_json(await renewed(presence, {**content, "request_id": request_id}))
            return
        await self.handle_action(action, request_id=request_id, **content)

    async def get_action_name(
        self, content: dict[str, Any], **kwargs: Any
    ) -> tuple[Any, dict[str, Any]]:
        """
        Read the name of the action; what is left of the frame are its arguments.

        Raises:
            KeyError: if the frame names none; the client is told.
        """
        return content.pop("action"), content


def replaced(consumer: AsyncAPIConsumer, name: str) -> bool:
    """Whether a consumer class has its own version of one of our methods."""
    own = getattr(type(consumer), name)
    ours = getattr(AsyncAPIConsumer, name)
    return getattr(own, "__func__", own) is not getattr(ours, "__func__", ours)


def is_cancel(consumer_class: type[AsyncAPIConsumer], content: Mapping[str, Any]) -> bool:
    """Whether a frame cancels: by an action that the consumer does not have itself."""
    action = action_of(consumer_class, content)
    return action == CANCEL and CANCEL not in consumer_class.available_actions


def is_end(consumer_class: type[AsyncAPIConsumer], content: Mapping[str, Any]) -> bool:
    """Whether a frame ends a subscription: by an action of the consumer that is called so."""
    action = action_of(consumer_class, content)
    return action.startswith(UNSUBSCRIBES) and action in consumer_class.available_actions


def action_of(consumer_class: type[AsyncAPIConsumer], content: Mapping[str, Any]) -> str:
    """The action that a frame names; empty where the consumer reads that in its own way."""
    ours = consumer_class.get_action_name is AsyncAPIConsumer.get_action_name
    action = content.get("action")
    return action if ours and isinstance(action, str) else ""
