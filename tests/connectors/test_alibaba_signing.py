"""Signatures: every vector that the partner, its SDKs' tests, or a recomputation of both gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from connectors.alibaba.signing import sign_hmac, sign_md5, sign_sha256, texts

SECRET = "helloworld"

TOP = {
    "app_key": "12345678",
    "session": "test",
    "timestamp": "2016-01-01 12:00:00",
    "format": "json",
    "v": "2.0",
}
SELLER = TOP | {
    "method": "taobao.item.seller.get",
    "fields": "num_iid,title,nick,price,num",
    "num_iid": "11223344",
}
FULFILL = TOP | {
    "method": "aliexpress.solution.order.fulfill",
    "partner_id": "top-sdk-php-20180326",
    "service_name": "SPAIN_LOCAL_CORREOS",
    "out_ref": "1000006270175804",
    "send_type": "all",
    "logisitics_no": "ES2019COM0000123456",
}
ORDERS = TOP | {"method": "aliexpress.solution.order.get"}
WANTED = {
    "create_date_start": "2018-09-11 00:00:00",
    "current_page": 1,
    "order_status": "WAIT_SELLER_SEND_GOODS",
    "page_size": 20,
}
IOP = {"sign_method": "sha256", "timestamp": "1517820392000"}
CODE = IOP | {"app_key": "12345678", "code": "3_500102_JxZ05Ux3cnnSSUm6dCxYg6Q26"}
LOGISTICS = IOP | {
    "app_key": "123456",
    "access_token": "test",
    "aliexpress_category_id": "200135143",
    "method": "aliexpress.logistics.redefining.getonlinelogisticsinfo",
}
AFFILIATE = IOP | {"app_key": "12345678", "method": "aliexpress.affiliate.category.get"}
LAZADA = IOP | {"app_key": "123456", "access_token": "test", "order_id": "1234"}
FILE = {"document": b"%PDF-1.4"}


@pytest.mark.parametrize(
    ("sign", "parameters", "expected"),
    [
        pytest.param(sign_md5, SELLER, "66987CB115214E59E6EC978214934FB8", id="S1"),
        pytest.param(sign_hmac, SELLER, "D56D7858309C31B6251083A874D48273", id="S2"),
        pytest.param(sign_md5, FULFILL, "4BC79C5FAA1B5E254E95A97E65BACEAB", id="S3"),
        pytest.param(sign_hmac, FULFILL, "497FA7FCAD98F4F335EFAE2451F8291D", id="S4"),
        pytest.param(sign_md5, FULFILL | FILE, "4BC79C5FAA1B5E254E95A97E65BACEAB", id="S5 after S3"),
        pytest.param(sign_hmac, FULFILL | FILE, "497FA7FCAD98F4F335EFAE2451F8291D", id="S5 after S4"),
        pytest.param(
            sign_md5, ORDERS | {"description": "Чехол 手机"}, "CDC8A079B28C04520B9D4D05A629C63B", id="S10"
        ),
        pytest.param(sign_md5, ORDERS | {"simplify": True}, "F5EFFB4857C3908A2D4BAD087A8955F3", id="S11"),
        pytest.param(sign_md5, ORDERS | {"param0": WANTED}, "DB9D6CF608EDD75983839CAA658DD0C4", id="S12"),
        pytest.param(sign_hmac, ORDERS | {"param0": WANTED}, "C5B07BEA98A261B8783F0F32BB5EE8B7", id="S13"),
    ],
)
def test_top(
    sign: Callable[[Mapping[str, str | bytes], str], str], parameters: Mapping[str, object], expected: str
) -> None:
    """TOP's two methods sign as published; booleans are words, objects JSON, files not signed."""
    method = {sign_md5: "md5", sign_hmac: "hmac"}[sign]
    files = {name: value for name, value in parameters.items() if isinstance(value, bytes)}
    plain = {name: value for name, value in parameters.items() if name not in files}
    assert sign({**texts(plain), **files, "sign_method": method}, SECRET) == expected


@pytest.mark.parametrize(
    ("parameters", "path", "expected"),
    [
        pytest.param(
            CODE,
            "/auth/token/create",
            "35607762342831B6A417A0DED84B79C05FEFBF116969C48AD6DC00279A9F4D81",
            id="S6",
        ),
        pytest.param(
            LOGISTICS, "", "F7F7926B67316C9D1E8E15F7E66940ED3059B1638C497D77973F30046EFB5BBB", id="S7"
        ),
        pytest.param(
            AFFILIATE, "", "F3ABBAB059750C3CD6D341A2FDA939ECB0FA892120E9196270ED67D6EC1511DD", id="S8"
        ),
        pytest.param(
            LAZADA, "/order/get", "4190D32361CFB9581350222F345CB77F3B19F0E31D162316848A2C1FFD5FAB4A", id="S9"
        ),
    ],
)
def test_iop(parameters: Mapping[str, str], path: str, expected: str) -> None:
    """IOP signs business methods without a path and system calls behind theirs."""
    assert sign_sha256(parameters, SECRET, path) == expected


@pytest.mark.parametrize("extra", [{"sign": "ANYTHING"}, {"memo": ""}, {"": "unnamed"}])
def test_what_is_not_signed(extra: Mapping[str, str]) -> None:
    """The signature itself, empty values and empty names change nothing."""
    assert sign_sha256(AFFILIATE | extra, SECRET) == sign_sha256(AFFILIATE, SECRET)


def test_nothing_is_no_parameter() -> None:
    """What is None is neither sent nor signed."""
    assert texts({"order_status": None, "page": 2}) == {"page": "2"}
