#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions of the release broker, row by row, and compares them with those that are stored.

What is counted is in instructions/rows.py, by what broker in instructions/broker.py, the stored counts are in
instructions/stored.json. Exit status 1 means that a row costs more than was stored.
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
OUTPUT = ROOT / ".build/instructions"
WARM_UP = 5  # rounds

# A broker under valgrind is tens of times slower; this only bounds a failure, and is read when Support is imported.
os.environ.setdefault("TEST_PATIENCE", "120")
sys.path.insert(0, str(ROOT / "Tests"))

from Support.broker import clean_up  # noqa: E402
from Support.wait import TestFailure  # noqa: E402
from instructions import rows, stored  # noqa: E402
from instructions.broker import CountedBroker, total  # noqa: E402


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Counts the broker's instructions (valgrind's callgrind) and compares "
                                     "them with instructions/stored.json. ISTHMUS in the environment: another broker.")
    parser.add_argument("--rows", metavar="NAMES", default="*", help="rows by name or shell pattern, comma-separated")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="rows at a time; the counts stay the same")
    parser.add_argument("--store", action="store_true", help="store the counts instead of comparing them")
    parser.add_argument("--list", action="store_true", help="list the rows and end")
    return parser.parse_args()


def build_preload() -> pathlib.Path:
    library = OUTPUT / "under_valgrind.so"
    command = ["cc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-shared", "-fPIC",
               "-o", library, HERE / "instructions/under_valgrind.c"]
    if subprocess.run(command, check=False).returncode:
        sys.exit("instructions/under_valgrind.c was not compiled; what the compiler said is above.")
    return library


def count(row: rows.Row, preload: pathlib.Path) -> float:
    """Instructions by unit of the row. What callgrind wrote is left in OUTPUT."""
    plugins, write_files = (rows.STOCK_PLUGINS, rows.write_plugin_files) if row.stock else ((), lambda _: "")
    broker = CountedBroker(row.name, preload, plugins, write_files)
    broker.start()
    one_round = row.prepare(broker)
    for _ in range(WARM_UP):
        one_round()
    broker.count()
    for _ in range(row.rounds):
        one_round()
    counts = shutil.copy(broker.dump(), OUTPUT / f"{row.name}.out")
    broker.stop()
    return total(counts) / (row.rounds * row.units)


def count_all(chosen: list[rows.Row], jobs: int) -> dict[str, float]:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    preload = build_preload()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        under_way = {row.name: pool.submit(count, row, preload) for row in chosen}
        try:
            return {name: future.result() for name, future in under_way.items()}
        except (TestFailure, OSError, subprocess.SubprocessError) as reason:
            pool.shutdown(cancel_futures=True)
            clean_up(keep=True)
            sys.exit(f"Nothing was counted: {reason}")


def compare(chosen: list[rows.Row], counts: dict[str, float]) -> int:
    versions, before = stored.read()
    sentences, failed = [], False
    for row in chosen:
        old, now = before.get(row.name), counts[row.name]
        verdict = stored.judge(row.name, row.unit, old, now)
        failed = failed or verdict.failed
        print(f"{row.name:24} {now:11,.1f} per {row.unit:14} {verdict.change}")
        if verdict.sentence:
            sentences.append(verdict.sentence)
    gone = stored.forgotten(before, [row.name for row in rows.ROWS])
    if sentences or gone:
        look = f"Where they are spent: callgrind_annotate {OUTPUT.relative_to(ROOT)}/ROW.out | swift demangle"
        sentences += gone + [stored.versions_differ(versions, stored.versions()), look]
    print("\n".join(sentence for sentence in sentences if sentence))
    return 1 if failed or gone else 0


def main() -> int:
    arguments = parse_arguments()
    try:
        chosen = rows.select(arguments.rows)
    except ValueError as reason:
        sys.exit(str(reason))
    if arguments.list:
        print("\n".join(row.name for row in chosen))
        return 0
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is not installed: apt-get install valgrind")
    counts = count_all(chosen, arguments.jobs)
    clean_up(keep=False)
    if arguments.store:
        _, before = stored.read()
        stored.write({row.name: counts.get(row.name, before.get(row.name)) for row in rows.ROWS
                      if row.name in counts or row.name in before})
        print(f"Stored in {stored.FILE.relative_to(ROOT)}.")
        return 0
    return compare(chosen, counts)


if __name__ == "__main__":
    sys.exit(main())
