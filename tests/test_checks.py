"""What `manage.py check` tells of consumers, settings and the installation."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.core.checks import CheckMessage, run_checks
from django.core.management import call_command
from django.db import connections, models
from django.test import override_settings
from django.test.utils import isolate_apps
from rest_framework import permissions as drf_permissions
from rest_framework import serializers

from dcrf_graph import checks
from dcrf_graph.consumers import AsyncAPIConsumer
from dcrf_graph.decorators import action
from dcrf_graph.generics import GenericAsyncAPIConsumer
from dcrf_graph.graphql import problems
from dcrf_graph.live_lists import LiveListMixin
from dcrf_graph.mixins import ListModelMixin
from dcrf_graph.observer import ObservedManager, model_observer
from dcrf_graph.permissions import BasePermission
from dcrf_graph.routers import Router, known_routers
from tests.graphql.board import NoteSerializer
from tests.testapp.models import Crate, Note, Parcel, Place, Restaurant, Shelf, Volume

Check = Callable[..., dict[str, CheckMessage]]

ROUTER = {"ROUTER": "tests.test_checks.router"}
IN_MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
PAGE = (Path(__file__).parent.parent / "docs" / "checks.md").read_text(encoding="utf-8")
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"

router = Router()


class Greetings(AsyncAPIConsumer):
    @action(kind="query")
    async def hello(self, **kwargs: Any) -> str:
        return "hello"


class Notes(AsyncAPIConsumer):
    @model_observer(Note, serializer_class=NoteSerializer)
    async def changed(self, message: Any, **kwargs: Any) -> None: ...

    @action()
    async def subscribe_notes(self, request_id: Any, **kwargs: Any) -> None:
        await self.changed.subscribe(request_id=request_id)


class Secret(Greetings):
    permission_classes = (drf_permissions.IsAuthenticated,)


class OwnMiddleware(AuthenticationMiddleware):
    pass


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Check:
    """Registers consumers with the router of the settings, and gives what is told, by id."""

    def run(
        *consumers: Any, authenticate: Any = None, deploy: bool = False, **settings: Any
    ) -> dict[str, CheckMessage]:
        made = Router(authenticate=authenticate)
        for number, consumer in enumerate(consumers):
            made.register(f"stream_{number}", consumer)
        monkeypatch.setattr(sys.modules[__name__], "router", made)
        with override_settings(**{"DCRF_GRAPH": ROUTER, **settings}):
            told = run_checks(tags=["dcrf_graph"], include_deployment_checks=deploy)
        return {str(message.id).removeprefix("dcrf_graph."): message for message in told}

    return run


def listing(serializer: Any) -> Any:
    """A consumer that lists by a serializer."""
    attributes = {"queryset": Note.objects.all(), "serializer_class": serializer}
    return type("Listing", (ListModelMixin, GenericAsyncAPIConsumer), attributes)


# -- the schema ------------------------------------------------------------------------


def test_nothing_is_told_where_everything_is_said(check: Check) -> None:
    assert check(Greetings) == {}


def test_what_cannot_be_derived_is_a_message_with_its_place_and_its_remedy(check: Check) -> None:
    class Odd(serializers.Serializer[Any]):
        words = serializers.SerializerMethodField()

        def get_words(self, obj):  # type: ignore[no-untyped-def]
            return 2

    consumer = listing(Odd)
    told = check(consumer)
    assert told.keys() == {"W001"}
    message = told["W001"]
    assert message.msg.startswith("Listing > Odd > words: get_words() has no return annotation")
    assert message.msg.endswith("Its type is JSON.")
    assert message.hint == "Annotate it: def get_words(self, obj) -> str."
    assert message.obj is consumer


def test_two_fields_that_want_one_name_are_an_error(check: Check) -> None:
    class Twice(serializers.Serializer[Any]):
        due_date = serializers.DateField()
        dueDate = serializers.DateField()

    told = check(listing(Twice))
    assert told.keys() == {"E001"}
    assert told["E001"].is_serious()
    assert "'due_date' and 'dueDate' both become 'dueDate'" in told["E001"].msg


def test_two_consumers_whose_actions_want_one_name_are_an_error_of_the_second(
    check: Check,
) -> None:
    class First(AsyncAPIConsumer):
        @action(graphql_name="hello")
        async def one(self, **kwargs: Any) -> None: ...

    class Second(AsyncAPIConsumer):
        @action(graphql_name="hello")
        async def two(self, **kwargs: Any) -> None: ...

    told = check(First, Second)
    assert told.keys() == {"E001"}
    assert told["E001"].obj is Second


def test_an_observer_that_no_action_subscribes_is_told(check: Check) -> None:
    class Deaf(AsyncAPIConsumer):
        @model_observer(Note, serializer_class=NoteSerializer)
        async def changed(self, message: Any, **kwargs: Any) -> None: ...

    told = check(Deaf, DEBUG=True)
    assert told.keys() == {"W007"}
    assert told["W007"].msg.startswith("Deaf > changed: no action subscribes")


def test_an_action_that_subscribes_two_observers_is_told(check: Check) -> None:
    class Both(Notes):
        @model_observer(Note, serializer_class=NoteSerializer)
        async def again(self, message: Any, **kwargs: Any) -> None: ...

        @action()
        async def subscribe_both(self, request_id: Any, **kwargs: Any) -> None:
            await self.changed.subscribe(request_id=request_id)
            await self.again.subscribe(request_id=request_id)

    told = check(Both, DEBUG=True)
    assert told.keys() == {"W006"}
    assert "Both > subscribe_both: it subscribes several observers" in told["W006"].msg


def test_an_exception_of_the_application_is_told_with_its_line(check: Check) -> None:
    """`manage.py migrate` must go on, whatever a schema needs."""

    class Unnameable:
        def __str__(self) -> str:
            raise ZeroDivisionError("of the application")

    class Raising(NoteSerializer):
        class Meta(NoteSerializer.Meta):
            graphql_name = Unnameable()

    told = check(listing(Raising))
    assert told.keys() == {"E104"}
    assert "ZeroDivisionError: of the application" in told["E104"].msg
    assert "test_checks.py:" in told["E104"].msg


# -- which routers ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("tests.nowhere.router", "No module named"),
        ("tests.test_checks.no_router", "does not define"),
        ("tests.test_checks.Greetings", "is a APIConsumerMetaclass"),
    ],
)
def test_a_setting_that_names_no_router_is_an_error(check: Check, path: str, cause: str) -> None:
    told = check(DCRF_GRAPH={"ROUTER": path})
    assert told.keys() == {"E101"}
    assert cause in told["E101"].msg


def test_without_the_setting_every_router_is_checked(check: Check) -> None:
    class Unnamed(AsyncAPIConsumer):
        @action()
        async def ask(self, what, **kwargs) -> None: ...  # type: ignore[no-untyped-def]

    told = check(Unnamed, DCRF_GRAPH={})
    assert told["W004"].msg.startswith("Unnamed > ask > what")


def test_the_urls_are_loaded_to_find_routers() -> None:
    """The router of the board is made when its URLs are imported."""
    with override_settings(ROOT_URLCONF="examples.board.urls"):
        run_checks(tags=["dcrf_graph"])
    found = [stream for each in known_routers.values() for stream in each.registry]
    assert {"boards", "cards", "chat"} <= set(found)


def test_that_no_router_is_known_is_an_info(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.found, "known_routers", {})
    (told,) = run_checks(tags=["dcrf_graph"])
    assert told.id == "dcrf_graph.I101"
    assert not told.is_serious()


# -- the channel layer -----------------------------------------------------------------


class Chat(Greetings):
    @action()
    async def enter(self, room: str, **kwargs: Any) -> None:
        await self.add_group(room)


def noted(method: Any) -> Any:
    """A decorator as applications write them."""

    @functools.wraps(method)
    async def call(*args: Any, **kwargs: Any) -> Any:
        return await method(*args, **kwargs)

    return call


class NotedChat(Greetings):
    @action()
    @noted
    async def enter(self, room: str, **kwargs: Any) -> None:
        await self.add_group(room)


class Everybody(Greetings):
    groups: Any = ("everybody",)


@pytest.mark.parametrize("consumer", [Notes, Chat, NotedChat, Everybody])
def test_observers_and_groups_want_a_channel_layer(check: Check, consumer: Any) -> None:
    told = check(consumer, CHANNEL_LAYERS={})
    assert told.keys() == {"W101"}
    assert f"{consumer.__name__} listen" in told["W101"].msg


def test_who_hears_nobody_needs_no_channel_layer(check: Check) -> None:
    assert check(Greetings, CHANNEL_LAYERS={}) == {}


def test_a_layer_in_memory_is_for_development(check: Check) -> None:
    assert check(Notes, CHANNEL_LAYERS=IN_MEMORY, DEBUG=True) == {}
    assert check(Notes, CHANNEL_LAYERS=IN_MEMORY, DEBUG=False).keys() == {"W102"}


def test_a_layer_that_processes_share_is_fine(check: Check) -> None:
    """No connection is opened for that."""
    redis = {"BACKEND": "channels_redis.core.RedisChannelLayer"}
    assert check(Notes, CHANNEL_LAYERS={"default": redis}) == {}


def test_a_layer_that_cannot_be_made_is_an_error(check: Check) -> None:
    told = check(Notes, CHANNEL_LAYERS={"default": {"BACKEND": "no.such.Layer"}})
    assert told.keys() == {"E103"}
    assert "no.such.Layer" in told["E103"].msg


# -- who is asking ---------------------------------------------------------------------


class Named(BasePermission):
    async def has_permission(
        self, scope: Any, consumer: Any, action: str, **kwargs: Any
    ) -> bool | None:
        return bool(scope["user"].is_authenticated)


class Odd(BasePermission):
    async def has_permission(
        self, scope: Any, consumer: Any, action: str, **kwargs: Any
    ) -> bool | None:
        return len(action) % 2 == 1


@pytest.mark.parametrize(
    "permission",
    [drf_permissions.IsAuthenticated, drf_permissions.IsAdminUser, Named, Odd & ~Named],
)
def test_permissions_that_ask_for_the_user_want_the_middleware(
    check: Check, permission: Any
) -> None:
    consumer = type("Asking", (Greetings,), {"permission_classes": (permission,)})
    assert check(consumer, MIDDLEWARE=[]).keys() == {"W103"}
    assert check(consumer, MIDDLEWARE=[AUTHENTICATION]) == {}


def test_permissions_that_do_not_ask_for_the_user_want_no_middleware(check: Check) -> None:
    consumer = type("Asking", (Greetings,), {"permission_classes": (Odd,)})
    assert check(consumer, Greetings, MIDDLEWARE=[]) == {}


def test_a_middleware_derived_from_djangos_will_do(check: Check) -> None:
    paths = ["no.such.Middleware", "tests.test_checks.OwnMiddleware"]
    assert check(Secret, MIDDLEWARE=paths) == {}
    assert check(Secret, MIDDLEWARE=paths[:1]).keys() == {"W103"}


def test_an_authenticator_replaces_the_middleware(check: Check) -> None:
    setting = {**ROUTER, "AUTHENTICATOR": "tests.test_checks.listing"}
    assert check(Secret, MIDDLEWARE=[], DCRF_GRAPH=setting) == {}
    assert check(Secret, MIDDLEWARE=[], authenticate=listing) == {}
    listed = {**ROUTER, "AUTHENTICATION_CLASSES": ["tests.test_checks.listing"]}
    assert check(Secret, MIDDLEWARE=[], DCRF_GRAPH=listed) == {}


# -- the settings ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("MAX_FRAMESIZE", "Did you mean MAX_FRAME_SIZE?"),
        ("page_size", "Did you mean PAGE_SIZE?"),
        ("XYZZY", "Remove it."),
    ],
)
def test_a_setting_that_does_not_exist_is_told(check: Check, name: str, hint: str) -> None:
    told = check(DCRF_GRAPH={**ROUTER, name: 1})
    assert told.keys() == {"W104"}
    assert told["W104"].hint == hint
    assert check(DJANGO_CHANNELS_REST_API={name: 1})["W104"].hint == hint


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("DEFAULT_PAGINATION_CLASS", "no.such.Paginator", "No module named"),
        ("DEFAULT_PERMISSION_CLASSES", ["tests.test_checks.Nobody"], "does not define"),
        ("GRAPHQL_ALLOWED_DOCUMENTS", "/no/such/file", "cannot read /no/such/file"),
        ("GRAPHQL_ALLOWED_DOCUMENTS", 5, "expected a mapping of hashes to documents"),
        ("KEEP_ALIVE", 0, "expected a number above 0, or None (no signs of life), got 0."),
        ("MAX_FRAME_SIZE", "1000", "expected a whole number of at least 1, got '1000'."),
        ("SLOW_READERS", "drop", "expected 'end' or 'drop_oldest' or 'latest' or 'disconnect'"),
        ("DEFAULT_PERMISSION_CLASSES", "a.B", "expected a list of dotted paths or classes"),
        ("ROUTER", 7, "expected a text, or None"),
    ],
)
def test_a_setting_that_cannot_be_used_is_an_error(
    check: Check, name: str, value: Any, cause: str
) -> None:
    told = check(DCRF_GRAPH={**ROUTER, name: value})
    assert told.keys() == {"E102"}
    assert told["E102"].msg.startswith(f"settings > DCRF_GRAPH > {name}: ")
    assert cause in told["E102"].msg


@pytest.mark.parametrize("value", ["ROUTER", ["ROUTER"], {"ROUTER"}])
def test_settings_that_are_no_dictionary_are_one_error(check: Check, value: Any) -> None:
    told = check(Secret, Notes, DCRF_GRAPH=value, MIDDLEWARE=[])
    assert told.keys() == {"E102"}


# -- bulk writes ---------------------------------------------------------------------------


def observing(*models: Any) -> Any:
    """A consumer that observes rows of these models."""

    async def heard(self: Any, message: Any, **kwargs: Any) -> None: ...

    observers = {f"of_{model.__name__}": model_observer(model)(heard) for model in models}
    return type("Observing", (AsyncAPIConsumer,), observers)


@pytest.fixture
def bulk(check: Check) -> Callable[..., dict[str, CheckMessage]]:
    """What is told of the bulk writes of models, unless Django is asked for less."""

    def run(*models: Any, deploy: bool = True) -> dict[str, CheckMessage]:
        told = check(observing(*models), deploy=deploy, CHANNEL_LAYERS=IN_MEMORY, DEBUG=True)
        return {id: message for id, message in told.items() if id in ("W105", "I102")}

    return run


def test_models_without_an_observed_manager_are_one_info_before_a_deployment(bulk: Any) -> None:
    (told,) = bulk(Parcel, Volume, Note).values()
    assert not told.is_serious()
    assert "no manager of testapp.Note, testapp.Parcel is observed" in told.msg
    assert "publish()" in told.hint
    assert bulk(Parcel, deploy=False) == {}


def test_models_that_are_observed_by_all_their_managers_are_silent(bulk: Any) -> None:
    assert bulk(Volume, Crate) == {}


def test_models_whose_every_writer_is_seen_are_silent(
    bulk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL; elsewhere there is no trigger."""
    trigger = SimpleNamespace(tells_dcrf_graph=True)
    monkeypatch.setattr(Parcel._meta, "triggers", [trigger], raising=False)
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    assert bulk(Parcel).keys() == {"I102"}
    monkeypatch.setattr(connections["default"], "vendor", "postgresql")
    assert bulk(Parcel) == {}


