"""What Mail.ru Group adds to the queries."""

from __future__ import annotations

import strawberry

from connectors.mailru.advertising import AdvertisingQuery
from connectors.mailru.products import PandaoQuery


@strawberry.type
class MailruQuery(AdvertisingQuery, PandaoQuery):
    """Queries about Pandao and about myTarget."""
