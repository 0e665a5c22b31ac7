"""Blocks of outside issuers; and indexes that find what is over without reading what is not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INDEXES = (
    ("authorizations", "created_at"),
    ("codes", "authorization_id"),
    ("codes", "expires_at"),
    ("refresh_tokens", "authorization_id"),
    ("refresh_tokens", "expires_at"),
    ("revocations", "revoked_at"),
    ("sessions", "expires_at"),
)


def upgrade() -> None:
    op.create_table(
        "blocks",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("blocked_at", sa.Text, nullable=False),
    )
    for table, column in INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    for table, column in INDEXES:
        op.drop_index(f"ix_{table}_{column}", table)
    op.drop_table("blocks")