@isolate_apps("tests.testapp")
def test_an_observed_model_that_is_abstract_is_a_warning(check: Check) -> None:
    class Timestamped(models.Model):
        class Meta:
            app_label = "testapp"
            abstract = True

    told = check(observing(Timestamped, Note), deploy=True, CHANNEL_LAYERS=IN_MEMORY, DEBUG=True)
    assert told["W106"].obj is Timestamped
    assert told["W106"].msg.startswith("testapp.Timestamped: it is abstract.")


@pytest.mark.parametrize(
    ("vendor", "with_trigger", "told"),
    [
        ("postgresql", [Restaurant], {"W107"}),
        ("postgresql", [Restaurant, Place], set()),
        ("postgresql", [], set()),
        ("sqlite", [Restaurant], set()),
    ],
)
def test_a_child_with_the_trigger_whose_parent_has_none_is_a_warning(
    check: Check, monkeypatch: pytest.MonkeyPatch, vendor: str, with_trigger: Any, told: Any
) -> None:
    """Elsewhere than on PostgreSQL signals tell all."""
    monkeypatch.setattr(connections["default"], "vendor", vendor)
    for model in with_trigger:
        trigger = SimpleNamespace(tells_dcrf_graph=True)
        monkeypatch.setattr(model._meta, "triggers", [trigger], raising=False)
    found = check(observing(Restaurant, Place), CHANNEL_LAYERS=IN_MEMORY, DEBUG=True)
    assert found.keys() & {"W107"} == told
    if told:
        assert found["W107"].obj is Restaurant
        assert found["W107"].msg.startswith("testapp.Restaurant: it has the trigger")
        assert found["W107"].hint == (
            "Give testapp.Place the trigger too: triggers = [ObserveWrites()]."
        )


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (Note.objects.all()[:10], "it is sliced"),
        (Note.objects.all().union(Note.objects.all()), "it is a union of querysets"),
        (Note.objects.all(), None),
        (Note.objects, None),
    ],
)
def test_a_list_that_cannot_be_followed_is_a_warning(check: Check, rows: Any, what: str) -> None:
    class NoteConsumer(LiveListMixin, GenericAsyncAPIConsumer):
        queryset = rows
        serializer_class = NoteSerializer

    class ChoosingConsumer(NoteConsumer):
        def get_queryset(self, **kwargs: Any) -> Any:
            return Note.objects.all()

    assert "W108" not in check(ChoosingConsumer)
    told = check(NoteConsumer)
    assert ("W108" in told) is (what is not None)
    if what is not None:
        assert told["W108"].obj is NoteConsumer
        assert told["W108"].msg.startswith(f"NoteConsumer > queryset: {what}")


