"""Activations: a key is an application's own for each party that it acts for."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("uq_activations_application", "activations")
    op.create_index("uq_activations_key", "activations", ["party", "application", "key"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_activations_key", "activations")
    op.create_index("uq_activations_application", "activations", ["application", "key"], unique=True)
