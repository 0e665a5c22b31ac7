"""Progress of syncs, as the database has it: whichever process pulled, the metrics know."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_DATASET = ["connector", "dataset"]


class SyncProgress(Collector):
    """How much was pulled of each dataset, how much of it could not be read, and when the last was kept."""

    def __init__(self, database: Path) -> None:
        self._address = f"file:{quote(str(database))}?mode=ro"

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families; none where the database cannot be read, for metrics of all else are wanted then."""
        try:
            with closing(sqlite3.connect(self._address, uri=True, timeout=2)) as database:
                pulled = database.execute(
                    "SELECT connector, dataset, records, pulled_at FROM sync_cursors"
                ).fetchall()
                unreadable = database.execute(
                    "SELECT connector, dataset, count(*) FROM dead_letters GROUP BY connector, dataset"
                ).fetchall()
        except sqlite3.Error:
            return
        records = GaugeMetricFamily(
            "gateway_sync_records", "Records pulled, since the first.", labels=_DATASET
        )
        moment = GaugeMetricFamily(
            "gateway_sync_timestamp_seconds",
            "When the last batch was kept, since the epoch.",
            labels=_DATASET,
        )
        letters = GaugeMetricFamily(
            "gateway_sync_unreadable_records",
            "Records of the last 30 days that are put aside because they cannot be read.",
            labels=_DATASET,
        )
        for connector, dataset, count, at in pulled:
            records.add_metric([connector, dataset], count)
            moment.add_metric([connector, dataset], datetime.fromisoformat(at).timestamp())
        for connector, dataset, count in unreadable:
            letters.add_metric([connector, dataset], count)
        yield from (records, moment, letters)