@isolate_apps("tests.testapp")
def test_a_manager_beside_an_observed_one_is_a_warning(bulk: Any) -> None:
    class Archived(models.Model):
        objects = ObservedManager()
        archive: Any = models.Manager()

        class Meta:
            app_label = "testapp"

    told = bulk(Archived, deploy=False)
    assert told.keys() == bulk(Archived).keys() == {"W105"}
    assert told["W105"].obj is Archived
    assert told["W105"].msg.startswith("testapp.Archived > archive: it is not observed")
    assert "ObservedManager" in told["W105"].hint


@isolate_apps("tests.testapp")
def test_a_base_manager_that_adds_unheard_is_a_warning(bulk: Any) -> None:
    """Only of rows that somebody's related manager can add."""

    class Loose(models.Model):
        objects = ObservedManager()

        class Meta:
            app_label = "testapp"

    class Owned(models.Model):
        shelf = models.ForeignKey(Shelf, on_delete=models.CASCADE)
        objects = ObservedManager()

        class Meta:
            app_label = "testapp"

    assert bulk(Loose) == {}
    told = bulk(Owned)
    assert told.keys() == {"W105"}
    assert told["W105"].msg.startswith("testapp.Owned > the base manager: it is not observed")
    assert told["W105"].hint == "class Meta: base_manager_name = 'objects'"


