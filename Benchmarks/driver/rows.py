# SPDX-License-Identifier: Apache-2.0
"""What is measured: every row in the order of the tables.

A situation that is measured at several payload lengths has its first length in QUICK runs.
"""

import fnmatch

from . import rows_messages, rows_state
from .row import IDLE, Row


def _connections(connections: int) -> list[Row]:
    return [
        Row("idle-10000", f"{connections:,} connections, one subscription each", "Connections", "idle",
            ("--connections", str(connections)), IDLE, quick=True),
    ]


def all_rows(connections: int) -> list[Row]:
    """Every row; `connections` is how many this machine can open at once."""
    many, some = min(connections, 10_000), min(connections, 2000)
    return [*rows_messages.messages(), *rows_messages.latency(), *_connections(many), *rows_messages.tls(some),
            *rows_messages.websocket(many), *rows_messages.fairness(), *rows_state.state_rows(connections)]


def select(rows: list[Row], patterns: str) -> list[Row]:
    """Rows whose name matches one of the comma-separated shell patterns."""
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    chosen = [row for row in rows if any(fnmatch.fnmatchcase(row.name, pattern) for pattern in wanted)]
    for pattern in wanted:
        if not any(fnmatch.fnmatchcase(row.name, pattern) for row in rows):
            raise ValueError(f"No row matches \"{pattern}\"; --list shows their names.")
    return chosen
