"""How the pull of each dataset fares."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sync_runs",
        sa.Column("connector", sa.Text, primary_key=True),
        sa.Column("dataset", sa.Text, primary_key=True),
        sa.Column("party", sa.Text),
        sa.Column("dead_letters", sa.Integer, nullable=False),
        sa.Column("running_until", sa.Text),
        sa.Column("failed_at", sa.Text),
        sa.Column("failure", sa.Text),
        sa.Column("retry_at", sa.Text),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("sync_runs")
