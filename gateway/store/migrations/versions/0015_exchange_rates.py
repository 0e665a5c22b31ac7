"""Exchange rates; the connector that brings them fills the table with those it has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_rates",
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("effective_on", sa.Text(), nullable=False),
        sa.Column("nominal", sa.Integer(), nullable=False),
        sa.Column("roubles", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("currency", "effective_on", name="pk_exchange_rates"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("exchange_rates")
