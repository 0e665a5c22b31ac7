"""Pandao's orders, myTarget's segments."""

import sqlalchemy as sa
from alembic import op

revision = "mailru_0001"
down_revision = None
branch_labels = ("mailru",)
depends_on = "0001"


def upgrade() -> None:
    op.create_table(
        "mailru_orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text()),
        sa.PrimaryKeyConstraint("order_id", name="pk_mailru_orders"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_mailru_orders_order_id"),
    )
    op.create_table(
        "mailru_segments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mailru_segments"),
    )
    op.create_table(
        "mailru_segment_members",
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("segment_id", "account_id", name="pk_mailru_segment_members"),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["mailru_segments.id"], name="fk_mailru_segment_members_segment_id"
        ),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="fk_mailru_segment_members_client_id"),
        sqlite_with_rowid=False,
    )
    for column in ("account_id", "client_id"):
        op.create_index(f"ix_mailru_segment_members_{column}", "mailru_segment_members", [column])


def downgrade() -> None:
    for name in ("mailru_segment_members", "mailru_segments", "mailru_orders"):
        op.drop_table(name)
