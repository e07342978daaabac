# SPDX-License-Identifier: Apache-2.0
"""The counts that are stored, and what is said of new ones beside them.

Knows nothing of brokers. Counts move a little with the compiler, the C library and the processor that it chooses its
functions for: they are compared all the same, and a difference of versions is said.
"""

import json
import pathlib
import platform
import re
import subprocess
from dataclasses import dataclass

FILE = pathlib.Path(__file__).with_name("stored.json")
TOLERANCE = 0.03
HOW_TO_STORE = "make instructions STORE=1"


@dataclass(frozen=True)
class Verdict:
    """Of one row; `sentence` is empty if there is nothing to say."""

    change: str
    failed: bool = False
    sentence: str = ""


def judge(name: str, unit: str, before: float | None, now: float) -> Verdict:
    if before is None:
        return Verdict("new", True, f"{name} has no stored count. To store it: {HOW_TO_STORE}")
    change = now / before - 1
    text = f"{change:+.1%}"
    if abs(change) <= TOLERANCE:
        return Verdict(text)
    figures = f"{name}: {now:,.1f} instructions per {unit} instead of {before:,.1f}, {abs(change):.1%}"
    if change > 0:
        return Verdict(text, True, f"{figures} more. If that is what it has to cost, store it: {HOW_TO_STORE}")
    return Verdict(text, False, f"{figures} fewer. Store the gain, so that it stays: {HOW_TO_STORE}")


def forgotten(stored: dict[str, float], names: list[str]) -> list[str]:
    """Sentences about counts of rows that there are no more."""
    return [f"{name} has a stored count, but is no row any more. To forget it: {HOW_TO_STORE}"
            for name in stored if name not in names]


def versions_differ(then: dict[str, str], here: dict[str, str]) -> str:
    differences = [f"{what} {then.get(what, 'unknown')}, here {version}"
                   for what, version in here.items() if then.get(what) != version]
    return f"The counts were stored with {'; '.join(differences)}: that alone may move them." if differences else ""


def versions() -> dict[str, str]:
    processor = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "Swift": _version("swift", "--version"),
        "Valgrind": _version("valgrind", "--version"),
        "C library": " ".join(platform.libc_ver()),
        "processor": processor.group(1) if processor else platform.machine(),
    }


def _version(*command: str) -> str:
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+(\.\d+)+", text)
    return found.group() if found else "unknown"


def read() -> tuple[dict[str, str], dict[str, float]]:
    """The versions and the counts by row."""
    if not FILE.exists():
        return {}, {}
    content = json.loads(FILE.read_text())
    return content["stored with"], content["instructions"]


def write(counts: dict[str, float]) -> None:
    content = {"stored with": versions(), "instructions": {name: round(count, 2) for name, count in counts.items()}}
    FILE.write_text(json.dumps(content, indent=2) + "\n")
