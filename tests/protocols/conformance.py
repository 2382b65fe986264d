"""
What the documents of both WebSocket protocols ask for, in our words, and the tests that show it.

One rule for each sentence that binds somebody, in the order of the documents; a sentence that says
again what another one said is under the first. Where a sentence binds the client, the tests show
what the server does with a client that keeps to it. A test is the path of its file below tests/
without the ending, and its name.
"""

from __future__ import annotations

from dataclasses import dataclass

MACHINE = "protocols/test_graphql_transport_ws"
MESSAGES = "protocols/test_messages"
LEGACY = "protocols/test_graphql_ws"
LEGACY_MESSAGES = "protocols/test_graphql_ws_messages"
RACES = "protocols/test_races"
FRAMES = "protocols/test_frames"
EFFECTS = "protocols/test_effects"
SCENARIOS = "transports/test_websocket_scenarios"
SOCKET = "transports/test_websocket"
GRAPHQL = "transports/test_websocket_graphql"
OLD_SOCKET = "transports/test_websocket_legacy"
ENDS = "transports/test_websocket_ends"


@dataclass(frozen=True)
class Rule:
    """One sentence of a document: what it asks for, and the tests, as (file, name)."""

    says: str
    tests: tuple[tuple[str, str], ...]


def rule(says: str, *tests: tuple[str, str]) -> Rule:
    return Rule(says, tests)


@dataclass(frozen=True)
class Document:
    """A protocol document: its subprotocol, the npm package that holds it, rules by section."""

    subprotocol: str
    package: str
    sections: dict[str, tuple[Rule, ...]]


