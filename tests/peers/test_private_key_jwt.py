"""Services with a key instead of a secret: each peer signs its assertions in its own way, and is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from joserfc.jwk import RSAKey

from tests.peers.conftest import Peers
from tests.peers.peer import Refused, address, by_key
from tests.peers.served import ALGORITHMS, Served, checked, key

SIGNERS = ("authlib-requests", "authlib-httpx", "requests_oauth2client", "openid-client", "oauth4webapi")
ASKED: dict[str, Any] = {"parameters": {"scope": "clients:read"}}


@pytest.mark.parametrize("peer", SIGNERS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_gets_a_token_that_is_answered(served: Served, peers: Peers, peer: str, algorithm: str) -> None:
    given = by_key(f"signer-{algorithm.lower()}", algorithm)
    done = peers[peer].ask("client_credentials", **address(served), **given, **ASKED)
    checked(done["answer"])


@pytest.mark.parametrize("peer", [name for name in SIGNERS if name != "requests_oauth2client"])
def test_the_assertion_need_not_name_the_key(served: Served, peers: Peers, peer: str) -> None:
    given = by_key("signer-es256", "ES256", named=False)
    checked(peers[peer].ask("client_credentials", **address(served), **given, **ASKED)["answer"])


@pytest.mark.parametrize("peer", ["openid-client", "oauth4webapi"])
def test_these_name_the_issuer_alone_as_strict_applications_must(
    served: Served, peers: Peers, peer: str
) -> None:
    """What names the token endpoint could have been made for another server that gave out its address for its own."""
    done = peers[peer].ask("client_credentials", **address(served), **by_key("strict", "ES256"), **ASKED)
    checked(done["answer"])


@pytest.mark.parametrize("peer", ["authlib-requests", "authlib-httpx", "requests_oauth2client"])
def test_these_name_the_token_endpoint_and_are_refused_as_strict_applications(
    served: Served, peers: Peers, peer: str
) -> None:
    with pytest.raises(Refused) as caught:
        peers[peer].ask("client_credentials", **address(served), **by_key("strict", "ES256"), **ASKED)
    assert caught.value.code in ("invalid_client", "InvalidClient")


@pytest.mark.parametrize("peer", SIGNERS)
def test_a_key_that_is_not_the_applications_is_refused(served: Served, peers: Peers, peer: str) -> None:
    stranger = {**by_key("stranger", "ES256"), "id": "signer-es256"}
    with pytest.raises(Refused) as caught:
        peers[peer].ask("client_credentials", **address(served), **stranger, **ASKED)
    assert caught.value.code in ("invalid_client", "InvalidClient")


@pytest.mark.parametrize("peer", ["msal", "msal-node"])
def test_a_certificate_gets_a_token_that_is_answered(
    served: Served, peers: Peers, peer: str, tmp_path: Path
) -> None:
    """MSAL names its key by the thumbprint of a certificate, as Microsoft has it."""
    own = key("PS256", "signer-ps256")
    assert isinstance(own, RSAKey)
    certificate = _certificate(own)
    (tmp_path / "own.pfx").write_bytes(
        pkcs12.serialize_key_and_certificates(
            None, own.private_key, certificate, None, serialization.NoEncryption()
        )
    )
    given = {
        "id": "signer-ps256",
        "pfx": str(tmp_path / "own.pfx"),
        "pem": own.as_pem(private=True).decode(),
        "thumbprint": certificate.fingerprint(hashes.SHA256()).hex(),
    }
    checked(peers[peer].ask("client_credentials", **address(served), **given, **ASKED)["answer"])


def _certificate(own: RSAKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signer-ps256")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, own.public_key, x509.random_serial_number())
    made = made.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return made.sign(own.private_key, hashes.SHA256())
