"""The bank's payments."""

import sqlalchemy as sa
from alembic import op

revision = "bank_0001"
down_revision = None
branch_labels = ("bank",)
depends_on = "0001"


def upgrade() -> None:
    op.create_table(
        "bank_payments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.BigInteger()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_raw", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.Text()),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bank_payments"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="fk_bank_payments_client_id"),
    )
    op.create_index("ix_bank_payments_client_id", "bank_payments", ["client_id"])


def downgrade() -> None:
    op.drop_table("bank_payments")
