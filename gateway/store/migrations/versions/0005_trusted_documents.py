"""Trusted documents of applications; of each a number that grows when its documents change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trusted_documents",
        sa.Column("application", sa.Text, sa.ForeignKey("applications.id"), primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("registered_at", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.add_column(
        "applications", sa.Column("documents_version", sa.Integer, nullable=False, server_default="0")
    )


def downgrade() -> None:
    op.drop_column("applications", "documents_version")
    op.drop_table("trusted_documents")
