"""What an application may take of the gateway: documents of its own alone, cost in a minute, operations at a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("applications", sa.Column("trusted_only", sa.Integer, nullable=False, server_default="0"))
    op.add_column("applications", sa.Column("cost_per_minute", sa.Integer))
    op.add_column("applications", sa.Column("concurrency", sa.Integer))


def downgrade() -> None:
    for name in ("concurrency", "cost_per_minute", "trusted_only"):
        op.drop_column("applications", name)
