"""The faults of the list, F01 to F52, as rows of the table: what the wire does, what the gateway must do."""

from __future__ import annotations

from gateway.connector import Kind
from tests.faults.table import DIFFERS, LISTS, ONCE, WHOLE, Case, Outcome, Row, aside, ends

ORDERS = ("members", "orders")
ADVERTISED = ("users", "segments", "campaigns", "statistics")
_MEMBERS = {"path": "users.json", **ONCE}
_ORDERS = {"path": "solution.order.get"}

_ALIBABA = "tests/connectors/test_alibaba_"
_MAILRU = "tests/connectors/test_mailru_"
_DECLARED = f"{_ALIBABA}declared.py::"
_TOKENS = f"{_MAILRU}tokens.py::"
_SENT = "tests/test_activations.py::test_"

LISTED = (
    Row(
        "F01",
        "Ids stay exact; one that has lost digits is refused, not guessed.",
        (
            Case(
                "alibaba",
                ends(Kind.DRIFT, "records cannot be read: product_id is not a whole number$"),
                _ORDERS,
                ORDERS,
            ),
        ),
        (f"{_ALIBABA}sandbox.py::test_ids_beyond_doubles",),
    ),
    Row(
        "F02",
        "What is not Latin is signed as UTF-8.",
        tests=(f"{_ALIBABA}protocols.py::test_words_that_are_no_latin", f"{_ALIBABA}signing.py::test_top"),
    ),
    Row("F03", "Truth values are signed as they are sent.", tests=(f"{_ALIBABA}signing.py::test_top",)),
    Row(
        "F04",
        "What is sent is signed, and nothing else.",
        tests=(
            f"{_ALIBABA}signing.py::test_what_is_not_signed",
            f"{_ALIBABA}signing.py::test_nothing_is_no_parameter",
        ),
    ),
    Row(
        "F05",
        "A refused signature is for the operator: said at once, and not repeated.",
        (Case("alibaba", ends(Kind.AUTH, "was refused: IncompleteSignature$"), {}, ("members",)),),
        (f"{_ALIBABA}signing.py::test_iop",),
    ),
    Row(
        "F06",
        "The partner's clock is learnt from its answer, and gone by.",
        (Case("alibaba", WHOLE, {"fault": "wrong-clock", "seconds": 40_000}, ("members",)),),
        (f"{_ALIBABA}protocols.py::test_a_wrong_clock_is_mended_once",),
    ),
    Row(
        "F07",
        "TOP's timestamp is the wall clock of GMT+8, wherever the gateway is.",
        tests=(
            f"{_ALIBABA}protocols.py::test_each_protocol_gives_the_same",
            f"{_ALIBABA}sandbox_methods.py::test_what_top_takes",
        ),
    ),
    Row(
        "F08",
        "Pacific times have the zone's own summer; no bound lies in the hour that is repeated.",
        (Case("alibaba", DIFFERS, {"fault": "daylight-saving", **_ORDERS}, ORDERS),),
        (f"{_ALIBABA}fields.py::test_pacific_times", f"{_ALIBABA}pull.py::test_the_repeated_hour"),
    ),
    Row(
        "F09",
        "The ban is waited for as long as it says; nothing is taken for empty.",
        tests=(
            f"{_DECLARED}test_a_short_ban_says_how_long",
            f"{_ALIBABA}faults.py::test_throttling_is_waited_for",
        ),
    ),
    Row(
        "F10",
        "The calls of a day being used up, nothing is asked until midnight in Beijing, and what came stays.",
        (Case("alibaba", ends(Kind.THROTTLED, "was refused|none is made"), {}, ("members",)),),
        ("tests/upstream/test_quotas.py::test_a_day_ends_at_its_zones_midnight",),
    ),
    Row("F11", "The wait that is asked for is kept.", tests=(f"{_DECLARED}test_a_short_ban_says_how_long",)),
    Row(
        "F12",
        "The token is renewed once and the call made again; where it cannot be, the operator is told.",
        (Case("alibaba", ends(Kind.AUTH, "was refused|token"), {}, ("members",)),),
        (f"{_DECLARED}test_a_token_that_expired_is_renewed",),
    ),
    Row(
        "F13",
        "An error within a success is an error, by each method's own rule.",
        (Case("alibaba", ends(Kind.TRANSIENT, "was refused: 404$"), {}, ("members",)),),
        (f"{_ALIBABA}commissions.py::test_an_error_within_a_success",),
    ),
    Row("F14", "Success decides; a code beside it means nothing.", (Case("alibaba", WHOLE, {}, ORDERS),)),
    Row(
        "F15",
        "Lists are read in each of their wrappers.",
        (Case("alibaba", WHOLE, {}, ORDERS),),
        (f"{_ALIBABA}fields.py::test_list_wrappers", f"{_ALIBABA}fields.py::test_empty_lists"),
    ),
    Row(
        "F16",
        "JSON in a text that is none costs that field alone.",
        tests=(f"{_DECLARED}test_json_in_texts_may_be_none",),
    ),
    Row(
        "F17",
        "What failed of a job is told one by one; what was done is done.",
        tests=(f"{_ALIBABA}feeds.py::test_some_of_a_job_fails_and_the_rest_holds",),
    ),
    Row(
        "F18",
        "A status that nobody has heard of is UNKNOWN, with the partner's word.",
        (Case("alibaba", DIFFERS, _ORDERS, ORDERS),),
        (f"{_DECLARED}test_a_status_that_nobody_has_heard_of",),
    ),
    Row(
        "F19",
        "A field that may be missing is null; one that must be there ends the pull before the page; drift is told.",
        (Case("alibaba", DIFFERS, {"fault": "field-drift", **_ORDERS, "seed": 4}, ORDERS),),
        ("tests/test_command_connector.py::test_what_a_partner_changed_is_told_without_a_value",),
    ),
    Row(
        "F20",
        "Misspelt and double names are read as the partner writes them.",
        tests=(
            f"{_ALIBABA}sandbox_methods.py::test_names_are_kept_as_they_are_misspelt",
            f"{_ALIBABA}records.py::test_order",
        ),
    ),
    Row(
        "F21",
        "Cents win over an amount that disagrees.",
        (Case("alibaba", WHOLE, {}, LISTS),),
        (f"{_ALIBABA}fields.py::test_cents_win_over_a_stale_amount",),
    ),
    Row(
        "F22",
        "A page that holds fewer rows than its own total says is read again.",
        (Case("alibaba", WHOLE, {"fault": "missing-rows", "rate": 0.5, "count": 2, "seed": 3}, ORDERS),),
        missing="Why an item is left out for good (no commission, country) the partner says nowhere; nobody is told.",
    ),
    Row(
        "F23",
        "Statuses that a list hides are asked for on their own; totals that are too low are not believed.",
        tests=(
            f"{_ALIBABA}sandbox.py::test_finish_is_asked_for_on_its_own",
            f"{_ALIBABA}faults.py::test_odd_answers",
        ),
    ),
    Row(
        "F24",
        "Rows that move between pages are neither passed over nor taken twice.",
        tests=(
            f"{_ALIBABA}pull.py::test_orders_that_change_meanwhile",
            f"{_MAILRU}pandao.py::test_rows_that_change_while_the_list_is_walked_are_not_lost",
            f"{_MAILRU}segments.py::test_a_list_that_shifts_between_pages_is_read_again",
            "tests/upstream/test_paging.py::test_an_offset_goes_back_to_what_it_knows",
        ),
    ),
    Row(
        "F25",
        "A protocol that is switched off is RETIRED and left for its successor.",
        tests=(f"{_DECLARED}test_where_top_is_gone_iop_is_spoken",),
    ),
    Row(
        "F26",
        "JSON is asked for by name; XML is told for what it is.",
        tests=(f"{_ALIBABA}protocols.py::test_top_answers_in_xml_unless_it_is_told",),
    ),
    Row(
        "F27",
        "A page is no answer, whatever its status.",
        (Case("alibaba", WHOLE, {"fault": "html", **ONCE}, ("members",)),),
    ),
    Row(
        "F28",
        "Each call has a deadline, and a live field's error comes before its operation's.",
        (Case("mailru", WHOLE, {"fault": "slow", **ONCE}, ("users",)),),
        ("tests/faults/test_live.py::test_a_field_fails_and_all_else_stands",),
    ),
    Row(
        "F29",
        "What changes something is told once, where it may have been heard.",
        tests=(
            "tests/upstream/test_calls.py::test_a_write_that_may_have_been_heard_is_not_repeated",
            f"{_ALIBABA}feeds.py::test_what_may_have_been_heard_is_told_once",
        ),
    ),
    Row(
        "F30",
        "What differs in each answer is kept nowhere.",
        tests=(
            "tests/connectors/test_contract_pulls.py::test_a_second_pull_changes_nothing_and_ends_with_a_cursor",
        ),
    ),
    Row(
        "F31",
        "One token is shared; at the ceiling those left behind are deleted once, and there is no loop.",
        (
            Case("mailru", WHOLE, ONCE, ("users", "segments")),
            Case("mailru", ends(Kind.AUTH, "refused the call$"), {}, ("users", "segments")),
        ),
        tests=(
            f"{_TOKENS}test_at_the_ceiling_the_tokens_left_behind_are_deleted_once",
            f"{_TOKENS}test_a_ceiling_that_stays_is_an_error_and_no_loop",
        ),
    ),
    Row(
        "F32",
        "One refreshes for all workers, and the others take what it got.",
        (Case("mailru", WHOLE, _MEMBERS, ("users", "segments")),),
        tests=(
            f"{_TOKENS}test_an_expired_token_is_refreshed_once_for_all_who_meet_it",
            "tests/upstream/test_tokens.py::test_a_token_that_was_refused_is_refreshed_once_for_all",
        ),
    ),
    Row(
        "F33",
        "A token that was swept is asked for anew.",
        (Case("mailru", WHOLE, _MEMBERS, ("users", "segments")),),
        tests=(
            f"{_TOKENS}test_a_token_that_another_worker_deleted_is_replaced_by_a_new_one",
            "tests/upstream/test_tokens.py::test_a_refresh_token_that_is_gone_leads_to_a_new_grant",
        ),
    ),
    Row(
        "F34",
        "A permission that was taken back ends the calls.",
        (Case("mailru", ends(Kind.AUTH, "refused the token$"), {}, ("users", "segments")),),
        tests=(f"{_TOKENS}test_a_revoked_token_stops_the_calls",),
    ),
    Row(
        "F35",
        "A grant is read in each of its types.",
        tests=(
            f"{_MAILRU}sandbox.py::test_the_answer_to_a_grant_changes_its_types",
            f"{_TOKENS}test_an_expired_token_is_refreshed_once_for_all_who_meet_it",
        ),
    ),
    Row(
        "F36",
        "A window that is used up is waited for to its end by the calendar.",
        (Case("mailru", WHOLE, ONCE, ("users", "segments")),),
        tests=(
            f"{_TOKENS}test_a_limit_per_second_is_waited_out",
            f"{_TOKENS}test_a_spent_window_says_when_it_ends",
        ),
    ),
    Row(
        "F37",
        "One object is read where a list of one is meant.",
        tests=(
            f"{_MAILRU}ads.py::test_the_thing_itself_for_a_list_of_one_is_read_too",
            f"{_MAILRU}ads.py::test_the_statistics_of_one_are_the_same_in_both_forms",
        ),
    ),
    Row(
        "F38",
        "A list that is too small is refused before it goes; one that does not get ready is STALLED.",
        tests=(
            f"{_SENT}what_may_not_be_sent_is_refused_and_says_why",
            f"{_SENT}an_audience_is_sent_hashed_and_followed_until_it_is_ready",
            "tests/faults/test_user_lists.py::test_a_list_that_never_gets_ready_stalls",
        ),
    ),
    Row(
        "F39",
        "A list that vanished has nobody in it; that is no error.",
        (Case("mailru", Outcome(), {}, ("users", "segments")),),
        tests=(
            f"{_MAILRU}segments.py::test_a_segment_that_is_deleted_while_it_is_pulled_has_nobody",
            f"{_MAILRU}segments.py::test_a_membership_that_ended_vanishes_and_a_segment_too",
            f"{_SENT}a_list_that_is_deleted_is_gone",
        ),
    ),
    Row(
        "F40",
        "A 404 for a missing right is told as that.",
        (Case("mailru", ends(Kind.AUTH, "the right to read them is missing$"), {}, ADVERTISED),),
        tests=(f"{_MAILRU}ads.py::test_without_the_right_to_statistics_the_error_says_so",),
    ),
    Row(
        "F41",
        "What may have been done is not done again, but looked for; what is not found then, somebody must look into.",
        tests=(
            "tests/upstream/test_calls.py::test_a_write_that_may_have_been_heard_is_not_repeated",
            f"{_SENT}a_list_whose_answer_was_lost_is_found_and_not_sent_again",
            f"{_SENT}a_list_that_may_have_been_made_and_is_not_there_is_uncertain",
        ),
    ),
    Row(
        "F42",
        "Statistics are asked for in windows and groups that are allowed; restated days stand beside the former.",
        tests=(
            f"{_MAILRU}ads.py::test_windows_are_whole_and_no_longer_than_allowed",
            f"{_MAILRU}ads.py::test_a_restated_day_has_both_versions_and_an_unchanged_one_has_one",
        ),
    ),
    Row(
        "F43",
        "An address in an answer is neither followed nor shown.",
        (Case("mailru", WHOLE, {}, ("users", "orders")),),
        tests=(f"{_MAILRU}pandao.py::test_the_address_of_the_next_page_is_neither_followed_nor_logged",),
    ),
    Row(
        "F44",
        "Truth is read as text and as itself, and nothing else is taken for it.",
        (Case("mailru", WHOLE, {}, ("users", "orders")),),
        tests=(
            f"{_MAILRU}records.py::test_truth_comes_as_text_or_as_itself",
            f"{_MAILRU}records.py::test_nothing_else_is_taken_for_truth",
        ),
    ),
    Row(
        "F45",
        "Forged messages are refused; in whatever order and however often they come, the orders end the same.",
        tests=(
            "tests/test_webhooks.py::test_a_forged_message_learns_nothing",
            "tests/test_webhooks.py::test_the_same_again_is_thanked_for_and_is_nothing_new",
            "tests/test_webhook_orders.py::test_any_order_and_number_of_messages_ends_in_the_same_orders",
        ),
    ),
    Row(
        "F46",
        "What is told of another parcel is not taken for this one; nothing told is not delivered.",
        tests=(
            "tests/faults/test_parcels.py::test_another_parcels_history_is_put_aside",
            "tests/connectors/test_cainiao.py::test_faults_of_its_own",
        ),
    ),
    Row(
        "F47",
        "Arrived where it is fetched from is not delivered.",
        tests=(
            "tests/faults/test_parcels.py::test_only_delivery_is_delivery",
            "tests/connectors/test_cainiao.py::test_only_delivery_is_delivery",
        ),
    ),
    Row(
        "F48",
        "A time has its own offset; where it has none, the zone is assumed, and that is told.",
        tests=(
            "tests/faults/test_parcels.py::test_a_time_without_an_offset_is_marked",
            "tests/connectors/test_cainiao.py::test_each_event_has_a_clock_of_its_own",
        ),
    ),
    Row(
        "F49",
        "A wrong check digit is told of and the parcel kept.",
        tests=("tests/faults/test_parcels.py::test_a_wrong_check_digit_is_told_and_kept",),
    ),
    Row(
        "F50",
        "Commas, nominals, weekends and windows-1251 are read as they are meant; anything else is put aside.",
        (Case("cbr", ends(Kind.DRIFT, "records cannot be read")),),
        (
            "tests/connectors/test_cbr.py::test_a_page_of_a_sunday_is_dated_saturday",
            "tests/connectors/test_cbr.py::test_a_rate_is_kept_exactly_with_its_nominal",
            "tests/connectors/test_cbr.py::test_a_price_with_a_point_is_put_aside_and_never_taken_for_another",
        ),
    ),
    Row(
        "F51",
        "A drop that does not agree with its manifest is put aside and taken when it does; restatements stay beside.",
        (Case("fund", aside(r"has not the size that the manifest says$")),),
        ("tests/connectors/test_fund.py::test_a_restatement_stands_beside_what_it_restates",),
    ),
    Row(
        "F52",
        "No secret is in an address, an error or a log.",
        tests=(
            "tests/connectors/test_contract.py::test_a_wrong_setting_is_refused_at_once_and_not_repeated",
            f"{_ALIBABA}answers.py::test_the_token_stays_out_of_the_address",
        ),
    ),
)