GRAPHQL_TRANSPORT_WS = Document(
    "graphql-transport-ws",
    "graphql-ws",
    {
        "Communication": (
            rule(
                "The subprotocol's name chooses the protocol.",
                (SOCKET, "test_graphql_is_chosen_wherever_it_is_offered"),
            ),
            rule(
                "A message is a JSON text in one frame.",
                (MACHINE, "test_an_invalid_message_closes_with_4400_and_names_the_field"),
                (MACHINE, "test_a_binary_frame_closes_with_4400"),
            ),
            rule(
                "Both sides keep to the given structures: what is refused is never written.",
                (MESSAGES, "test_what_is_written_is_read_back_the_same"),
                (MESSAGES, "test_what_would_be_refused_cannot_be_written"),
            ),
            rule(
                "Every message has a type.",
                (MESSAGES, "test_a_wrong_message_is_refused_by_the_name_of_its_field"),
                (MESSAGES, "test_an_unknown_type_is_answered_with_the_known_ones"),
            ),
            rule(
                "A message of an operation carries the operation's id.",
                (MESSAGES, "test_a_wrong_message_is_refused_by_the_name_of_its_field"),
                (MACHINE, "test_results_are_sent_under_the_id_and_then_the_end"),
            ),
            rule(
                "Operations of several ids run at once, and their messages mix.",
                (MACHINE, "test_different_ids_run_side_by_side"),
                (GRAPHQL, "test_operations_overtake_one_that_waits_elsewhere"),
            ),
            rule(
                "The server may close at any time.",
                (RACES, "test_the_server_closes_at_any_time_and_says_why"),
            ),
            rule(
                "Its close event says what is fatally wrong.",
                (MACHINE, "test_an_invalid_message_closes_with_4400_and_names_the_field"),
                (RACES, "test_a_reason_is_cut_to_what_a_close_frame_holds"),
            ),
            rule(
                "A client that has had enough closes with 1000.",
                (SCENARIOS, "test_a_normal_closure_ends_everything"),
            ),
        ),
        "ConnectionInit": (
            rule(
                "The client asks for the connection, with or without a payload.",
                (MACHINE, "test_an_introduction_is_handed_to_the_owner"),
                (SOCKET, "test_the_payload_of_connection_init_reaches_the_authenticator"),
            ),
            rule(
                "It has to do so in the time that the server is configured to wait.",
                (MACHINE, "test_a_slow_authentication_is_not_the_fault_of_the_client"),
            ),
            rule(
                "Who does not is closed with 4408.",
                (MACHINE, "test_a_client_that_says_nothing_is_closed_with_4408"),
                (SCENARIOS, "test_a_client_that_says_nothing_is_closed_when_its_time_is_over"),
            ),
            rule(
                "A second request, whenever it comes, closes with 4429.",
                (MACHINE, "test_a_second_introduction_closes_with_4429"),
                (
                    MACHINE,
                    "test_a_second_introduction_while_one_is_pending_closes_with_4429",
                ),
            ),
            rule(
                "A client that is not welcome is closed with 4403.",
                (MACHINE, "test_a_refused_client_is_closed_with_4403"),
                (SOCKET, "test_a_refusal_of_the_authenticator_closes_with_4403"),
            ),
        ),
        "ConnectionAck": (
            rule(
                "It answers the client's request, and nothing else.",
                (MACHINE, "test_only_a_pending_introduction_is_acknowledged"),
            ),
            rule(
                "It may carry a payload.",
                (MACHINE, "test_an_acknowledgement_may_carry_a_payload"),
            ),
            rule(
                "From then on operations may be asked for.",
                (MACHINE, "test_an_operation_is_started_with_its_request"),
                (GRAPHQL, "test_no_operation_runs_before_the_ack_has_been_sent"),
            ),
        ),
        "Ping": (
            rule(
                "It looks for signs of life: the server asks too.",
                (MACHINE, "test_only_an_acknowledged_client_is_asked_for_a_sign_of_life"),
                (OLD_SOCKET, "test_a_quiet_connection_is_kept_alive"),
            ),
            rule(
                "The pong follows at once.",
                (MACHINE, "test_a_ping_is_answered_at_any_time_with_its_payload"),
            ),
            rule(
                "It may come at any time, even before the connection is asked for.",
                (MACHINE, "test_a_ping_is_answered_at_any_time_with_its_payload"),
            ),
            rule(
                "It may carry a payload, in either direction.",
                (MACHINE, "test_a_ping_is_answered_at_any_time_with_its_payload"),
                (MACHINE, "test_a_ping_of_the_server_may_carry_a_payload"),
            ),
        ),
        "Pong": (
            rule(
                "It answers a ping as soon as that is there.",
                (MACHINE, "test_a_ping_is_answered_at_any_time_with_its_payload"),
            ),
            rule(
                "It may come at any time.",
                (MACHINE, "test_a_pong_is_ignored_at_any_time"),
            ),
            rule(
                "Nobody need have asked for it.",
                (MACHINE, "test_a_pong_is_ignored_at_any_time"),
            ),
            rule(
                "It may carry a payload, in either direction.",
                (MACHINE, "test_a_pong_is_ignored_at_any_time"),
                (MACHINE, "test_a_ping_is_answered_at_any_time_with_its_payload"),
            ),
        ),
        "Subscribe": (
            rule(
                "It asks for the operation of its payload: a query, and perhaps a name, variables "
                "and extensions, each null or of its type.",
                (MACHINE, "test_an_operation_is_started_with_its_request"),
                (MESSAGES, "test_a_wrong_message_is_refused_by_the_name_of_its_field"),
                (GRAPHQL, "test_what_is_no_message_closes_with_4400"),
            ),
            rule(
                "Its id ties what comes of it to the operation.",
                (MACHINE, "test_results_are_sent_under_the_id_and_then_the_end"),
            ),
            rule(
                "An id that is running closes with 4409, whatever kinds of operations they are.",
                (MACHINE, "test_a_running_id_closes_with_4409"),
                (SCENARIOS, "test_ids_are_unique_among_operations_of_every_kind"),
            ),
            rule(
                "An id is remembered only while its operation runs.",
                (RACES, "test_an_id_is_free_before_the_end_is_read"),
                (GRAPHQL, "test_a_finished_operation_frees_its_id"),
                (ENDS, "test_slots_of_stopped_operations_are_given_back"),
            ),
            rule(
                "A client that has ended an operation may use its id again.",
                (MACHINE, "test_a_freed_id_is_used_again_and_the_earlier_run_stays_silent"),
                (GRAPHQL, "test_an_id_that_is_in_use_again_hears_nothing_of_the_operation_before"),
            ),
            rule(
                "An operation before the acknowledgement closes with 4401.",
                (MACHINE, "test_an_operation_before_any_introduction_closes_with_4401"),
                (
                    MACHINE,
                    "test_an_operation_while_the_introduction_is_pending_closes_with_4401",
                ),
            ),
        ),
        "Next": (
            rule(
                "It carries a result of the operation, in the form of an execution result.",
                (MACHINE, "test_results_are_sent_under_the_id_and_then_the_end"),
                (SCENARIOS, "test_errors_of_the_execution_are_in_its_result"),
            ),
            rule(
                "After the last one comes the end.",
                (MACHINE, "test_results_are_sent_under_the_id_and_then_the_end"),
                (SCENARIOS, "test_an_operation_of_one_result_has_one_and_then_its_end"),
            ),
        ),
        "Error": (
            rule(
                "It carries the errors of an operation that was refused.",
                (MACHINE, "test_an_error_ends_the_operation"),
                (MESSAGES, "test_a_wrong_message_is_refused_by_the_name_of_its_field"),
            ),
            rule(
                "Before the execution: a document that is wrong, a subscription that is refused. "
                "While it executes: a result that cannot be written; any other error is in its "
                "result.",
                (SCENARIOS, "test_a_stream_is_refused_before_it_executes"),
                (GRAPHQL, "test_a_subscription_that_is_refused_has_no_result"),
                (GRAPHQL, "test_a_result_that_is_no_json_ends_its_operation_with_an_error"),
                (SCENARIOS, "test_errors_of_the_execution_are_in_its_result"),
            ),
            rule(
                "It ends the operation, and nothing more is sent for it.",
                (MACHINE, "test_an_error_ends_the_operation"),
                (SCENARIOS, "test_a_stream_is_refused_before_it_executes"),
            ),
        ),
        "Complete": (
            rule(
                "From the server: the operation has nothing more to say.",
                (MACHINE, "test_results_are_sent_under_the_id_and_then_the_end"),
            ),
            rule(
                "None is sent after an error.",
                (MACHINE, "test_an_error_ends_the_operation"),
            ),
            rule(
                "From the client: it listens no more.",
                (MACHINE, "test_a_client_stops_its_operation"),
                (GRAPHQL, "test_complete_unsubscribes"),
            ),
            rule(
                "Nothing is sent through from then on.",
                (RACES, "test_whatever_a_run_reports_after_the_clients_end_is_not_sent"),
                (SCENARIOS, "test_a_stream_has_results_until_its_client_stops_it"),
            ),
            rule(
                "Not even the one result of an operation that had not resolved yet.",
                (SCENARIOS, "test_a_result_is_not_sent_once_its_client_has_stopped_waiting"),
            ),
            rule(
                "It may cross what is on its way, and the server's own end.",
                (RACES, "test_the_clients_end_crosses_the_servers_complete"),
                (RACES, "test_the_clients_end_crosses_the_servers_error"),
            ),
            rule(
                "So messages of operations that are over are ignored.",
                (MACHINE, "test_a_late_or_unknown_complete_is_ignored"),
            ),
        ),
        "Invalid message": (
            rule(
                "A message of another type or form closes at once with 4400.",
                (MACHINE, "test_an_invalid_message_closes_with_4400_and_names_the_field"),
                (GRAPHQL, "test_what_is_no_message_closes_with_4400"),
            ),
            rule(
                "The reason says what is wrong with it, as far as a close frame has room.",
                (MACHINE, "test_an_invalid_message_closes_with_4400_and_names_the_field"),
                (EFFECTS, "test_a_close_reason_is_cut_to_123_bytes"),
                (EFFECTS, "test_a_close_reason_is_never_cut_inside_a_character"),
            ),
            rule(
                "A message with the id of an operation that is over is no error.",
                (MACHINE, "test_a_late_or_unknown_complete_is_ignored"),
            ),
            rule(
                "Nor is one with an id that nobody knows.",
                (MACHINE, "test_a_late_or_unknown_complete_is_ignored"),
                (MACHINE, "test_a_complete_before_the_introduction_is_ignored"),
            ),
        ),
        "Examples": (
            rule(
                "Initialisation: the handshake is accepted, the client introduces itself, the "
                "server looks at it and acknowledges.",
                (
                    SCENARIOS,
                    "test_a_handshake_an_introduction_with_a_payload_and_an_acknowledgement",
                ),
            ),
            rule(
                "Timeout: the handshake is accepted, nothing comes, the server closes.",
                (SCENARIOS, "test_a_client_that_says_nothing_is_closed_when_its_time_is_over"),
            ),
            rule(
                "Streaming: the id is looked at first.",
                (SCENARIOS, "test_ids_are_unique_among_operations_of_every_kind"),
            ),
            rule(
                "Streaming: an operation that is not valid, or not allowed, is an error and over.",
                (SCENARIOS, "test_a_stream_is_refused_before_it_executes"),
                (GRAPHQL, "test_a_wrong_document_is_refused_and_the_next_one_works"),
            ),
            rule(
                "Streaming: results come over time, until the source is over.",
                (GRAPHQL, "test_a_source_that_fails_ends_with_one_neutral_error"),
                (GRAPHQL, "test_a_stream_that_is_closed_ends_its_subscriptions"),
            ),
            rule(
                "Streaming: or until the client stops, which ends the source.",
                (SCENARIOS, "test_a_stream_has_results_until_its_client_stops_it"),
                (ENDS, "test_a_subscription_that_is_stopped_while_it_starts_has_never_been"),
            ),
            rule(
                "Streaming: both at once, and the server ignores the client's end.",
                (RACES, "test_the_clients_end_crosses_the_servers_complete"),
            ),
            rule(
                "Single result: at most one, and then the end.",
                (SCENARIOS, "test_an_operation_of_one_result_has_one_and_then_its_end"),
            ),
            rule(
                "Single result: its ids are those of streams, with which it shares the socket.",
                (SCENARIOS, "test_ids_are_unique_among_operations_of_every_kind"),
                (GRAPHQL, "test_queries_mutations_and_subscriptions_share_a_socket"),
            ),
            rule(
                "Single result: the client may end it at any time.",
                (GRAPHQL, "test_complete_cancels_the_call_and_frees_the_id"),
            ),
        ),
        "Close codes of the package": (
            rule(
                "4406: the server speaks none of the subprotocols that the client offers.",
                (SOCKET, "test_another_subprotocol_is_refused_with_what_is_offered"),
            ),
            rule(
                "4500: the server failed.",
                (SOCKET, "test_an_authenticator_that_fails_closes_without_a_word"),
                (MACHINE, "test_after_a_close_nothing_has_an_effect"),
            ),
        ),
    },
)

