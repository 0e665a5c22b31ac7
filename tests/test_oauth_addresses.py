"""Addresses: two are the same one exactly where RFC 3986 says so."""

from __future__ import annotations

import pytest

from gateway.oauth.addresses import normalised


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        ("HTTPS://A.B:443", "https://a.b/"),
        ("https://a.b:444/x/y/..", "https://a.b:444/x/"),
        ("https://a.b/./x/%7e%2f/.", "https://a.b/x/~%2F/"),
        ("https://a.b/../..", "https://a.b/"),
        ("https://u@a.b/x", "https://u@a.b/x"),
        ("http://a.b:443/", "http://a.b:443/"),
        *(
            (bad, None)
            for bad in (
                "",
                "x",
                "//a.b/",
                "ftp://a.b/",
                "https://",
                "https://[",
                "https://a.b/\tx",
                " https://a.b",
            )
        ),
        *((bad, None) for bad in ("https://a.b/%zz", "https://a.b/é", "https://a.b/\n")),
    ],
)
def test_addresses_have_one_normal_form(address: str, normal: str | None) -> None:
    """RFC 3986, 6.2.2 and 6.2.3; what is no address equals none."""
    assert normalised(address) == normal
