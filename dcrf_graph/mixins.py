"""
The actions of a model: list, retrieve, create, update, patch, delete (upstream's module and names).

``list`` and ``retrieve`` keep nothing on ``self`` and may overlap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Manager, QuerySet
from django.http import Http404
from rest_framework import status
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response

from dcrf_graph.api_consumer import replaced
from dcrf_graph.arguments import refuse
from dcrf_graph.calls import Call, calling, current_call
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer, asked_by_query
from dcrf_graph.loading.representation import Selection, narrowed_for, represented
from dcrf_graph.loading.rows import may_be_narrowed
from dcrf_graph.loading.writing import writes_json, written
from dcrf_graph.pagination import (
    WebsocketLimitOffsetPagination,
    bounded,
    cursors_of,
    following_page,
)
from dcrf_graph.settings import api_settings
from dcrf_graph.threads import in_database_thread

Reply = tuple[Any, int]

OUTPUT = (
    "answer_call",
    "encode_json",
    "handle_action",
    "reply",
    "run_action",
    "run_call",
    "send",
    "send_json",
)
"""What sees an answer on its way out."""


def selection_of(consumer: Any) -> Selection | None:
    """What the current call wants of each row; None where that is all.

    Whatever else might look at the answer gets all of it: an action that the application has
    overridden, or its own way of sending.
    """
    call = current_call.get()
    if call is None or call.selection is None:
        return None
    method = getattr(type(consumer), consumer.available_actions.get(call.action, ""), None)
    if getattr(method, "__module__", None) != __name__:
        return None
    return None if any(replaced(consumer, name) for name in OUTPUT) else call.selection


def rows_written(
    consumer: Any, rows: Any, selection: Selection | None, kwargs: Mapping[str, Any]
) -> Any:
    """What the consumer's serializer writes of many rows; by a plan where it has one."""
    rows = rows.all() if isinstance(rows, Manager) else rows
    if leaves_serializers(consumer):
        serializer_class = consumer.get_serializer_class(**kwargs)
        data = written(serializer_class, rows, selection)
        if data is not None:
            note_ready(serializer_class, rows, selection, data)
            return data
    serializer = consumer.get_serializer(instance=rows, many=True, action_kwargs=kwargs)
    return represented(serializer, selection)


def row_written(
    consumer: Any, row: Any, selection: Selection | None, kwargs: Mapping[str, Any]
) -> Any:
    """What the consumer's serializer writes of one row; by a plan where it has one."""
    if leaves_serializers(consumer):
        data = written(consumer.get_serializer_class(**kwargs), [row], selection)
        if data is not None:
            return data[0]
    serializer = consumer.get_serializer(instance=row, action_kwargs=kwargs)
    return represented(serializer, selection)


def note_ready(serializer_class: Any, rows: Any, selection: Selection | None, data: Any) -> None:
    """Tell a call that comes from GraphQL that these rows are JSON values already."""
    call = current_call.get()
    model = rows.model if isinstance(rows, QuerySet) else type(rows[0]) if rows else None
    if call is not None and call.captured and model is not None:
        call.ready = data if writes_json(serializer_class, model, selection) else None


def leaves_serializers(consumer: Any) -> bool:
    """Whether a consumer's serializers are made by us, and may load what they read."""
    made = type(consumer).get_serializer is GenericAsyncAPIConsumer.get_serializer
    return made and consumer.load_relations


def narrowed_page(
    consumer: Any, queryset: Any, selection: Selection | None, kwargs: Mapping[str, Any]
) -> Any:
    """The rows to make a page of, with what the serializer reads of each joined to it."""
    if not consumer.load_relations or not may_be_narrowed(queryset):
        return queryset
    serializer = consumer.get_serializer(many=True, action_kwargs=kwargs)
    # Where a page by cursor begins and ends is read from its rows.
    columns = not issubclass(consumer.pagination_class or object, CursorPagination)
    return narrowed_for(serializer, queryset, selection, columns=columns)


class CreateModelMixin:
    """``create`` with ``{"data": {...}}``: 201 and the new row."""

    @action()
    def create(self: Any, data: Any, **kwargs: Any) -> Reply:
        """Create a row."""
        refuse(kwargs, "serializer")
        serializer = self.get_serializer(data=data, action_kwargs=kwargs)
        serializer.is_valid(raise_exception=True)
        self.perform_create(serializer, **kwargs)
        return represented(serializer, selection_of(self)), status.HTTP_201_CREATED

    def perform_create(self, serializer: Any, **kwargs: Any) -> None:
        """Save what was validated; override to add to it."""
        serializer.save()


class ListModelMixin:
    """``list``: 200 and every row that the client may see."""

    @action(concurrent=True)
    def list(self: Any, **kwargs: Any) -> Reply:
        """List the rows."""
        refuse(kwargs, "queryset")
        queryset = self.filter_queryset(self.get_queryset(**kwargs), **kwargs)
        with asked_by_query(self, queryset, kwargs):
            return rows_written(self, queryset, selection_of(self), kwargs), status.HTTP_200_OK


class RetrieveModelMixin:
    """``retrieve`` with the key: 200 and the row."""

    @action(concurrent=True)
    def retrieve(self: Any, **kwargs: Any) -> Reply:
        """Retrieve one row."""
        instance = self.get_object(**kwargs)
        return row_written(self, instance, selection_of(self), kwargs), status.HTTP_200_OK


