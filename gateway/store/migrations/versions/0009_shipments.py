"""Shipments: parcels, the orders in them, their numbers, and what carriers say of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def upgrade() -> None:
    op.create_table(
        "shipments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tracking_number", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("carrier_raw", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(2)),
        sa.Column("destination", sa.String(2)),
        sa.Column("shipped_at", sa.Text()),
        sa.Column("value_minor", sa.BigInteger()),
        sa.Column("currency", sa.String(3)),
        sa.Column("weight_grams", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_shipments"),
    )
    op.create_index("ix_shipments_shipped_at", "shipments", ["shipped_at"])
    op.create_table(
        "shipment_orders",
        sa.Column("shipment_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shipment_id", "order_id", name="pk_shipment_orders"),
        key("shipment_orders", "shipment_id", "shipments.id"),
        key("shipment_orders", "order_id", "orders.id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_shipment_orders_order_id", "shipment_orders", ["order_id"])
    op.create_table(
        "shipment_numbers",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("shipment_id", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", "shipment_id", name="pk_shipment_numbers"),
        key("shipment_numbers", "shipment_id", "shipments.id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_shipment_numbers_shipment_id", "shipment_numbers", ["shipment_id"])
    op.create_table(
        "trackings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("shipment_id", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("status_raw", sa.Text()),
        sa.Column("weight_grams", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_trackings"),
        key("trackings", "shipment_id", "shipments.id"),
    )
    op.create_index("ix_trackings_shipment_id", "trackings", ["shipment_id"])
    op.create_table(
        "tracking_events",
        sa.Column("tracking_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("shipment_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.Text(), nullable=False),
        sa.Column("occurred_at_raw", sa.Text(), nullable=False),
        sa.Column("utc_offset", sa.String(6), nullable=False),
        sa.Column("zone_assumed", sa.Integer(), nullable=False),
        sa.Column("milestone", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("place", sa.Text()),
        sa.Column("country", sa.String(2)),
        sa.PrimaryKeyConstraint("tracking_id", "number", name="pk_tracking_events"),
        key("tracking_events", "tracking_id", "trackings.id"),
        key("tracking_events", "shipment_id", "shipments.id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_tracking_events_shipment_id", "tracking_events", ["shipment_id", "occurred_at", "milestone"]
    )


def downgrade() -> None:
    for name in ("tracking_events", "trackings", "shipment_numbers", "shipment_orders", "shipments"):
        op.drop_table(name)
