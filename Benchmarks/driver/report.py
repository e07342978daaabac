# SPDX-License-Identifier: Apache-2.0
"""A run as files: RESULTS.md has a table for each chapter, results.json every round.

A file is of one run, the one it names: figures of two runs are never mixed.
"""

import json
import os
import pathlib
import platform

from . import results
from .row import CHAPTERS, Row


def machine() -> str:
    model = platform.processor() or platform.machine()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{os.cpu_count()} cores, {model}, {platform.system()} {platform.release()} {platform.machine()}"


def chapters(tables: dict[str, results.Table], measured: list[tuple[Row, dict[str, results.Cell]]]) -> dict[str, list[list[str]]]:
    """The lines of each chapter that has rows, with the header in front."""
    by_chapter = {}
    for chapter in CHAPTERS:
        lines = [line for row, cells in measured if row.chapter == chapter for line in tables[chapter].lines(row, cells)]
        if lines:
            by_chapter[chapter] = [tables[chapter].header(), *lines]
    return by_chapter


def write(folder: pathlib.Path, facts: dict, tables: dict[str, results.Table],
          measured: list[tuple[Row, dict[str, results.Cell]]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = [
        "# Benchmark results", "",
        "Written by `Benchmarks/run.py`; what the rows mean and how they are measured: [README.md](README.md). "
        "Figures depend on the machine: compare ratios.", "",
        f"- Date: {facts['date']}", f"- Machine: {facts['machine']}", f"- Command: `{facts['command']}`",
        f"- {facts['rounds']} interleaved rounds of {facts['seconds']} s; {facts['pinning']}",
        *[f"- {name}: {broker['version']} (`{broker['settings']}`)" for name, broker in facts["brokers"].items()], "",
        "Medians over the rounds, in brackets the spread, (largest − smallest) / median; CPU ns = CPU time of the broker "
        f"per delivery, per connect in rows of connections. Ratios are of {facts['subject']}: to mosquitto, and to what "
        "one core can do at best (\"of C\", the reference broker); with the stock plugins, to the same without them. Marks:", "",
        *[f"- {mark}: {meaning}" for mark, meaning in results.MARKS.items()],
        "- –: the broker does not have what the row needs",
    ]
    for chapter, lines in chapters(tables, measured).items():
        text += ["", f"## {chapter}", "", results.as_markdown(lines)]
    (folder / "RESULTS.md").write_text("\n".join(text) + "\n")
    document = {**facts, "rows": {
        row.name: {broker: {"rounds": cell.rounds, "failures": cell.failures} for broker, cell in cells.items()}
        for row, cells in measured}}
    (folder / "results.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
