"""AliExpress's own faults, F01 to F30, as rows of the table of faults."""

from __future__ import annotations

from gateway.connector import Kind
from tests.faults.table import DIFFERS, LISTS, ONCE, WHOLE, Case, Row, ends

ORDERS = ("members", "orders")
_ORDERS = {"path": "solution.order.get"}
_ALIBABA = "tests/connectors/test_alibaba_"
_MAILRU = "tests/connectors/test_mailru_"
_DECLARED = f"{_ALIBABA}declared.py::"

ALIEXPRESS = (
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
)
