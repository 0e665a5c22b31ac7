"""The fund's reports, positions and payments."""

import sqlalchemy as sa
from alembic import op

revision = "fund_0001"
down_revision = None
branch_labels = ("fund",)
depends_on = "0001"

FIGURES = ("commitment", "nav_begin", "contributions", "distributions", "gain", "nav")


def figures() -> list[sa.Column[int]]:
    return [sa.Column(f"{name}_minor", sa.BigInteger(), nullable=False) for name in FIGURES]


def of_report(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["quarter"], ["fund_reports.quarter"], name=f"fk_{table}_quarter")


def upgrade() -> None:
    op.create_table(
        "fund_reports",
        sa.Column("quarter", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        *figures(),
        sa.Column("gmv_minor", sa.BigInteger()),
        sa.PrimaryKeyConstraint("quarter", name="pk_fund_reports"),
    )
    op.create_table(
        "fund_positions",
        sa.Column("quarter", sa.Text(), nullable=False),
        sa.Column("shareholder", sa.Text(), nullable=False),
        sa.Column("stake_bp", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        *figures(),
        sa.PrimaryKeyConstraint("quarter", "shareholder", name="pk_fund_positions"),
        of_report("fund_positions"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fund_cash_flows",
        sa.Column("quarter", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("shareholder", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.PrimaryKeyConstraint("quarter", "kind", "number", name="pk_fund_cash_flows"),
        of_report("fund_cash_flows"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for name in ("fund_cash_flows", "fund_positions", "fund_reports"):
        op.drop_table(name)
