"""Exchange rates."""

import sqlalchemy as sa
from alembic import op

revision = "cbr_0001"
down_revision = None
branch_labels = ("cbr",)
depends_on = "0001"


def upgrade() -> None:
    op.create_table(
        "cbr_rates",
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("effective_on", sa.Text(), nullable=False),
        sa.Column("nominal", sa.Integer(), nullable=False),
        sa.Column("roubles", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("currency", "effective_on", name="pk_cbr_rates"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("cbr_rates")
