"""Read a page of a client's orders off one index: it has every column that `Order` shows."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PLACE = ["client_id", "placed_at", "id", "party"]
_SHOWN = ["status", "status_raw", "total_minor", "currency"]


def upgrade() -> None:
    op.drop_index("ix_orders_client_id", "orders")
    op.create_index("ix_orders_client_id", "orders", [*_PLACE, *_SHOWN])


def downgrade() -> None:
    op.drop_index("ix_orders_client_id", "orders")
    op.create_index("ix_orders_client_id", "orders", _PLACE)
