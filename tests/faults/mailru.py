"""Faults of myTarget and Pandao, F31 to F44, as rows of the table of faults."""

from __future__ import annotations

from gateway.connector import Kind
from tests.faults.table import ONCE, WHOLE, Case, Outcome, Row, ends

ADVERTISED = ("users", "segments", "campaigns", "statistics")
_MEMBERS = {"path": "users.json", **ONCE}
_MAILRU = "tests/connectors/test_mailru_"
_TOKENS = f"{_MAILRU}tokens.py::"
_SENT = "tests/test_activations.py::test_"
_WORKED = "tests/test_activation_work.py::test_"

MAILRU = (
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
            f"{_WORKED}a_list_that_is_deleted_is_gone",
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
            f"{_WORKED}a_list_whose_answer_was_lost_is_found_and_not_sent_again",
            f"{_WORKED}a_list_that_may_have_been_made_and_is_not_there_is_uncertain",
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
)
