"""Persisted documents: an operation that names its document gets the text; some applications may run no other."""

from __future__ import annotations

from dataclasses import replace

from graphql import GraphQLError

from gateway.access.trusted_documents import Trusted, TrustedDocuments, digest
from gateway.endpoint.automatic import Automatic
from gateway.endpoint.operations import Operation
from gateway.endpoint.refusals import not_trusted
from gateway.engine.documents import InvalidDocument
from gateway.errors import Refusal
from gateway.oauth.tokens import Caller


class Persisted:
    """The documents that operations may name: the trusted ones of their application, and those that it sent before."""

    def __init__(self, trusted: TrustedDocuments) -> None:
        self._trusted = trusted
        self._automatic = Automatic()

    def resolve(self, caller: Caller, operation: Operation) -> Operation:
        """The operation with its document. Raises `InvalidDocument` or `Refusal` where its caller may not run that."""
        trusted = self._trusted.of(caller.application)
        if operation.id is not None and not operation.document:
            return replace(operation, document=self._named(caller, trusted, operation.id))
        if trusted.only and digest(operation.document) not in trusted.by_hash:
            raise not_trusted()
        if operation.id is not None:
            _check_hash(trusted, operation.id, operation.document)
        return operation

    def hold(self, caller: Caller, operation: Operation) -> None:
        """Raise `Refusal` where an operation that goes on is none that its caller may run any more."""
        trusted = self._trusted.of(caller.application)
        if trusted.only and trusted.find(operation.id or digest(operation.document)) is None:
            raise not_trusted()

    def _named(self, caller: Caller, trusted: Trusted, id: str) -> str:
        found = trusted.find(id)
        if found is None and not trusted.only:
            found = self._automatic.get(caller.application, id.removeprefix("sha256:"))
        if found is None:
            # The words are those that clients look for before they send the text.
            raise InvalidDocument("PERSISTED_QUERY_NOT_FOUND", [GraphQLError("PersistedQueryNotFound")])
        return found

    def keep(self, caller: Caller, operation: Operation) -> None:
        """Keep the document of an operation that came with its hash, and proved valid."""
        if operation.id is None or not operation.document:
            return
        trusted = self._trusted.of(caller.application)
        if not trusted.only and trusted.find(operation.id) is None:
            self._automatic.keep(caller.application, operation.id, operation.document)


def _check_hash(trusted: Trusted, id: str, document: str) -> None:
    if digest(document) != id and trusted.by_id.get(id) != document:
        message = (
            "`sha256Hash` in `extensions.persistedQuery` is not the SHA-256 of `query`, in lower-case hex."
        )
        raise Refusal(400, "PERSISTED_QUERY_HASH_MISMATCH", message)
