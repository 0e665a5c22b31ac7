"""Pandao's catalogue with its variants, and what was refunded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mailru_0003"
down_revision = "mailru_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mailru_products",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_raw", sa.Text(), nullable=False),
        sa.Column("image", sa.Text()),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("listed_at", sa.Text(), nullable=False),
        sa.Column("modified_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mailru_products"),
    )
    op.create_index("ix_mailru_products_party", "mailru_products", ["party", "modified_at", "id"])
    op.create_index("ix_mailru_products_status", "mailru_products", ["party", "status", "modified_at", "id"])
    op.create_table(
        "mailru_variants",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("color", sa.Text()),
        sa.Column("size", sa.Text()),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=False),
        sa.Column("stock", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mailru_variants"),
        sa.ForeignKeyConstraint(["product_id"], ["mailru_products.id"], name="fk_mailru_variants_product_id"),
    )
    op.create_index("ix_mailru_variants_product_id", "mailru_variants", ["product_id"])
    op.create_table(
        "mailru_refunds",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("refunded_at", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("seller_minor", sa.BigInteger()),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("order_id", "number", name="pk_mailru_refunds"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_mailru_refunds_order_id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for name in ("mailru_refunds", "mailru_variants", "mailru_products"):
        op.drop_table(name)
