"""What affiliates earn on AliExpress's orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "alibaba_0003"
down_revision = "alibaba_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "alibaba_commissions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_raw", sa.Text(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=True),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("new_buyer", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alibaba_commissions")),
    )
    op.create_index("ix_alibaba_commissions_order_id", "alibaba_commissions", ["order_id"])


def downgrade() -> None:
    """Take the table away."""
    op.drop_table("alibaba_commissions")
