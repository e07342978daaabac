# SPDX-License-Identifier: Apache-2.0
"""From rounds to a table: medians, spread, marks, ratios, as text and as Markdown.

Knows the generator's JSON keys and nothing about processes.
"""

import statistics
from dataclasses import dataclass, field

from .row import CHAPTERS, Measure, Row, VARIANTS
from .targets import Targets, VALUE, name_of, verdicts

LOAD_BUSY = 0.95
BROKER_BUSY = 0.90
STARVED = 0.05
LATE_MICROSECONDS = 100
SPINNING = {"latency", "fairness", "slow", "start"}  # modes in which the generator is busy whatever the broker does

MARKS = {
    "L": "the load generator was the bottleneck (its core at 95 % or more, the broker's under 90 %): "
         "the broker can do more",
    "S": "starved: broker or generator waited for a core, or the hypervisor took it, more than 5 % of the time "
         "(latency rows: the generator was over 100 µs late at its p99)",
    "!": "messages were lost, out of order or refused in at least one round",
    "F": "at least one round failed",
}


@dataclass
class Cell:
    """All rounds of one broker in one row."""

    rounds: list[dict] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def median(self, key: str) -> float | None:
        return statistics.median(entry[key] for entry in self.rounds) if self.rounds else None

    def process_is_known(self) -> bool:
        """Whether the broker's process id was given: without it there is no figure of its CPU and memory."""
        return any(entry["broker_cpu"] > 0 for entry in self.rounds)

    def value(self, measure: Measure) -> float | None:
        return self.median(measure.key) if self.process_is_known() or not measure.of_process else None

    def spread(self, key: str) -> float:
        values = [entry[key] for entry in self.rounds]
        middle = statistics.median(values)
        return (max(values) - min(values)) / abs(middle) if middle else 0.0

    def marks(self, row: Row) -> str:
        often = len(self.rounds) / 2
        marks = ""
        if row.mode not in SPINNING and self.rounds and sum(map(_load_bound, self.rounds)) >= often:
            marks += "L"
        if self.rounds and sum(map(_starved, self.rounds)) >= often:
            marks += "S"
        if self.faulty():
            marks += "!"
        return marks + ("F" if self.failures else "")

    def faulty(self) -> bool:
        return any(entry["missing"] or entry["disorder"] or entry["refused"] for entry in self.rounds)


def _load_bound(entry: dict) -> bool:
    return entry["load_cpu"] >= LOAD_BUSY and entry["broker_cpu"] < BROKER_BUSY


def _starved(entry: dict) -> bool:
    if "late_p99" in entry and entry["late_p99"] > LATE_MICROSECONDS:
        return True
    waiting = (entry["stolen"], entry["broker_waiting"]) if "late_p99" in entry else (
        entry["stolen"], entry["broker_waiting"], entry["load_waiting"])
    return max(waiting) > STARVED


def quantity(value: float | None) -> str:
    """Three significant digits, thousands as k, millions as M."""
    if value is None:
        return "–"
    for limit, divisor, suffix in ((1e6, 1e6, " M"), (1e4, 1e3, " k")):
        if abs(value) >= limit:
            return f"{value / divisor:.3g}{suffix}" if value / divisor < 1000 else f"{value / divisor:.0f}{suffix}"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3g}"


class Table:
    """One line per measure: every broker's figure, the subject's CPU time, ratios and targets."""

    # The brokers that the subject is compared with, and how the column is headed.
    BASES = {"mosquitto": "× mosquitto", "reference": "of C", "isthmus": "of isthmus"}

    def __init__(self, names: list[str], subject: str, targets: Targets):
        self.names = names
        self.subject = subject
        self.targets = targets
        self.bases = [name for name in self.BASES if subject in names and name in names and name != subject]

    def header(self) -> list[str]:
        columns = ["Row", "Unit", *self.names]
        if self.subject in self.names:
            columns += [f"{self.subject} CPU ns", *(self.BASES[name] for name in self.bases)]
        return columns + (["Target"] if self.targets else [])

    def lines(self, row: Row, cells: dict[str, Cell]) -> list[list[str]]:
        return [self._line(row, measure, cells) for measure in row.measures]

    def _line(self, row: Row, measure: Measure, cells: dict[str, Cell]) -> list[str]:
        columns = [f"{row.title}: {measure.title}" if measure.title else row.title, measure.unit]
        columns += [_figure(row, measure, cells[name]) for name in self.names]
        reached: dict[str, float | None] = {}
        if self.subject in self.names:
            subject = cells[self.subject]
            value = reached[VALUE] = subject.value(measure)
            columns.append(_cpu(measure, subject))
            for name in self.bases:
                reached[name] = _ratio(value, cells[name].value(measure))
                columns.append("–" if reached[name] is None else f"{reached[name]:.2f}")
        if self.targets:
            columns.append(verdicts(measure, self.targets.get(name_of(row, measure), {}), reached))
        return columns


def tables(names: list[str], subject: str, targets: Targets) -> dict[str, Table]:
    """The table of each chapter: all brokers but variants, or a variant beside the subject."""
    variants = {chapter: subject + ending for chapter, ending in VARIANTS.items()}
    brokers = Table([name for name in names if name not in variants.values()], subject, targets)
    return {chapter: brokers for chapter in CHAPTERS} | {
        chapter: Table([name for name in (subject, variant) if name in names], variant, targets)
        for chapter, variant in variants.items()}


def _figure(row: Row, measure: Measure, cell: Cell) -> str:
    """The median, its spread and its marks."""
    value = cell.value(measure)
    if value is None:
        return "failed" if cell.failures else "–"
    marks = cell.marks(row)
    return f"{quantity(value)} ({cell.spread(measure.key):.0%})" + (f" {marks}" if marks else "")


def _cpu(measure: Measure, cell: Cell) -> str:
    return quantity(cell.median(measure.cpu_key)) if measure.cpu_key and cell.process_is_known() else ""


def _ratio(value: float | None, basis: float | None) -> float | None:
    return value / basis if value is not None and basis else None


def as_text(lines: list[list[str]]) -> str:
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) if i < 2 else text.rjust(width) for i, (text, width) in enumerate(zip(line, widths)))
        for line in lines)


def as_markdown(lines: list[list[str]]) -> str:
    rule = ["---" if i < 2 else "---:" for i in range(len(lines[0]))]
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])
