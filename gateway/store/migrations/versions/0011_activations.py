"""Activations: audiences on their way to partners."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TEXTS = (
    *("party", "application", "key", "digest", "connector", "recipient", "purpose"),
    *("name", "by", "wanted", "scopes"),
)


def upgrade() -> None:
    op.create_table(
        "activations",
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in TEXTS),
        sa.Column("datasets", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("reason", "partner_state", "partner_id")),
        *(sa.Column(name, sa.BigInteger) for name in ("sent", "coverage")),
        sa.Column("looks", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("created_at", "updated_at")),
        *(sa.Column(name, sa.Float) for name in ("sent_at", "due")),
        sa.Column("worker", sa.Text),
        sa.Column("lease", sa.Float),
    )
    op.create_index("uq_activations_application", "activations", ["application", "key"], unique=True)
    op.create_index("ix_activations_due", "activations", ["due"])


def downgrade() -> None:
    op.drop_table("activations")
