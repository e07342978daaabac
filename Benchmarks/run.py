#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures brokers side by side: builds the load generator, runs every row in interleaved rounds, writes the results.

What is measured is in driver/rows.py, which brokers in driver/brokers.py, how figures are read in driver/results.py.
Benchmarks/RESULTS.md is of a run of all rows; a QUICK one and one of some rows are written elsewhere.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import resource
import shlex
import signal
import subprocess
import sys

from driver import brokers, build, loops, report, results, rows, stock_plugins, targets
from driver.row import Row, VARIANTS

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
PARTIAL_RUNS = ROOT / ".build/bench"
SPARE_DESCRIPTORS = 200
RUN_SECONDS = 60  # on top of the measured time, until a run is given up


def parse_arguments() -> argparse.Namespace:
    quick = os.environ.get("QUICK", "") not in ("", "0")
    parser = argparse.ArgumentParser(
        description="Measures brokers side by side on this machine. QUICK=1 in the environment: fewer, shorter rounds, "
                    "and one size of a situation unless --rows says which.")
    parser.add_argument("--rows", metavar="NAMES", help="rows by name or shell pattern, comma-separated")
    parser.add_argument("--rounds", type=int, default=2 if quick else 5)
    parser.add_argument("--seconds", type=float, default=0.4 if quick else 0.6, help="measured time of one round")
    parser.add_argument("--warm-up", type=float, default=0.15, help="seconds before it")
    parser.add_argument("--brokers", metavar="NAMES", default="mosquitto,isthmus,isthmus-plugins,reference",
                        help="which to start: mosquitto, mosquitto-nagle, isthmus, isthmus-plugins (in its own chapter), "
                             "reference (default: all but the second)")
    parser.add_argument("--broker", metavar="NAME=HOST:PORT[@PID]", action="append", default=[],
                        help="one that runs already; may be repeated")
    parser.add_argument("--subject", metavar="NAME", default="isthmus", help="the broker that ratios and targets are of")
    parser.add_argument("--mosquitto", metavar="PATH", default="mosquitto")
    parser.add_argument("--isthmus", metavar="PATH", default=str(ROOT / ".build/release/isthmus"))
    parser.add_argument("--plugin-dir", metavar="DIR", default=str(ROOT / ".build/release"))
    parser.add_argument("--targets", metavar="FILE", default=str(HERE / "targets.json"),
                        help="wanted figures by row, as JSON (default: Benchmarks/targets.json)")
    parser.add_argument("--broker-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--output", metavar="DIR", help="where RESULTS.md and results.json go (default: Benchmarks for "
                        "all rows, else .build/bench)")
    parser.add_argument("--list", action="store_true", help="list the rows and end")
    arguments = parser.parse_args()
    arguments.quick = quick
    arguments.output = arguments.output or str(PARTIAL_RUNS if quick or arguments.rows else HERE)
    if arguments.rounds < 1 or arguments.seconds <= 0 or arguments.warm_up < 0:
        parser.error("--rounds must be at least 1, --seconds more than 0, --warm-up not negative")
    return arguments