class UpdateModelMixin:
    """``update`` with the key and the whole row: 200 and the row."""

    @action()
    def update(self: Any, data: Any, **kwargs: Any) -> Reply:
        """Replace a row."""
        return changed(self, self.perform_update, data, kwargs, partial=False)

    def perform_update(self, serializer: Any, **kwargs: Any) -> None:
        """Save what was validated; override to add to it."""
        serializer.save()


class PatchModelMixin:
    """``patch`` with the key and what should change: 200 and the row."""

    @action()
    def patch(self: Any, data: Any, **kwargs: Any) -> Reply:
        """Change some fields of a row."""
        return changed(self, self.perform_patch, data, kwargs, partial=True)

    def perform_patch(self, serializer: Any, **kwargs: Any) -> None:
        """Save what was validated; override to add to it."""
        serializer.save()


class DeleteModelMixin:
    """``delete`` with the key: 204."""

    @action()
    def delete(self: Any, **kwargs: Any) -> Reply:
        """Delete a row."""
        refuse(kwargs, "instance")
        self.perform_delete(self.get_object(**kwargs), **kwargs)
        return None, status.HTTP_204_NO_CONTENT

    def perform_delete(self, instance: Any, **kwargs: Any) -> None:
        """Delete the row; override to do something else."""
        instance.delete()


def changed(consumer: Any, perform: Any, data: Any, kwargs: Any, *, partial: bool) -> Reply:
    """What update and patch have in common."""
    refuse(kwargs, "serializer")
    instance = consumer.get_object(data=data, **kwargs)
    serializer = consumer.get_serializer(
        instance=instance, data=data, action_kwargs=kwargs, partial=partial
    )
    serializer.is_valid(raise_exception=True)
    perform(serializer, **kwargs)
    if getattr(instance, "_prefetched_objects_cache", None):
        # What was prefetched before the change would be answered after it.
        instance._prefetched_objects_cache = {}
    return represented(serializer, selection_of(consumer)), status.HTTP_200_OK


class PaginatedModelListMixin(ListModelMixin):
    """
    ``list`` in pages, made by ``pagination_class``.

    Each call has a paginator of its own. Without a ``pagination_class`` every row is answered.
    """

    pagination_class: Any = api_settings.DEFAULT_PAGINATION_CLASS

    @action(concurrent=True)
    def list(self: Any, **kwargs: Any) -> Reply:
        """List one page of the rows."""
        return self.list_page(**kwargs), status.HTTP_200_OK

    def list_page(self: Any, **kwargs: Any) -> Any:
        """One page as it is answered; every row where the paginator makes no pages."""
        refuse(kwargs, "queryset")
        call = current_call.get() or Call(None, None)
        call.paginator = None
        with calling(call):
            queryset = self.filter_queryset(self.get_queryset(**kwargs), **kwargs)
            selection = selection_of(self)
            queryset = narrowed_page(self, queryset, selection, kwargs)
            with asked_by_query(self, queryset, kwargs):
                page = self.paginate_queryset(queryset, **kwargs)
                rows = queryset if page is None else page
                data = rows_written(self, rows, selection, kwargs)
            if call.captured and page is not None and isinstance(self.paginator, CursorPagination):
                call.cursors = cursors_of(self.paginator)
            return data if page is None else self.get_paginated_response(data)

    @property
    def paginator(self) -> Any:
        """The current call's paginator; None without a ``pagination_class``."""
        if self.pagination_class is None:
            return None
        call = current_call.get() or Call(None, None)
        if call.paginator is None:
            call.paginator = bounded(self.pagination_class())
        return call.paginator

    def paginate_queryset(self: Any, queryset: Any, **kwargs: Any) -> Any:
        """The rows of the page that the call asks for; None where there are no pages."""
        paginator = self.paginator
        if paginator is None:
            return None
        if isinstance(paginator, WebsocketLimitOffsetPagination):
            arguments = {k: v for k, v in kwargs.items() if k not in ("scope", "view")}
            return paginator.paginate_queryset(queryset, self.scope, view=self, **arguments)
        view = self.view_of_call(**kwargs)
        return paginator.paginate_queryset(queryset, view.request, view=view)

    def get_paginated_response(self, data: Any) -> Any:
        """The page as it is answered; DRF's paginators wrap it in a response."""
        response = self.paginator.get_paginated_response(data)
        return response.data if isinstance(response, Response) else response


class StreamedPaginatedListMixin(PaginatedModelListMixin):
    """
    ``list`` as a stream: one reply per page, all under the call's request_id.

    ``list_cancel`` with that request_id ends it early.
    """

    @action(detached=True)
    async def list(self: Any, action: str, request_id: Any = None, **kwargs: Any) -> None:
        """Send the rows page by page."""
        fetch = super().list
        while True:
            data, code = await fetch(action=action, request_id=request_id, **kwargs)
            following = await in_database_thread(following_page)(self.paginator, data, kwargs)
            await self.reply(action=action, data=data, status=code, request_id=request_id)
            if following is None:
                return
            kwargs |= following

    @action(graphql=False)
    async def list_cancel(self: Any, request_id: Any = None, **kwargs: Any) -> Reply:
        """End the list that was asked for under this request_id.

        Raises:
            Http404: if there is none under way.
        """
        if not self.cancel_detached("list", request_id):
            raise Http404
        return None, status.HTTP_204_NO_CONTENT
