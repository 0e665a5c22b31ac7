"""myTarget's campaigns, banners and statistics, with every version there was of a day."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "mailru_0002"
down_revision = "mailru_0001"
branch_labels = None
depends_on = None

FIGURES = "party", "shows", "clicks", "goals", "spent_minor"

# A second word within a second takes the first one's place: nobody can have asked in between.
NOTE = (
    f"INSERT OR REPLACE INTO mailru_ad_versions (subject, day, known_at, {', '.join(FIGURES)}) "  # noqa: S608 - own names
    "VALUES (NEW.subject, NEW.day, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), "
    f"{', '.join(f'NEW.{name}' for name in FIGURES)})"
)


def upgrade() -> None:
    op.create_table(
        "mailru_campaigns",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_raw", sa.Text(), nullable=False),
        sa.Column("started_on", sa.Text(), nullable=False),
        sa.Column("ended_on", sa.Text()),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mailru_campaigns"),
    )
    op.create_index("ix_mailru_campaigns_party", "mailru_campaigns", ["party"])
    op.create_table(
        "mailru_campaign_segments",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "segment_id", name="pk_mailru_campaign_segments"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["mailru_campaigns.id"], name="fk_mailru_campaign_segments_campaign_id"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_mailru_campaign_segments_segment_id", "mailru_campaign_segments", ["segment_id"])
    op.create_table(
        "mailru_banners",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_raw", sa.Text(), nullable=False),
        sa.Column("moderation", sa.Text()),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mailru_banners"),
    )
    op.create_index("ix_mailru_banners_campaign_id", "mailru_banners", ["campaign_id"])
    _figures("mailru_ad_days", "subject", "day")
    _figures("mailru_ad_versions", "subject", "day", "known_at")
    old, new = (", ".join(f"{row}.{name}" for name in FIGURES) for row in ("OLD", "NEW"))
    op.execute(f"CREATE TRIGGER mailru_ad_day_inserted AFTER INSERT ON mailru_ad_days BEGIN {NOTE}; END")
    op.execute(
        "CREATE TRIGGER mailru_ad_day_restated AFTER UPDATE ON mailru_ad_days "
        f"WHEN ({old}) IS NOT ({new}) BEGIN {NOTE}; END"
    )


def _figures(name: str, *key: str) -> None:
    columns: list[Any] = [sa.Column(each, sa.Text(), nullable=False) for each in (*key, "party")]
    columns += [sa.Column(each, sa.BigInteger(), nullable=False) for each in FIGURES[1:]]
    op.create_table(name, *columns, sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"), sqlite_with_rowid=False)


def downgrade() -> None:
    op.execute("DROP TRIGGER mailru_ad_day_restated")
    op.execute("DROP TRIGGER mailru_ad_day_inserted")
    for name in (
        *("mailru_ad_versions", "mailru_ad_days", "mailru_banners"),
        *("mailru_campaign_segments", "mailru_campaigns"),
    ):
        op.drop_table(name)
