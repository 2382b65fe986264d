"""Any client and any owner of a socket, in any order, in both GraphQL protocols.

A small model of the conversation says what must come of each step: who has been acknowledged, and
which run holds an id. Whatever frames arrive in between, and whatever runs report late, the machine
does what the model says, sends nothing that its own protocol refuses, and never raises.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from dcrf_graph.protocols.effects import (
    MAX_CLOSE_REASON,
    Authenticate,
    Close,
    CloseCode,
    Effect,
    Initialise,
    Run,
    Send,
    Start,
    Stop,
)
from tests.protocols.dialects import (
    DIALECTS,
    ERRORS,
    FRAMES,
    INIT,
    LEGACY,
    RESULT,
    TRANSPORT_WS,
    Dialect,
)
from tests.soak import Count

IDS = st.sampled_from(["1", "2", "3", "4", "é" * 80])
CODES = {*CloseCode, 1000}
Running = tuple[str, Run]


class Conversation(RuleBasedStateMachine):
    """One socket; the dialects have a subclass each."""

    dialect: Dialect

    def __init__(self) -> None:
        super().__init__()
        self.machine = self.dialect.machine()
        self.introduced = False
        self.acknowledged = False
        self.over = False
        self.running: dict[str, Run] = {}
        self.runs: list[Running] = []
        self.ended: set[Run] = set()

    def take(self, effects: list[Effect]) -> list[dict[str, Any]]:
        """Check effects against the model and keep it up to date; what is sent."""
        assert not (self.over and effects), "nothing has an effect after the end"
        for effect in effects:
            match effect:
                case Close(code, reason):
                    assert effect is effects[-1]
                    assert code in CODES
                    assert len(reason.encode()) <= MAX_CLOSE_REASON
                    self.end()
                case Initialise():
                    assert not self.introduced
                    self.introduced = True
                case Start(id, _, operation):
                    assert self.acknowledged or (self.dialect is LEGACY and self.introduced)
                    assert id not in self.running, "an id belongs to one run at a time"
                    self.running[id] = operation
                    self.runs.append((id, operation))
                case Stop(id, operation):
                    assert self.running.pop(id) is operation
                    self.ended.add(operation)
        return self.dialect.sent(effects)

    def end(self) -> None:
        self.over = True
        self.ended |= set(self.running.values())
        self.running.clear()

    @initialize(stage=st.sampled_from([0, 1, 2, 2, 2, 2]), ids=st.lists(IDS, max_size=4))
    def the_client_has_come_so_far(self, stage: int, ids: list[str]) -> None:
        """Most conversations begin in the middle: hypothesis leaves out rules to find bugs."""
        if stage > 0:
            self.the_client_introduces_itself()
        if stage > 1:
            self.the_owner_acknowledges(beats=False)
            for id in dict.fromkeys(ids):
                self.the_client_starts_an_operation(id)

    def may_end(self) -> bool:
        """Whether it is late enough for what ends conversations; or all of them would be short."""
        return len(self.runs) > 3

    # -- the client ------------------------------------------------------------------

    @precondition(lambda self: self.dialect is LEGACY or self.may_end())
    @rule(frame=FRAMES)
    def anything_arrives(self, frame: str | bytes) -> None:
        text, data = (frame, None) if isinstance(frame, str) else (None, frame)
        self.take(self.machine.receive(text, data))

    @precondition(lambda self: not self.introduced or self.may_end())
    @rule()
    def the_client_introduces_itself(self) -> None:
        twice, over = self.introduced, self.over
        effects = self.machine.receive(INIT)
        self.take(effects)
        if not over:
            [*_, last] = effects
            if not twice:
                assert last == Initialise(None)
            elif self.acknowledged and self.dialect is LEGACY:
                assert last == Authenticate(None)
            else:
                assert last == Close(4429, "Too many initialisation requests")

    @precondition(lambda self: self.introduced)
    @rule(id=IDS)
    def the_client_starts_an_operation(self, id: str) -> None:
        over, welcome = self.over, self.acknowledged
        if self.dialect is LEGACY:
            welcome = self.introduced
        taken = self.running.get(id)
        effects = self.machine.receive(self.dialect.start(id))
        self.take(effects)
        if over:
            return
        *before, last = effects
        if not welcome:
            assert last == Close(4401, "Unauthorized")
        elif taken is None:
            # Whatever held the id before: its end has freed it.
            assert isinstance(last, Start)
            assert not before
        elif self.dialect is TRANSPORT_WS:
            assert last == Close(4409, f"Subscriber for {id} already exists")
        else:
            assert before == [Stop(id, taken)]
            assert isinstance(last, Start)

    @rule(id=IDS)
    def the_client_stops_an_operation(self, id: str) -> None:
        ran = self.running.get(id)
        effects = self.machine.receive(self.dialect.stop(id))
        confirmed = self.take(effects)
        assert [effect for effect in effects if not isinstance(effect, Send)] == (
            [] if ran is None else [Stop(id, ran)]
        )
        answered = ran is not None and self.dialect is LEGACY
        assert confirmed == ([{"type": "complete", "id": id}] if answered else [])

    @rule(payload=st.none() | st.dictionaries(st.text(max_size=5), st.integers(), max_size=2))
    def the_client_pings(self, payload: dict[str, Any] | None) -> None:
        over = self.over
        said = self.take(self.machine.receive(json.dumps({"type": "ping", "payload": payload})))
        if self.dialect is TRANSPORT_WS and not over:
            pong = {"type": "pong"} if payload is None else {"type": "pong", "payload": payload}
            assert said == [pong]

    # -- the owner of the socket ----------------------------------------------------

    @rule(beats=st.booleans())
    def the_owner_acknowledges(self, beats: bool) -> None:
        due = self.introduced and not self.acknowledged and not self.over
        said = [each["type"] for each in self.take(self.machine.acknowledge(keep_alive=beats))]
        self.acknowledged |= due
        alive = ["ka"] if beats and self.dialect is LEGACY else []
        assert said == (["connection_ack", *alive] if due else [])

    @rule()
    def the_owner_keeps_it_alive(self) -> None:
        said = [each["type"] for each in self.take(self.machine.keep_alive())]
        sign = "ka" if self.dialect is LEGACY else "ping"
        assert said == ([sign] if self.acknowledged and not self.over else [])

    @precondition(lambda self: self.introduced)
    @rule()
    def the_time_for_an_introduction_is_over(self) -> None:
        late = not (self.introduced or self.over)
        effects = self.machine.init_timeout()
        self.take(effects)
        assert bool(effects) == late

    @rule(which=st.integers(0, 8), how=st.sampled_from(["next", "error", "complete"]))
    def a_run_reports(self, which: int, how: str) -> None:
        if which >= len(self.runs):
            return
        id, operation = self.runs[which]
        alive = self.running.get(id) is operation
        if how == "next":
            said = self.take(self.machine.next(id, RESULT, operation))
        elif how == "error":
            said = self.take(self.machine.error(id, ERRORS, operation))
        else:
            said = self.take(self.machine.complete(id, operation))
        kind = self.dialect.result if how == "next" else how
        assert [(each["type"], each["id"]) for each in said] == ([(kind, id)] if alive else [])
        if alive and how != "next":
            assert operation not in self.ended, "one end for each run"
            self.ended.add(operation)
            del self.running[id]

    @precondition(lambda self: self.may_end())
    @rule(how=st.sampled_from(["refuse", "close", "gone"]))
    def the_owner_ends_it(self, how: str) -> None:
        if how == "gone":
            self.machine.disconnected()
            self.end()
        elif how == "close":
            self.take(self.machine.close(CloseCode.SERVER_ERROR, "Internal server error"))
        else:
            self.take(self.machine.refuse("é" * 200))

    @invariant()
    def the_machine_knows_whether_it_is_over(self) -> None:
        assert self.machine.closed == self.over


class TransportWSConversation(Conversation):
    dialect = TRANSPORT_WS


class LegacyConversation(Conversation):
    dialect = LEGACY


CONVERSATIONS = Count("conversations in each GraphQL protocol", full=5_000, part=80)
BOUNDS = settings(CONVERSATIONS.settings, stateful_step_count=40)
TestTransportWS = CONVERSATIONS.mark(TransportWSConversation.TestCase)
TestTransportWS.settings = BOUNDS
TestLegacy = CONVERSATIONS.mark(LegacyConversation.TestCase)
TestLegacy.settings = BOUNDS


ANY = Count("frames of any kind to each GraphQL protocol", full=50_000, part=150)


@ANY.mark
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)
@ANY.settings
@given(frame=FRAMES)
def test_any_frame_has_effects_and_no_exception(dialect: Dialect, frame: str | bytes) -> None:
    """To a client that has said nothing, to one that is being asked, and to one that is ready."""
    waiting, asked, ready = dialect.machine(), dialect.machine(), dialect.ready()
    asked.receive(INIT)
    for machine in (waiting, asked, ready):
        text, data = (frame, None) if isinstance(frame, str) else (None, frame)
        dialect.sent(machine.receive(text, data))
