"""The rates move into the gateway's own table of them."""

import sqlalchemy as sa
from alembic import op

revision = "cbr_0002"
down_revision = "cbr_0001"
branch_labels = None
depends_on = "0015"

_MOVE = "INSERT INTO {} SELECT currency, effective_on, nominal, roubles FROM {}"


def upgrade() -> None:
    op.execute(_MOVE.format("exchange_rates", "cbr_rates"))
    op.drop_table("cbr_rates")


def downgrade() -> None:
    op.create_table(
        "cbr_rates",
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("effective_on", sa.Text(), nullable=False),
        sa.Column("nominal", sa.Integer(), nullable=False),
        sa.Column("roubles", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("currency", "effective_on", name="pk_cbr_rates"),
        sqlite_with_rowid=False,
    )
    op.execute(_MOVE.format("cbr_rates", "exchange_rates"))
