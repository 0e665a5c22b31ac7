"""Activations: the person and the authorization that an application acted by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COLUMNS = ("user_id", "authorization_id")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("activations", sa.Column(name, sa.Text))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("activations", name)
