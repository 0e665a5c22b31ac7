"""Signing keys: made once, kept from other eyes, published without their private half."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from gateway.errors import SettingsError
from gateway.oauth.keys import Keys, signing_keys


def test_the_key_is_made_once_however_many_workers_start(tmp_path: Path) -> None:
    """Two keys would mean that each worker refuses the other's tokens."""
    with ThreadPoolExecutor(8) as workers:
        made = list(workers.map(lambda _: signing_keys(tmp_path / "state"), range(16)))
    assert len({keys.current.thumbprint() for keys in made}) == 1
    assert [file.name for file in (tmp_path / "state").iterdir()] == ["signing-key.json"]


def test_only_the_owner_reads_the_key(tmp_path: Path) -> None:
    signing_keys(tmp_path)
    assert (tmp_path / "signing-key.json").stat().st_mode & 0o777 == 0o600


def test_the_published_set_names_each_key_and_holds_no_private_half(tmp_path: Path) -> None:
    """RFC 7517 and 7638: libraries pick the key by `kid`, `use` and `alg`."""
    keys = signing_keys(tmp_path)
    [public] = keys.public_set()["keys"]
    assert public.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (public["use"], public["alg"], public["crv"]) == ("sig", "ES256", "P-256")
    assert (
        public["kid"]
        == ECKey.import_key({name: public[name] for name in ("kty", "crv", "x", "y")}).thumbprint()
    )


def test_further_keys_verify_and_are_published_but_never_sign(tmp_path: Path) -> None:
    """Trap 1: from a set of keys joserfc signs with a random one; rotation needs exactly one that signs."""
    signing_keys(tmp_path)
    file = tmp_path / "signing-key.json"
    retired = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    content = json.loads(file.read_text())
    moments = {"since": int(time.time()), "due": int(time.time()) + 300}
    content["keys"].append({"state": "retired", "jwk": retired.as_dict(private=True), **moments})
    file.write_text(json.dumps(content))
    keys = signing_keys(tmp_path)
    assert isinstance(keys, Keys)
    assert keys.current.thumbprint() != retired.thumbprint()
    assert keys.find(retired.thumbprint()) is not None
    assert keys.find("unknown") is None
    assert {key["kid"] for key in keys.public_set()["keys"]} == {
        keys.current.thumbprint(),
        retired.thumbprint(),
    }
    assert all("d" not in key for key in keys.public_set()["keys"])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"keys": []}',
        '{"keys": [{"state": "current", "jwk": {"kty": "EC", "d": "canary"}}]}',
        '{"keys": [{"state": "canary", "jwk": {}}]}',
        "\\xff",
    ],
)
def test_a_damaged_file_stops_the_start_and_its_content_is_not_shown(tmp_path: Path, content: str) -> None:
    (tmp_path / "signing-key.json").write_text(content)
    with pytest.raises(SettingsError, match=r"signing-key\.json") as refused:
        signing_keys(tmp_path)
    assert "canary" not in str(refused.value)
