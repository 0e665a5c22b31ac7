"""Failures: what becomes of an activation when its partner failed a call."""

from __future__ import annotations

from typing import Any

from gateway.activations.activations import ActivationState
from gateway.activations.deliveries import Delivery
from gateway.errors import Kind, PartnerError
from gateway.store.queries import Row


def after(error: PartnerError, row: Row, now: float, delivery: Delivery) -> dict[str, Any]:
    """The columns that change."""
    wait = {"due": now + max(error.retry_after or 0, delivery.interval)}
    if row.state != ActivationState.PLANNED.value:
        patient = error.retryable and now <= row.sent_at + delivery.patience
        return wait if patient else _ended(ActivationState.UNCERTAIN, error)
    if error.kind is Kind.THROTTLED or (error.unheard and error.retryable):
        return {**wait, "state": ActivationState.PLANNED.value, "sent": None, "sent_at": None}
    if error.kind in _SURE or error.unheard:
        return _ended(ActivationState.REFUSED, error)
    # It may have arrived: the row says that it is being sent, and the next step looks for it.
    return wait


_SURE = (Kind.AUTH, Kind.BUSINESS, Kind.RETIRED)
"""Refusals that leave no doubt that nothing was done."""


def _ended(state: ActivationState, error: PartnerError) -> dict[str, Any]:
    reason = f"PARTNER_{error.kind.value}"
    return {"state": state.value, "reason": f"{reason}: {error.code}" if error.code else reason}