GRAPHQL_WS = Document(
    "graphql-ws",
    "subscriptions-transport-ws",
    {
        "Client-server communication": (
            rule(
                "Every message has a type.",
                (LEGACY_MESSAGES, "test_a_wrong_message_is_refused_by_the_name_of_its_field"),
            ),
            rule(
                "What belongs to it is in its payload.",
                (LEGACY_MESSAGES, "test_a_message_of_a_client_is_read"),
                (LEGACY_MESSAGES, "test_a_message_of_the_server_is_written_and_read_again"),
            ),
            rule(
                "An id says which answer belongs to which request.",
                (LEGACY, "test_results_are_sent_under_the_id_and_then_the_end"),
                (LEGACY, "test_different_ids_run_side_by_side"),
            ),
            rule(
                "A message is a JSON text in one frame.",
                (LEGACY, "test_an_invalid_message_is_answered_and_the_socket_lives"),
                (LEGACY, "test_a_binary_frame_is_answered"),
            ),
        ),
        "GQL_CONNECTION_INIT": (
            rule(
                "It comes first.",
                (LEGACY, "test_an_introduction_is_handed_to_the_owner"),
                (LEGACY, "test_an_operation_before_any_introduction_closes_with_4401"),
            ),
            rule(
                "It is answered with an acknowledgement and, where signs of life are sent, the "
                "first of them, or with an error.",
                (LEGACY, "test_the_first_sign_of_life_follows_the_acknowledgement"),
                (LEGACY, "test_a_refused_client_is_told_why_and_closed"),
            ),
            rule(
                "Its payload is the client's connection parameters, or nothing.",
                (LEGACY, "test_an_introduction_is_handed_to_the_owner"),
                (
                    SCENARIOS,
                    "test_a_handshake_an_introduction_with_a_payload_and_an_acknowledgement",
                ),
            ),
        ),
        "GQL_START": (
            rule(
                "It starts the operation of its id: a query, and perhaps variables and a name.",
                (LEGACY, "test_an_operation_is_started_with_its_request"),
                (LEGACY, "test_a_wrong_request_is_answered_under_its_id"),
            ),
            rule(
                "The query is a text; a parsed document exists in the client's interface only.",
                (LEGACY, "test_a_query_that_is_no_text_is_an_error_of_its_operation"),
            ),
        ),
        "GQL_STOP": (
            rule(
                "It ends the operation of its id.",
                (LEGACY, "test_a_client_stops_its_operation_and_is_told_of_its_end"),
                (SCENARIOS, "test_a_result_is_not_sent_once_its_client_has_stopped_waiting"),
            ),
        ),
        "GQL_CONNECTION_TERMINATE": (
            rule(
                "It ends the connection.",
                (LEGACY, "test_a_client_ends_the_connection"),
                (OLD_SOCKET, "test_a_client_says_goodbye"),
            ),
        ),
        "GQL_CONNECTION_ERROR": (
            rule(
                "It may answer the introduction: the client is refused.",
                (LEGACY, "test_a_refused_client_is_told_why_and_closed"),
                (OLD_SOCKET, "test_a_refused_client_reads_why_before_the_socket_closes"),
            ),
            rule(
                "It answers what cannot be read, which is ignored, and the connection lives.",
                (LEGACY, "test_an_invalid_message_is_answered_and_the_socket_lives"),
            ),
            rule(
                "Its payload says what is wrong.",
                (LEGACY, "test_an_invalid_message_is_answered_and_the_socket_lives"),
            ),
        ),
        "GQL_CONNECTION_ACK": (
            rule(
                "It answers the introduction: the client is welcome.",
                (LEGACY, "test_only_a_pending_introduction_is_acknowledged"),
            ),
            rule(
                "It may carry a payload.",
                (LEGACY, "test_the_first_sign_of_life_follows_the_acknowledgement"),
            ),
        ),
        "GQL_DATA": (
            rule(
                "It carries an execution result, errors of resolvers included.",
                (LEGACY, "test_results_are_sent_under_the_id_and_then_the_end"),
                (SCENARIOS, "test_errors_of_the_execution_are_in_its_result"),
            ),
            rule(
                "Every operation that executes has at least one; a subscription has one when "
                "something happens.",
                (SCENARIOS, "test_an_operation_of_one_result_has_one_and_then_its_end"),
                (SCENARIOS, "test_a_stream_has_results_until_its_client_stops_it"),
            ),
        ),
        "GQL_ERROR": (
            rule(
                "It is for an operation that failed before its execution.",
                (SCENARIOS, "test_a_stream_is_refused_before_it_executes"),
                (OLD_SOCKET, "test_a_wrong_document_is_an_error_of_its_operation"),
            ),
            rule(
                "Its payload is one error; where there are more, the first, which holds them all.",
                (LEGACY, "test_several_errors_are_one_that_holds_them_all"),
            ),
            rule(
                "Its id is the operation's.",
                (LEGACY, "test_an_error_ends_the_operation"),
                (LEGACY, "test_a_wrong_request_is_answered_under_its_id"),
            ),
        ),
        "GQL_COMPLETE": (
            rule(
                "The operation of its id is over, and no data follows.",
                (LEGACY, "test_results_are_sent_under_the_id_and_then_the_end"),
                (RACES, "test_an_id_is_free_before_the_end_is_read"),
            ),
        ),
        "GQL_CONNECTION_KEEP_ALIVE": (
            rule(
                "The first follows the acknowledgement.",
                (LEGACY, "test_the_first_sign_of_life_follows_the_acknowledgement"),
            ),
            rule(
                "More come in time.",
                (OLD_SOCKET, "test_a_quiet_connection_is_kept_alive"),
            ),
            rule(
                "A client counts on them only once it has had one: where they are off, none is "
                "sent.",
                (OLD_SOCKET, "test_keeping_alive_can_be_off"),
            ),
        ),
        "Messages flow": (
            rule(
                "Init: the server waits for whoever looks at the introduction, then acknowledges "
                "or refuses.",
                (
                    SCENARIOS,
                    "test_a_handshake_an_introduction_with_a_payload_and_an_acknowledgement",
                ),
                (OLD_SOCKET, "test_a_refused_client_reads_why_before_the_socket_closes"),
            ),
            rule(
                "A client's operations wait for that; it may send them before.",
                (LEGACY, "test_a_client_need_not_wait_for_the_acknowledgement"),
                (OLD_SOCKET, "test_an_operation_may_follow_the_introduction_at_once"),
            ),
            rule(
                "Operations: data if nothing is wrong, an error if something is.",
                (SCENARIOS, "test_an_operation_of_one_result_has_one_and_then_its_end"),
                (SCENARIOS, "test_a_stream_is_refused_before_it_executes"),
            ),
            rule(
                "A query or a mutation is followed by its end.",
                (SCENARIOS, "test_an_operation_of_one_result_has_one_and_then_its_end"),
            ),
            rule(
                "A subscription has data whenever something is published.",
                (OLD_SOCKET, "test_a_subscription_hears_changes_until_it_is_stopped"),
            ),
            rule(
                "When its client stops it, it is over and the client is told.",
                (LEGACY, "test_a_client_stops_its_operation_and_is_told_of_its_end"),
                (SCENARIOS, "test_a_stream_has_results_until_its_client_stops_it"),
            ),
            rule(
                "A client that is done says so, and the connection is closed.",
                (OLD_SOCKET, "test_a_client_says_goodbye"),
            ),
        ),
        "What the package's server does": (
            rule(
                "A start under a running id replaces what runs.",
                (LEGACY, "test_a_running_id_is_replaced"),
                (OLD_SOCKET, "test_a_replaced_operation_is_cancelled"),
            ),
        ),
    },
)

DOCUMENTS = (GRAPHQL_TRANSPORT_WS, GRAPHQL_WS)
