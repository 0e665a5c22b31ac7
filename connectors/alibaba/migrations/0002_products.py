"""AliExpress's catalogue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "alibaba_0002"
down_revision = "alibaba_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "alibaba_products",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_raw", sa.Text(), nullable=False),
        sa.Column("lowest_minor", sa.BigInteger(), nullable=False),
        sa.Column("highest_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("image", sa.Text(), nullable=True),
        sa.Column("listed_at", sa.Text(), nullable=False),
        sa.Column("modified_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alibaba_products")),
    )
    op.create_index("ix_alibaba_products_party", "alibaba_products", ["party", "modified_at", "id"])
    op.create_index(
        "ix_alibaba_products_status", "alibaba_products", ["party", "status", "modified_at", "id"]
    )


def downgrade() -> None:
    """Take the table away."""
    op.drop_table("alibaba_products")
