"""
Who may do what on a consumer: permissions, throttles, and both again for events.

Kept apart from the dispatch, which asks and does not decide.

Source: docs/decisions/0038-a-deletion-is-never-refused.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from django.core.exceptions import ObjectDoesNotExist
from rest_framework.exceptions import PermissionDenied, Throttled

from dcrf_graph.calls import Call, calling, current_call
from dcrf_graph.changes.change import Event
from dcrf_graph.observer.deletions import RowIsGone, is_deletion
from dcrf_graph.observer.deliberate import REFUSALS
from dcrf_graph.observer.delivery import Subscriber
from dcrf_graph.observer.links import only_listens
from dcrf_graph.permissions import anybody, asks_object, asks_objects, question_of, wrapped
from dcrf_graph.scope_utils import CallView, ensure_async, forget_permissions, user_of
from dcrf_graph.settings import api_settings
from dcrf_graph.threads import in_database_thread


class Access:
    """
    The questions that a consumer asks before it serves.

    Attributes:
        permission_classes: asked when a client connects, before each call, and
            again before each event is delivered.
        throttle_classes: DRF's throttles, asked before each call.
        http_methods: the HTTP method that DRF's permissions and throttles see
            for an action; ``http_method_of`` decides for the ones not listed.
    """

    scope: Any
    connection: Any
    available_actions: ClassVar[dict[str, str]]
    permission_classes: Any = api_settings.DEFAULT_PERMISSION_CLASSES
    throttle_classes: Any = api_settings.DEFAULT_THROTTLE_CLASSES
    http_methods: ClassVar[Mapping[str, str]] = {
        "connect": "HEAD",
        "create": "POST",
        "list": "GET",
        "retrieve": "GET",
        "update": "PUT",
        "patch": "PATCH",
        "delete": "DELETE",
        "subscribe_instance": "GET",
        "unsubscribe_instance": "GET",
    }

    async def get_permissions(self, action: str, **kwargs: Any) -> list[Any]:
        """Make the permissions to ask for an action."""
        return [wrapped(permission_class()) for permission_class in self.permission_classes]

    async def check_permissions(self, action: str, **kwargs: Any) -> None:
        """
        Ask every permission whether this client may run the action.

        Raises:
            PermissionDenied: by the first that does not say yes.
        """
        permissions = await self.get_permissions(action=action, **kwargs)
        for permission in permissions:
            has_permission = ensure_async(permission.has_permission)
            if not await has_permission(scope=self.scope, consumer=self, action=action, **kwargs):
                raise denied(permission)
        call = current_call.get()
        if call is not None:
            call.permissions = permissions

    async def check_object_permissions(self, action: str, obj: Any, **kwargs: Any) -> None:
        """
        Ask every permission that has an object permission about this object.

        Raises:
            PermissionDenied: by the first that does not say yes.
        """
        call = current_call.get()
        permissions = None if call is None else call.permissions
        if permissions is None:
            permissions = await self.get_permissions(action=action, **kwargs)
        arguments = {name: value for name, value in kwargs.items() if name != "obj"}
        for permission in permissions:
            if asks_objects(permission) and not await asks_object(
                permission, self.scope, self, action, obj, **arguments
            ):
                raise denied(permission)

    async def check_throttles(self, action: str, **kwargs: Any) -> None:
        """
        Count this call with every throttle.

        Raises:
            Throttled: by the first that has had enough, with the seconds to wait where known.
        """
        if not self.throttle_classes:
            return
        view = CallView(self, action, kwargs, self.http_method_of(action))
        for throttle_class in self.throttle_classes:
            throttle = throttle_class()
            if not await ensure_async(throttle.allow_request)(view.request, view):
                raise Throttled(throttle.wait())

    def http_method_of(self, action: str) -> str:
        """The HTTP method that an action would have had: ``"POST"`` unless it only reads."""
        if action in self.http_methods:
            return self.http_methods[action]
        method = getattr(self, self.available_actions.get(action, ""), None)
        options = getattr(method, "options", None)
        reads = options is not None and options.kind == "query"
        consumer_class: Any = type(self)
        return "GET" if reads or only_listens(consumer_class, action) else "POST"

    async def check_connection(self) -> None:
        """
        Ask again what was asked when the client connected.

        Raises:
            PermissionDenied: by the first permission that does not say yes.
        """
        for permission in await self.get_permissions(action="connect"):
            can_connect = ensure_async(permission.can_connect)
            if not await can_connect(scope=self.scope, consumer=self, message=None):
                raise denied(permission)

    async def check_subscriber(self, subscriber: Subscriber) -> None:
        """
        Ask again what was asked at subscribing, with no event at hand.

        Raises:
            APIException: the refusal.
        """
        forget_permissions(user_of(self.scope))
        if subscriber.action is None:
            await self.check_connection()
            return
        with calling(self.subscribing_call(subscriber)):
            await self.check_permissions(subscriber.action, **subscriber.arguments)

    def question(self) -> Callable[[Mapping[str, Any]], bool] | bool | None:
        """What ``check_event`` asks of the scope's user, where it asks nothing else; else None.

        True where everybody may hear. A no, or an error, says nothing: then ask at length.

        Not None only where the permissions are those that depend on nothing but the
        user, and nothing of how they are asked has been overridden.
        """
        consumer_class: Any = type(self)
        if not ASKING.isdisjoint(self.__dict__):
            return None
        return plain_question(consumer_class, tuple(self.permission_classes))

    async def check_event(self, subscriber: Subscriber, event: Event) -> None:
        """
        Ask again what was asked at subscribing, before an event is delivered.

        The subscribing action with its arguments, as a GET; then the object
        permission, for an event about a row of this consumer's own model, but
        for a deletion that carries only the key. Of a deleted row the instance
        that was deleted is asked about.

        Raises:
            APIException: the refusal; the subscription ends and no data leaves.
            RowIsGone: the row is, so no object permission can be relied on; of a
                deletion the key alone is told, of anything else nothing.
        """
        await self.connection.certain()
        forget_permissions(user_of(self.scope))
        if subscriber.action is None:
            await self.check_connection()
            return
        with calling(self.subscribing_call(subscriber)) as call:
            await self.check_permissions(subscriber.action, **subscriber.arguments)
            permissions = call.permissions or ()
            if is_deletion(event) and self.tells_keys_only(event):
                # Nobody can say any more whose row it was: with it may have gone what said so.
                # Whoever hears of it was asked about the row itself, up to its last change.
                return
            if any(asks_objects(permission) for permission in permissions):
                obj = await in_database_thread(self.object_of)(event)
                if obj is None:
                    return
                try:
                    await self.check_object_permissions(
                        subscriber.action, obj, **subscriber.arguments
                    )
                except (*REFUSALS, ObjectDoesNotExist) as refusal:
                    if await in_database_thread(is_gone)(event, obj):
                        raise RowIsGone() from refusal
                    raise

    def tells_keys_only(self, event: Event) -> bool:
        """Whether what an event of a deletion carries is nothing but the key."""
        return False

    def subscribing_call(self, subscriber: Subscriber) -> Call:
        """The call that subscribed, as one that only reads."""
        return Call(
            subscriber.action,
            subscriber.reply_id,
            dict(subscriber.arguments),
            method="GET",
            answered=True,
        )

    def object_of(self, event: Event) -> Any:
        """
        The row that an event is about, if its model is this consumer's own; else None.

        Raises:
            RowIsGone: if it has to be read, and is not there any more.
        """
        queryset = getattr(self, "queryset", None)
        model = getattr(queryset, "model", None)
        if event.instance is not None:
            return event.instance if model and isinstance(event.instance, model) else None
        if model is None or event.pk is None or event.model != model._meta.label_lower:
            return None
        row = model._base_manager.using(event.using).filter(pk=event.pk).first()
        if row is None:
            raise RowIsGone()
        return row


ASKING = frozenset(
    {
        "check_event",
        "check_object_permissions",
        "check_permissions",
        "get_permissions",
        "object_of",
        "subscribing_call",
    }
)
"""What may decide whether a subscriber hears an event."""


@lru_cache(maxsize=4096)
def plain_question(
    consumer_class: type, permission_classes: tuple[Any, ...]
) -> Callable[[Mapping[str, Any]], bool] | bool | None:
    """What permissions ask of a scope's user, where that is all they ask; else None.

    True where they let everybody. Decided once per class.
    """
    if any(getattr(consumer_class, name) is not getattr(Access, name) for name in ASKING):
        return None
    questions = []
    for each in permission_classes:
        question = question_of(each)
        if question is None:
            return None
        if question is not anybody:
            questions.append(question)
    return asked_of_user(questions) if questions else True


def asked_of_user(
    questions: Sequence[Callable[[Any], bool]],
) -> Callable[[Mapping[str, Any]], bool]:
    """Questions, as one that is asked of a scope; of one with no user it says no."""
    [first, *others] = questions

    def agrees(scope: Mapping[str, Any]) -> bool:
        user = scope.get("user")
        return user is not None and first(user)

    def all_agree(scope: Mapping[str, Any]) -> bool:
        return agrees(scope) and all(ask(scope["user"]) for ask in others)

    return all_agree if others else agrees


def is_gone(event: Event, row: Any) -> bool:
    """Whether the row of an event has left the database."""
    if event.action is None:
        return False  # of a signal, which is about no change
    if is_deletion(event):
        return True
    return not type(row)._base_manager.using(event.using).filter(pk=event.pk).exists()


def denied(permission: Any) -> PermissionDenied:
    """The refusal of a permission, in its own words where DRF's has some."""
    inner = getattr(permission, "permission", permission)
    return PermissionDenied(getattr(inner, "message", None), getattr(inner, "code", None))
