"""
Who may connect, and who may run an action (upstream's module and names).

Permissions combine with ``&``, ``|`` and ``~``, also with DRF's own classes,
which are asked through a request with the HTTP method of the action. A
permission that answers nothing denies.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from rest_framework import permissions
from rest_framework.permissions import AND as DRF_AND
from rest_framework.permissions import NOT as DRF_NOT
from rest_framework.permissions import OR as DRF_OR
from rest_framework.permissions import BasePermission as DRFBasePermission

from dcrf_graph.calls import current_call
from dcrf_graph.scope_utils import CallView, ensure_async, user_of

Scope = dict[str, Any]


class OperationHolderMixin:
    """``&``, ``|`` and ``~`` for permission classes and for what they make."""

    def __and__(self, other: Any) -> OperandHolder:
        return OperandHolder(AND, self, other)

    def __or__(self, other: Any) -> OperandHolder:
        return OperandHolder(OR, self, other)

    def __rand__(self, other: Any) -> OperandHolder:
        return OperandHolder(AND, other, self)

    def __ror__(self, other: Any) -> OperandHolder:
        return OperandHolder(OR, other, self)

    def __invert__(self) -> SingleOperandHolder:
        return SingleOperandHolder(NOT, self)


class SingleOperandHolder(OperationHolderMixin):
    """``~A``: called like a permission class, it makes the combined permission."""

    def __init__(self, operator_class: Any, op1_class: Any) -> None:
        self.operator_class = operator_class
        self.op1_class = op1_class

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.operator_class(wrapped(self.op1_class()))


class OperandHolder(OperationHolderMixin):
    """``A & B`` or ``A | B``: called like a permission class, it makes the combined permission."""

    def __init__(self, operator_class: Any, op1_class: Any, op2_class: Any) -> None:
        self.operator_class = operator_class
        self.op1_class = op1_class
        self.op2_class = op2_class

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.operator_class(wrapped(self.op1_class()), wrapped(self.op2_class()))


class BasePermissionMetaclass(OperationHolderMixin, type):  # type: ignore[misc]
    """Lets permission *classes* be combined."""


class BasePermission(metaclass=BasePermissionMetaclass):
    """Derive from this, and say who may do what.

    Every method may be ``async`` or not; synchronous ones run on the call's
    database thread.
    """

    async def has_permission(
        self, scope: Scope, consumer: Any, action: str, **kwargs: Any
    ) -> bool | None:
        """Whether this client may run the action with these arguments.

        Asked before each call, and again before each event is delivered, then
        with the action that subscribed. Answering nothing denies.
        """
        return None

    async def can_connect(self, scope: Scope, consumer: Any, message: Any = None) -> bool:
        """Whether this client may connect at all. By default everybody may."""
        return True

    async def has_object_permission(
        self, scope: Scope, consumer: Any, action: str, obj: Any, **kwargs: Any
    ) -> bool:
        """Whether this client may run the action on this object. By default yes.

        Asked by ``get_object``, and before an event about the object is delivered.
        """
        return True


class AND:
    """Both must agree."""

    def __init__(self, op1: Any, op2: Any) -> None:
        self.op1 = op1
        self.op2 = op2

    async def has_permission(self, scope: Scope, consumer: Any, action: str, **kwargs: Any) -> bool:
        return bool(
            await ensure_async(self.op1.has_permission)(scope, consumer, action, **kwargs)
        ) and bool(await ensure_async(self.op2.has_permission)(scope, consumer, action, **kwargs))

    async def can_connect(self, scope: Scope, consumer: Any, **kwargs: Any) -> bool:
        return bool(await ensure_async(self.op1.can_connect)(scope, consumer, **kwargs)) and bool(
            await ensure_async(self.op2.can_connect)(scope, consumer, **kwargs)
        )

    async def has_object_permission(
        self, scope: Scope, consumer: Any, action: str, obj: Any, **kwargs: Any
    ) -> bool:
        return await asks_object(
            self.op1, scope, consumer, action, obj, **kwargs
        ) and await asks_object(self.op2, scope, consumer, action, obj, **kwargs)


class OR:
    """One must agree; for an object, the same one that agrees to the action."""

    def __init__(self, op1: Any, op2: Any) -> None:
        self.op1 = op1
        self.op2 = op2

    async def has_permission(self, scope: Scope, consumer: Any, action: str, **kwargs: Any) -> bool:
        return bool(
            await ensure_async(self.op1.has_permission)(scope, consumer, action, **kwargs)
        ) or bool(await ensure_async(self.op2.has_permission)(scope, consumer, action, **kwargs))

    async def can_connect(self, scope: Scope, consumer: Any, **kwargs: Any) -> bool:
        return bool(await ensure_async(self.op1.can_connect)(scope, consumer, **kwargs)) or bool(
            await ensure_async(self.op2.can_connect)(scope, consumer, **kwargs)
        )

    async def has_object_permission(
        self, scope: Scope, consumer: Any, action: str, obj: Any, **kwargs: Any
    ) -> bool:
        for operand in (self.op1, self.op2):
            agrees = ensure_async(operand.has_permission)
            if await agrees(scope, consumer, action, **kwargs) and await asks_object(
                operand, scope, consumer, action, obj, **kwargs
            ):
                return True
        return False


class NOT:
    """The operand must disagree.

    Connecting is negated only where the operand really says something about
    it: ``BasePermission.can_connect`` lets everybody in, and turning that round
    would let nobody in.
    """

    def __init__(self, op1: Any) -> None:
        self.op1 = op1

    async def has_permission(self, scope: Scope, consumer: Any, action: str, **kwargs: Any) -> bool:
        return not await ensure_async(self.op1.has_permission)(scope, consumer, action, **kwargs)

    async def can_connect(self, scope: Scope, consumer: Any, **kwargs: Any) -> bool:
        return await opposes_connecting(self.op1, scope, consumer, **kwargs)

    async def has_object_permission(
        self, scope: Scope, consumer: Any, action: str, obj: Any, **kwargs: Any
    ) -> bool:
        if not asks_objects(self.op1):
            return True
        return not await asks_object(self.op1, scope, consumer, action, obj, **kwargs)


async def opposes_connecting(permission: Any, scope: Scope, consumer: Any, **kwargs: Any) -> bool:
    """What ``~permission`` says about connecting: yes, where the permission says nothing itself."""

    async def ask(operand: Any) -> bool:
        return await opposes_connecting(operand, scope, consumer, **kwargs)

    if isinstance(permission, AND):
        return await ask(permission.op1) or await ask(permission.op2)
    if isinstance(permission, OR):
        return await ask(permission.op1) and await ask(permission.op2)
    if isinstance(permission, NOT):
        return bool(await ensure_async(permission.op1.can_connect)(scope, consumer, **kwargs))
    if getattr(type(permission), "can_connect", None) is BasePermission.can_connect:
        return True
    return not await ensure_async(permission.can_connect)(scope, consumer, **kwargs)


def asks_objects(permission: Any) -> bool:
    """Whether a permission has an object permission of its own to ask."""
    if isinstance(permission, AND | OR):
        return asks_objects(permission.op1) or asks_objects(permission.op2)
    if isinstance(permission, NOT):
        return asks_objects(permission.op1)
    if isinstance(permission, WrappedDRFPermission):
        method = getattr(type(permission.permission), "has_object_permission", None)
        return method is not DRFBasePermission.has_object_permission
    method = getattr(
        type(permission), "has_object_permission", BasePermission.has_object_permission
    )
    return method is not BasePermission.has_object_permission


async def asks_object(
    permission: Any, scope: Scope, consumer: Any, action: str, obj: Any, **kwargs: Any
) -> bool:
    """Ask a permission about an object; one without the method agrees."""
    method = getattr(permission, "has_object_permission", None)
    if method is None:
        return True
    return bool(await ensure_async(method)(scope, consumer, action, obj=obj, **kwargs))


class AllowAny(BasePermission):
    """Everybody may."""

    async def has_permission(self, scope: Scope, consumer: Any, action: str, **kwargs: Any) -> bool:
        return True


class IsAuthenticated(BasePermission):
    """Whoever is logged in may."""

    async def has_permission(self, scope: Scope, consumer: Any, action: str, **kwargs: Any) -> bool:
        user = user_of(scope)
        return bool(user.pk and user.is_authenticated)


class WrappedDRFPermission(BasePermission):
    """A DRF permission, asked as if the action had come over HTTP.

    Its ``request`` has the action's HTTP method (``http_method_of``) and its
    ``view`` is the consumer as this call sees it.
    """

    def __init__(self, permission: Any) -> None:
        self.permission = permission

    async def has_permission(self, scope: Scope, consumer: Any, action: str, **kwargs: Any) -> bool:
        return await self._asked(scope, consumer, action, kwargs, method_of_call(consumer, action))

    async def can_connect(self, scope: Scope, consumer: Any, message: Any = None) -> bool:
        return await self._asked(scope, consumer, "connect", {}, "HEAD")

    async def _asked(
        self, scope: Scope, consumer: Any, action: str, arguments: Any, method: str
    ) -> bool:
        known = answer_of(self.permission, user_of(scope), method)
        if known is not None:
            return known
        view = CallView(consumer, action, arguments, method)
        return bool(await ensure_async(self.permission.has_permission)(view.request, view))

    async def has_object_permission(
        self, scope: Scope, consumer: Any, action: str, obj: Any, **kwargs: Any
    ) -> bool:
        view = CallView(consumer, action, kwargs, method_of_call(consumer, action))
        ask = ensure_async(self.permission.has_object_permission)
        return bool(await ask(view.request, view, obj))


def method_of_call(consumer: Any, action: str) -> str:
    """The HTTP method of the current call, else of the action."""
    call = current_call.get()
    if call is not None and call.method is not None:
        return call.method
    return str(consumer.http_method_of(action))


def wrapped(permission: Any) -> Any:
    """The permission itself, or DRF's behind the interface of this module.

    DRF's own combinations are taken apart: one of their operands may be ours,
    whose coroutines DRF's operators would take for a yes.
    """
    operands: Any = permission
    if isinstance(permission, DRF_AND):
        return AND(wrapped(operands.op1), wrapped(operands.op2))
    if isinstance(permission, DRF_OR):
        return OR(wrapped(operands.op1), wrapped(operands.op2))
    if isinstance(permission, DRF_NOT):
        return NOT(wrapped(operands.op1))
    if isinstance(permission, DRFBasePermission):
        return WrappedDRFPermission(permission)
    return permission


# -- permissions that ask nothing but who the user is -----------------------------------------


def anybody(user: Any) -> bool:
    """Everybody may."""
    return True


QUESTIONS: dict[Any, Callable[[Any], bool]] = {
    AllowAny: anybody,
    permissions.AllowAny: anybody,
    IsAuthenticated: lambda user: bool(user.pk and user.is_authenticated),
    permissions.IsAuthenticated: lambda user: bool(user and user.is_authenticated),
    permissions.IsAdminUser: lambda user: bool(user and user.is_staff),
}
"""What these classes ask, exactly: nothing of the call, nothing of an object."""


def answer_of(permission: Any, user: Any, method: str) -> bool | None:
    """What one of DRF's own permissions says, which needs no thread for that; None: ask it."""
    made_by = type(permission)
    if made_by is permissions.IsAuthenticatedOrReadOnly:
        if method in permissions.SAFE_METHODS:
            return True
        made_by = permissions.IsAuthenticated
    question = QUESTIONS.get(made_by)
    if question is None:
        return None
    try:
        return question(user)
    except Exception:
        return None  # the permission itself says what is wrong


def question_of(permission_class: Any) -> Callable[[Any], bool] | None:
    """What a permission class asks of the user, where it asks nothing else; else None.

    A class that derives from a known one is not known, whatever it overrides.
    """
    if inspect.isclass(permission_class):
        return QUESTIONS.get(permission_class)
    operator = getattr(permission_class, "operator_class", None)
    if operator not in (AND, OR, NOT, DRF_AND, DRF_OR, DRF_NOT):
        return None
    one = question_of(permission_class.op1_class)
    if one is None:
        return None
    if operator in (NOT, DRF_NOT):
        return lambda user: not one(user)
    other = question_of(permission_class.op2_class)
    if other is None:
        return None
    if operator in (AND, DRF_AND):
        return lambda user: one(user) and other(user)
    return lambda user: one(user) or other(user)
