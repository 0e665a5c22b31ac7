"""Narrowing: the one purpose of a token and the datasets it is for, as the request asks and the agreements allow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from sqlalchemy import Connection

from gateway.access.agreements import ANY_PURPOSE, Right, rights_of
from gateway.oauth.details import Datasets, InvalidAuthorizationDetails, by_party, read


class Narrowed(NamedTuple):
    """What a token is for: one purpose, and the datasets it is narrowed to, None where it is not."""

    purpose: str
    datasets: Datasets | None


def narrow(
    connection: Connection,
    form: Mapping[str, str],
    party: str,
    scopes: Collection[str],
    purposes: Sequence[str],
    held: Datasets | None = None,
) -> Narrowed:
    """What `purpose` and `authorization_details` in a request come to; by default the first of `purposes`, and `held`.

    `party` asks for a token of these `scopes`. `held` are the datasets of the authorization that the request follows
    from (RFC 9396, 6.1): fewer may be asked for, never more. Raises `InvalidRequestError` for a purpose that is none
    of `purposes`, and `InvalidAuthorizationDetails`.
    """
    purpose = form.get("purpose", purposes[0] if purposes else "")
    if purpose not in purposes:
        raise InvalidRequestError("The purpose is not one of the application's.")
    if "authorization_details" not in form:
        return Narrowed(purpose, held)
    asked = read(form["authorization_details"])
    if asked.purpose is not None and asked.purpose not in ([purpose] if "purpose" in form else purposes):
        raise InvalidAuthorizationDetails(
            "The purpose is not that of the request, or not one of the application's."
        )
    purpose = asked.purpose or purpose
    rights = [each for each in rights_of(connection, party) if held is None or _pair(each) in held]
    return Narrowed(purpose, within(asked.datasets, rights, purpose, scopes))


def within(asked: Datasets, rights: Iterable[Right], purpose: str, scopes: Collection[str]) -> Datasets:
    """The same datasets, if there is a right to each, for `purpose` and with `scopes`.

    Raises `InvalidAuthorizationDetails`, which says to what there is, and nothing of what else exists or others may.
    """
    may = {_pair(each) for each in rights if each.purpose in (ANY_PURPOSE, purpose) and each.scope in scopes}
    if not asked <= may:
        parts = [f"{party} {', '.join(datasets)}" for party, datasets in by_party(may)]
        raise InvalidAuthorizationDetails(
            f"For this purpose and with these scopes may be asked for: {'; '.join(parts) or 'nothing'}."
        )
    return asked


def _pair(right: Right) -> tuple[str, str]:
    return right.owner, right.dataset
