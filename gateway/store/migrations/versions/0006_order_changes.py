"""Changes of orders, for those who subscribe to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


# Whether a word is out of date is not asked here, for to ask the time costs more than all else that is done for a row.
LISTENED = "EXISTS (SELECT 1 FROM order_listeners)"

# All of an order but its client: who that is, is found out by linking, and not by what happened to the order.
SHOWN = (
    *("party", "account_id", "placed_at", "placed_at_raw", "modified_at"),
    *("status", "status_raw", "total_minor", "currency"),
)

NOTE = """
INSERT INTO order_changes (order_id, party, changed_at)
VALUES (NEW.id, NEW.party, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
"""


def upgrade() -> None:
    op.create_table(
        "order_changes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("changed_at", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "order_listeners",
        sa.Column("worker", sa.Text, primary_key=True),
        sa.Column("until", sa.Text, nullable=False),
    )
    old, new = (", ".join(f"{row}.{name}" for name in SHOWN) for row in ("OLD", "NEW"))
    op.execute(f"CREATE TRIGGER order_inserted AFTER INSERT ON orders WHEN {LISTENED} BEGIN {NOTE}; END")
    op.execute(
        f"CREATE TRIGGER order_updated AFTER UPDATE OF {', '.join(SHOWN)} ON orders "
        f"WHEN ({old}) IS NOT ({new}) AND {LISTENED} BEGIN {NOTE}; END"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER order_updated")
    op.execute("DROP TRIGGER order_inserted")
    op.drop_table("order_listeners")
    op.drop_table("order_changes")
