"""Metrics: what is counted of the gateway's work, for Prometheus. No label holds what a caller or a partner sent,
but for the bounded names of applications and operations (`labels.py`).

Workers count each for itself; `exposition.py` adds them up.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

registry = CollectorRegistry()

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

operations = Counter(
    "gateway_operations",
    "Operations that ran, by how they ended: ok, partial (errors beside data), failed (no data), refused, cancelled"
    " (the caller hung up).",
    ["party", "application", "operation", "type", "outcome"],
    registry=registry,
)
operation_seconds = Histogram(
    "gateway_operation_duration_seconds",
    "How long operations ran.",
    ["party", "application", "operation", "type"],
    buckets=_SECONDS,
    registry=registry,
)
cost_units = Counter(
    "gateway_cost_units",
    "Cost of the operations that ran: estimated before, actual as counted while they ran.",
    ["party", "application", "kind"],
    registry=registry,
)
refused_fields = Counter(
    "gateway_refused_fields",
    "Fields that were null because the token did not allow them.",
    ["party", "application"],
    registry=registry,
)
batches = Counter(
    "gateway_batches",
    "Calls of batch functions: one per level and field.",
    ["party", "application"],
    registry=registry,
)
rejections = Counter(
    "gateway_rejections",
    "Requests refused as a whole, by the code of the error.",
    ["code"],
    registry=registry,
)
masked = Counter("gateway_masked_errors", "Errors that were the gateway's own fault.", registry=registry)
in_flight = Gauge(
    "gateway_operations_in_flight",
    "Operations that are running.",
    registry=registry,
    multiprocess_mode="livesum",
)
subscriptions = Gauge(
    "gateway_subscriptions_open",
    "Subscriptions that are open.",
    registry=registry,
    multiprocess_mode="livesum",
)
turn_wait_seconds = Histogram(
    "gateway_turn_wait_seconds",
    "How long operations waited for their application's turn, when there was no place at once.",
    buckets=_SECONDS,
    registry=registry,
)
reader_wait_seconds = Histogram(
    "gateway_reader_wait_seconds",
    "How long operations waited for one of the callers' database connections, when none was idle.",
    buckets=_SECONDS,
    registry=registry,
)
partner_calls = Counter(
    "gateway_partner_calls",
    "Tries of calls to partners, by how they ended: ok, or the kind of failure.",
    ["connector", "call", "outcome"],
    registry=registry,
)
partner_call_seconds = Histogram(
    "gateway_partner_call_duration_seconds",
    "How long tries of calls to partners took.",
    ["connector", "call"],
    buckets=(*_SECONDS, 30),
    registry=registry,
)
partner_retries = Counter(
    "gateway_partner_retries",
    "Tries of calls to partners that repeated one which failed.",
    ["connector"],
    registry=registry,
)
partner_held_back = Counter(
    "gateway_partner_held_back",
    "Calls to partners that were not made: the circuit is open, too many are at work (busy), the quota is used up, or"
    " the deadline is too near.",
    ["connector", "reason"],
    registry=registry,
)
partner_shared = Counter(
    "gateway_partner_shared_calls",
    "Reads that joined one that was at work, or had been refused just before.",
    ["connector"],
    registry=registry,
)
partner_in_flight = Gauge(
    "gateway_partner_calls_in_flight",
    "Calls to partners that are at work.",
    ["connector"],
    registry=registry,
    multiprocess_mode="livesum",
)
partner_circuit = Gauge(
    "gateway_partner_circuit",
    "The circuit breaker of the worker for which it is worst: 0 closed, 1 half open, 2 open.",
    ["connector"],
    registry=registry,
    multiprocess_mode="livemax",
)
partner_quota_wait_seconds = Histogram(
    "gateway_partner_quota_wait_seconds",
    "How long calls waited for a partner's quota, when they had to.",
    ["connector"],
    buckets=(*_SECONDS, 30, 60),
    registry=registry,
)
webhook_messages = Counter(
    "gateway_webhook_messages",
    "Messages that came to webhooks, by what became of them: accepted, repeated, ignored (of nothing that is kept),"
    " unreadable, forged, late, unknown, method, crowded, too_large, unfinished, unkept (the database was busy).",
    ["connector", "outcome"],
    registry=registry,
)
partner_events = Counter(
    "gateway_partner_events",
    "Events of partners' messages, by what became of them: applied, old, asked (the partner was), unseen (it did not"
    " show them), failed (it could not be asked; they are tried again).",
    ["connector", "outcome"],
    registry=registry,
)
tokens = Counter(
    "gateway_tokens_issued", "Access tokens issued.", ["party", "application", "grant"], registry=registry
)
token_refusals = Counter(
    "gateway_token_refusals",
    "Requests that the token service refused, by error.",
    ["error"],
    registry=registry,
)
loop_lag_seconds = Histogram(
    "gateway_event_loop_lag_seconds",
    "How much later than asked for a worker's event loop woke up, asked four times a second.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
    registry=registry,
)
revocations_age_seconds = Gauge(
    "gateway_revocations_age_seconds",
    "Age of what the worker that is furthest behind knows of revoked tokens.",
    registry=registry,
    multiprocess_mode="livemax",
)
workers = Gauge("gateway_workers", "Processes that serve.", registry=registry, multiprocess_mode="livesum")
