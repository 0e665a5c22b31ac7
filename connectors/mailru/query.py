"""Mail.ru Group's part of the roots: what can be asked, changed and followed."""

from __future__ import annotations

import strawberry

from connectors.mailru.activation import (
    ActivationQuery,
    activation_progress,
    started_activations,
)
from connectors.mailru.advertising import AdvertisingQuery
from connectors.mailru.products import PandaoQuery
from connectors.mailru.user_lists import SCOPE
from gateway.connector import Activation, batch, requires, subscription


@strawberry.type
class MailruQuery(ActivationQuery, AdvertisingQuery, PandaoQuery):
    """Queries about Pandao and about myTarget."""


@strawberry.type
class MailruMutation:
    """What Mail.ru Group adds to what can be changed."""

    activate_audience: Activation | None = batch(
        started_activations, requires=requires(["clients:read", SCOPE]), cost=500
    )


@strawberry.type
class MailruSubscription:
    """What Mail.ru Group adds to what can be followed."""

    activation_progress: Activation = subscription(activation_progress, requires=requires(SCOPE))