def descriptor_limit() -> int:
    """Raises the limit of open files for this process and its children; returns it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else sys.maxsize


def chosen_brokers(arguments: argparse.Namespace) -> list[brokers.Broker]:
    makers = {
        "mosquitto": lambda: brokers.mosquitto(arguments.mosquitto),
        "mosquitto-nagle": lambda: brokers.mosquitto(arguments.mosquitto, "mosquitto-nagle", nodelay=False),
        "isthmus": lambda: brokers.isthmus(arguments.isthmus, arguments.plugin_dir),
        "isthmus-plugins": lambda: stock_plugins.isthmus_plugins(arguments.isthmus, arguments.plugin_dir),
        "reference": brokers.reference,
    }
    chosen = []
    for name in filter(None, arguments.brokers.split(",")):
        if name not in makers:
            sys.exit(f"There is no broker \"{name}\" to start; there are {', '.join(makers)} (others: --broker).")
        try:
            chosen.append(makers[name]())
        except brokers.BrokerError as error:
            print(f"Left out: {error}", file=sys.stderr)
    try:
        chosen += [brokers.external(text) for text in arguments.broker]
    except brokers.BrokerError as error:
        sys.exit(str(error))
    if len({broker.name for broker in chosen}) < len(chosen):
        sys.exit("Two brokers have the same name; give the one of --broker another.")
    if not chosen:
        sys.exit("No broker is left to measure.")
    return chosen


def measure(load: pathlib.Path, broker: brokers.Broker, row: Row, arguments: argparse.Namespace,
            cores: tuple[int, int] | None) -> dict:
    """One round of one broker in one row. Raises BrokerError with a sentence when there is no figure."""
    if loops.NEED in row.needs:
        one = dataclasses.replace(row, needs=row.needs - {loops.NEED})
        return loops.combine(measure_once(load, broker, one, arguments, cores, 1),
                             measure_once(load, broker, row, arguments, cores, 2))
    return measure_once(load, broker, row, arguments, cores, 1)


def measure_once(load: pathlib.Path, broker: brokers.Broker, row: Row, arguments: argparse.Namespace,
                 cores: tuple[int, int] | None, broker_cores: int) -> dict:
    """The figures of one broker process on the first `broker_cores` cores; the load generator has the second."""
    seconds = arguments.seconds * row.duration
    command = [str(load), row.mode, *row.arguments, "--seconds", str(seconds), "--warm-up", str(arguments.warm_up)]
    if cores:
        command += ["--core", str(cores[1])]
    timeout = seconds + arguments.warm_up + RUN_SECONDS
    if row.mode == "start":
        with broker.prepared(row.needs) as prepared:
            command += ["--broker-core", str(cores[0])] if cores else []
            command += ["--port", str(prepared.port), "--", *prepared.command]
            return run_load(command, timeout, prepared.folder)
    with broker.running(frozenset(cores[:broker_cores]) if cores else None, row.needs) as endpoint:
        command += ["--host", endpoint.host, "--port", str(endpoint.port)]
        if endpoint.login:
            command += ["--username", endpoint.login[0], "--password", endpoint.login[1]]
        return run_load(command + (["--broker-pid", str(endpoint.pid)] if endpoint.pid else []), timeout)


def run_load(command: list[str], timeout: float, folder: str | None = None) -> dict:
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True, cwd=folder,
                                timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise brokers.BrokerError("The load generator did not end in time.") from error
    if result.returncode != 0:
        raise brokers.BrokerError(result.stderr.strip() or f"The load generator ended with {result.returncode}.")
    return json.loads(result.stdout)


def measure_row(load: pathlib.Path, chosen: list[brokers.Broker], row: Row, arguments: argparse.Namespace,
                cores: tuple[int, int] | None) -> dict[str, results.Cell]:
    cells = {broker.name: results.Cell() for broker in chosen}
    able = [broker for broker in chosen if broker.can(row.needs)]
    for _ in range(min(arguments.rounds, row.rounds or arguments.rounds) * row.times):
        for broker in able:
            cell = cells[broker.name]
            try:
                cell.rounds.append(measure(load, broker, row, arguments, cores))
            except brokers.BrokerError as error:
                cell.failures.append(str(error))
                print(f"  {row.name}, {broker.name}: {error}", file=sys.stderr)
    return cells


def selected_rows(arguments: argparse.Namespace, known: list[Row]) -> list[Row]:
    if arguments.rows:
        return rows.select(known, arguments.rows)
    return [row for row in known if row.quick or not arguments.quick]


def main() -> int:
    arguments = parse_arguments()
    known = rows.all_rows(descriptor_limit() - SPARE_DESCRIPTORS)
    try:
        selected = selected_rows(arguments, known)
        wanted = targets.read(pathlib.Path(arguments.targets), known)
        if arguments.list:
            print("\n".join(f"{row.name:20} {row.chapter}: {row.title}" for row in selected))
            return 0
        load = build.load()
    except (ValueError, build.BuildError) as error:
        sys.exit(str(error))
    chosen = chosen_brokers(arguments)
    usable = os.sched_getaffinity(0)
    cores = (arguments.broker_core, arguments.load_core)
    if not set(cores) <= usable or cores[0] == cores[1]:
        print("Broker and load have no core each, so nothing is pinned: expect poor figures.", file=sys.stderr)
        cores = None

    tables = results.tables([broker.name for broker in chosen], arguments.subject, wanted)
    selected = [row for row in selected if row.chapter not in VARIANTS or len(tables[row.chapter].names) > 1]
    facts = {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "machine": report.machine(),
        "command": ("QUICK=1 " if arguments.quick else "") + shlex.join(["Benchmarks/run.py", *sys.argv[1:]]),
        "subject": arguments.subject, "rounds": arguments.rounds, "seconds": arguments.seconds,
        "pinning": f"broker on core {cores[0]}, load on core {cores[1]}" if cores else "nothing pinned",
        "brokers": {broker.name: {"version": broker.version, "settings": broker.settings} for broker in chosen},
    }
    measured = []
    for number, row in enumerate(selected, 1):
        measured.append((row, measure_row(load, chosen, row, arguments, cores)))
        print(f"[{number}/{len(selected)}] " + " | ".join(filter(None, tables[row.chapter].lines(*measured[-1])[0])), flush=True)
    for chapter, lines in report.chapters(tables, measured).items():
        print(f"\n{chapter}\n\n{results.as_text(lines)}")
    report.write(pathlib.Path(arguments.output), facts, tables, measured)
    print(f"\nWritten: {pathlib.Path(arguments.output, 'RESULTS.md')}")
    bad = any(cell.failures or cell.faulty() for _, cells in measured for cell in cells.values())
    return 1 if bad else 0


def stop(number, frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    # SIGINT too: a shell starts background jobs with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Interrupted; every process that was started has been ended.")
