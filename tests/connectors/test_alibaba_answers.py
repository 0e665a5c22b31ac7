"""Calls are signed without showing a secret; answers are told apart by what they say, not by their status."""

from __future__ import annotations

import orjson
import pytest

from connectors.alibaba.calls import Call, accepted
from connectors.alibaba.clocks import Clock
from connectors.alibaba.profiles import PROFILES, Route
from gateway.connector import Answer, Kind, PartnerError

METHOD = "aliexpress.solution.order.get"
SECRETIVE = "Anna <anna@example.org>"


def refused(**error: object) -> bytes:
    """An error body of `/sync`."""
    return orjson.dumps({"error_response": {"request_id": "1", **error}})


BAN = "Api access frequency exceeds the limit. this ban will last 1 seconds"


@pytest.mark.parametrize(
    ("body", "kind", "code", "wait"),
    [
        (refused(type="ISP", code="ApiCallLimit", msg=BAN), Kind.THROTTLED, "ApiCallLimit", 1.25),
        (
            refused(
                code=7,
                sub_code="accesscontrol.limited-by-app-access-count",
                sub_msg="This ban will last for 31062 more seconds",
            ),
            Kind.THROTTLED,
            "accesscontrol.limited-by-app-access-count",
            31062.25,
        ),
        (
            refused(type="SYSTEM", code="AppApiCallLimit", msg="slow down"),
            Kind.THROTTLED,
            "AppApiCallLimit",
            1.25,
        ),
        (
            refused(type="ISV", code="IllegalAccessToken", msg=SECRETIVE),
            Kind.AUTH,
            "IllegalAccessToken",
            None,
        ),
        (refused(type="SYSTEM", code="IncompleteSignature"), Kind.AUTH, "IncompleteSignature", None),
        (refused(code=27, sub_code="invalid-sessionkey"), Kind.AUTH, "invalid-sessionkey", None),
        (refused(code="invalid AppKey", msg=""), Kind.AUTH, "invalidAppKey", None),
        (refused(type="ISP", code="ServiceTimeout"), Kind.TRANSIENT, "ServiceTimeout", None),
        (refused(type="SYSTEM", code="Unavailable"), Kind.TRANSIENT, "Unavailable", None),
        (refused(code=15, sub_code="isp.system-busy"), Kind.TRANSIENT, "isp.system-busy", None),
        (
            refused(code=15, sub_code="isv.invalid-parameter:page_size"),
            Kind.BUSINESS,
            "isv.invalid-parameter:page_size",
            None,
        ),
        (
            refused(code=22, msg="TOP has been offline, please migrate to the new platform"),
            Kind.RETIRED,
            "22",
            None,
        ),
        (b"TOP has been offline, please migrate", Kind.RETIRED, None, None),
        (b"<html>gateway error</html>", Kind.TRANSIENT, None, None),
        (b"", Kind.TRANSIENT, None, None),
        (
            refused(type="ISV", code="MissingParameter", msg=SECRETIVE),
            Kind.BUSINESS,
            "MissingParameter",
            None,
        ),
        (refused(type="ISV", code=SECRETIVE), Kind.BUSINESS, None, None),
        (
            orjson.dumps({"type": "ISV", "code": "InvalidApiPath", "message": SECRETIVE}),
            Kind.BUSINESS,
            "InvalidApiPath",
            None,
        ),
        (b"[]", Kind.DRIFT, None, None),
        (b'<?xml version="1.0" ?><order_get_response/>', Kind.DRIFT, None, None),
        (refused(code=31, msg="Invalid timestamp"), Kind.AUTH, "31", None),
        (orjson.dumps({"aliexpress_solution_order_get_response": 7}), Kind.DRIFT, None, None),
    ],
)
def test_errors_within_success(body: bytes, kind: Kind, code: str | None, wait: float | None) -> None:
    """An error is known by its body, and its kind, code and wait go on; the partner's text does not."""
    with pytest.raises(PartnerError) as caught:
        accepted(METHOD, Answer(200, {}, body))
    error = caught.value
    assert (error.kind, error.code, error.retry_after) == (kind, code, wait)
    assert "nna" not in error.message


@pytest.mark.parametrize(
    "body",
    [
        {"aliexpress_solution_order_get_response": {"result": {"success": True}}},
        {"result": {"success": True}, "code": "0", "request_id": "1"},
    ],
)
def test_success_with_and_without_root(body: object) -> None:
    """The root key may be gone; a code of 0 is no error."""
    assert accepted(METHOD, Answer(200, {}, orjson.dumps(body)))["result"] == {"success": True}


@pytest.mark.parametrize("protocol", PROFILES)
def test_the_token_stays_out_of_the_address(protocol: str) -> None:
    """The token goes in the body; the secret goes nowhere."""
    settings = {"app_key": "123456", "app_secret": "helloworld"}
    asked = {"param0": {"current_page": 1}}
    request = Call(
        Route(PROFILES[protocol], "url"), settings, Clock(), METHOD, asked, "hidden-token"
    ).signed()
    assert "hidden-token" not in str(request.query)
    assert request.form is not None
    assert "hidden-token" in request.form.values()
    assert "helloworld" not in repr(request)
