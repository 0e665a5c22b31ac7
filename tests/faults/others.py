"""Faults of messages, parcels, rates and reports, F45 to F52, as rows of the table of faults."""

from __future__ import annotations

from gateway.connector import Kind
from tests.faults.table import Case, Row, aside, ends

_ALIBABA = "tests/connectors/test_alibaba_"

OTHERS = (
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
