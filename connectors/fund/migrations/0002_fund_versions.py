"""Every version of a quarter is kept; statements and KPIs beside it. What there is becomes its only version."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "fund_0002"
down_revision = "fund_0001"
branch_labels = None
depends_on = None

FIGURES = ("commitment", "nav_begin", "contributions", "distributions", "gain", "nav")
LINES = (
    "nav_begin",
    "contributions",
    "distributions",
    "management_fees",
    "fee_offsets",
    "partnership_expenses",
    "facility_costs",
    "realised_gain",
    "unrealised_gain",
    "incentive_allocation",
    "nav",
)
POSITION = ["shareholder", "stake_bp", "currency", *(f"{name}_minor" for name in FIGURES)]
FLOW = ["kind", "number", "shareholder", "day", "amount_minor", "currency"]
REPORT = [
    "quarter",
    "version",
    "published_at",
    "currency",
    *(f"{name}_minor" for name in FIGURES),
    "gmv_minor",
]


def minor(names: tuple[str, ...]) -> list[sa.Column[Any]]:
    return [sa.Column(f"{name}_minor", sa.BigInteger(), nullable=False) for name in names]


def head() -> list[sa.Column[Any]]:
    return [
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        *minor(FIGURES),
        sa.Column("gmv_minor", sa.BigInteger()),
    ]


def position() -> list[sa.Column[Any]]:
    return [
        sa.Column("shareholder", sa.Text(), nullable=False),
        sa.Column("stake_bp", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        *minor(FIGURES),
    ]


def flow() -> list[sa.Column[Any]]:
    return [
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("shareholder", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
    ]


def of_report(name: str, by: str, *columns: sa.Column[Any], key: tuple[str, ...]) -> None:
    """A table whose rows go with a report, named in the column `by`."""
    parent = "fund_reports.id" if by == "report" else "fund_reports.quarter"
    op.create_table(
        name,
        sa.Column(by, sa.Text(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint(by, *key, name=f"pk_{name}"),
        sa.ForeignKeyConstraint([by], [parent], name=f"fk_{name}_{by}"),
        sqlite_with_rowid=False,
    )


def moved() -> None:
    """Put what there is aside; the names are free for tables of another form."""
    for name in ("fund_cash_flows", "fund_positions", "fund_reports"):
        op.execute(f"CREATE TEMP TABLE old_{name} AS SELECT * FROM {name}")  # noqa: S608
        op.drop_table(name)


def copied(name: str, into: str, columns: list[str], key: str, source: str) -> None:
    """Take what was put aside back in; `key` is a column or expression of it."""
    listed = ", ".join(columns)
    op.execute(f"INSERT INTO {name} ({into}, {listed}) SELECT {key}, {listed} FROM {source}")  # noqa: S608


def forgotten() -> None:
    for name in ("fund_cash_flows", "fund_positions", "fund_reports"):
        op.execute(f"DROP TABLE temp.old_{name}")


def upgrade() -> None:
    moved()
    op.create_table(
        "fund_reports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("quarter", sa.Text(), nullable=False),
        *head(),
        sa.PrimaryKeyConstraint("id", name="pk_fund_reports"),
    )
    op.create_index("ix_fund_reports_quarter", "fund_reports", ["quarter", "version"])
    of_report("fund_positions", "report", *position(), key=("shareholder",))
    of_report("fund_cash_flows", "report", *flow(), key=("kind", "number"))
    statement: list[sa.Column[Any]] = [
        sa.Column("shareholder", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        *minor(LINES),
    ]
    of_report("fund_statements", "report", *statement, key=("shareholder", "period"))
    kpi: list[sa.Column[Any]] = [
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("value", "unit", "zone")),
        *(sa.Column(name, sa.Text()) for name in ("rates_source", "rates_on")),
    ]
    of_report("fund_kpis", "report", *kpi, key=("name",))
    copied("fund_reports", "id", REPORT, "quarter || '/' || version", "temp.old_fund_reports")
    for name, columns in (("fund_positions", POSITION), ("fund_cash_flows", FLOW)):
        known = "(SELECT quarter, version FROM temp.old_fund_reports)"
        joined = f"temp.old_{name} JOIN {known} USING (quarter)"
        copied(name, "report", columns, "quarter || '/' || version", joined)
    forgotten()


def downgrade() -> None:
    """Only the newest version of each quarter is left."""
    op.drop_table("fund_kpis")
    op.drop_table("fund_statements")
    op.drop_index("ix_fund_reports_quarter", "fund_reports")
    moved()
    op.create_table(
        "fund_reports",
        sa.Column("quarter", sa.Text(), nullable=False),
        *head(),
        sa.PrimaryKeyConstraint("quarter", name="pk_fund_reports"),
    )
    of_report("fund_positions", "quarter", *position(), key=("shareholder",))
    of_report("fund_cash_flows", "quarter", *flow(), key=("kind", "number"))
    newest = "(SELECT *, max(version) FROM temp.old_fund_reports GROUP BY quarter)"
    copied("fund_reports", "quarter", REPORT[1:], "quarter", newest)
    for name, columns in (("fund_positions", POSITION), ("fund_cash_flows", FLOW)):
        known = "(SELECT quarter, id AS report, max(version) FROM temp.old_fund_reports GROUP BY quarter)"
        copied(name, "quarter", columns, "quarter", f"temp.old_{name} JOIN {known} USING (report)")
    forgotten()
