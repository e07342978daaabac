# SPDX-License-Identifier: Apache-2.0
"""What is measured: every row in the order of the tables.

A situation that is measured at several payload lengths has its first length in QUICK runs.
"""

import dataclasses
import fnmatch

from . import rows_messages, rows_state
from .row import IDLE, Row


def _connections(connections: int) -> list[Row]:
    return [
        Row("idle-10000", f"{connections:,} connections, one subscription each", "Connections", "idle",
            ("--connections", str(connections)), IDLE, quick=True),
    ]


# Of other chapters, measured with the stock plugins too; with True, in QUICK runs.
WITH_PLUGINS = {
    "qos0-1-1-16": True, "qos0-1-1-256": False, "qos0-1-100-16": False, "qos0-100-1-16": False, "qos0-pairs-16": False,
    "qos0-pairs-one-16": True, "qos1-1-1-16": True, "qos1-1-100-16": False, "qos2-1-1-16": False, "idle-10000": True,
}


def _plugins(rows: list[Row]) -> list[Row]:
    return [
        dataclasses.replace(row, name=f"plugins-{row.name}", chapter="With the stock plugins",
                            needs=row.needs | {"plugins"}, quick=WITH_PLUGINS[row.name])
        for row in rows if row.name in WITH_PLUGINS
    ]


def all_rows(connections: int) -> list[Row]:
    """Every row; `connections` is how many this machine can open at once."""
    many, some = min(connections, 10_000), min(connections, 2000)
    plain = [*rows_messages.messages(), *rows_messages.latency(), *_connections(many)]
    return [*plain, *rows_messages.tls(some), *rows_messages.websocket(many), *_plugins(plain),
            *rows_messages.fairness(), *rows_state.state_rows(connections)]


def select(rows: list[Row], patterns: str) -> list[Row]:
    """Rows whose name matches one of the comma-separated shell patterns."""
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    chosen = [row for row in rows if any(fnmatch.fnmatchcase(row.name, pattern) for pattern in wanted)]
    for pattern in wanted:
        if not any(fnmatch.fnmatchcase(row.name, pattern) for row in rows):
            raise ValueError(f"No row matches \"{pattern}\"; --list shows their names.")
    return chosen