@isolate_apps("tests.testapp")
def test_a_manager_that_cannot_be_asked_is_none_of_either(bulk: Any) -> None:
    class Tenants(models.Manager[Any]):
        def get_queryset(self) -> Any:
            raise RuntimeError("no tenant is chosen")

    class Rented(models.Model):
        objects = ObservedManager()
        of_tenant = Tenants()

        class Meta:
            app_label = "testapp"

    assert bulk(Rented) == {}


# -- the page ---------------------------------------------------------------------------------


def documented() -> dict[str, str]:
    """The sections of the page about one id each."""
    return dict(re.findall(r"^### dcrf_graph\.(\w+)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))


def test_every_id_is_on_the_page_and_every_id_of_the_page_exists() -> None:
    assert not problems.KINDS.keys() & checks.KINDS.keys()
    assert documented().keys() == problems.KINDS.keys() | checks.KINDS.keys()


@pytest.mark.parametrize(("kind", "sentence"), [*problems.KINDS.items(), *checks.KINDS.items()])
def test_the_page_tells_what_an_id_means_where_why_and_what_to_do(kind: str, sentence: str) -> None:
    section = documented()[kind]
    assert section.strip().startswith(f"{sentence}\n\n- **Breadcrumb:** `")
    assert re.findall(r"^- \*\*(\w+):\*\* \S", section, re.M) == [
        "Breadcrumb",
        "Cause",
        "Consequence",
        "Remedy",
    ]


def test_the_settings_and_consumers_of_the_board_have_nothing_to_tell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with override_settings(DCRF_GRAPH={"ROUTER": "examples.board.api.router"}, DEBUG=True):
        call_command("check", "--tag", "dcrf_graph", "--fail-level", "DEBUG")
    assert "no issues" in capsys.readouterr().out
