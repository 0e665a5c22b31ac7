"""What AliExpress says of an order beyond what all partners say."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "alibaba_0001"
down_revision = None
branch_labels = ("alibaba",)
depends_on = "0001"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "alibaba_orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("logistics_status", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_alibaba_orders_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_alibaba_orders")),
    )


def downgrade() -> None:
    """Take the table away."""
    op.drop_table("alibaba_orders")
