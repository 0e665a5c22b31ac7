"""Where a document about an identifier is found: well-known addresses (RFC 8615)."""

from __future__ import annotations

from urllib.parse import urlsplit

AUTHORIZATION_SERVER = "oauth-authorization-server"
"""RFC 8414, about an issuer."""

OPENID_PROVIDER = "openid-configuration"
"""OpenID Connect Discovery 1.0, about an issuer."""

PROTECTED_RESOURCE = "oauth-protected-resource"
"""RFC 9728, about a resource."""


def well_known(name: str, identifier: str) -> str:
    """The address of the document `name` about `identifier`, put in front of its path (RFC 8414, 3.1)."""
    parts = urlsplit(identifier)
    return parts._replace(path=f"/.well-known/{name}{parts.path}").geturl()
