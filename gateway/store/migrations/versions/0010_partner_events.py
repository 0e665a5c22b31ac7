"""Events of partners' messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "partner_events",
        sa.Column("connector", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("happened_at", sa.Text, nullable=False),
        sa.Column("status", sa.Text),
        sa.Column("status_raw", sa.Text),
        sa.Column("due_at", sa.Text),
        sa.Column("tries", sa.Integer),
        sa.Column("done_at", sa.Text),
        sa.Column("outcome", sa.Text),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_partner_events_open",
        "partner_events",
        ["connector", "happened_at"],
        sqlite_where=sa.text("done_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("partner_events")
