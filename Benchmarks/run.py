#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures brokers side by side: builds the load generator, runs every row in interleaved rounds, writes the results.

What is measured is in driver/rows.py, which brokers in driver/brokers.py, how figures are read in driver/results.py.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import resource
import shlex
import signal
import subprocess
import sys

from driver import brokers, results, rows

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
IDLE_CONNECTIONS = 10_000
SPARE_DESCRIPTORS = 200
RUN_SECONDS = 60  # on top of the measured time, until a run is given up


def parse_arguments() -> argparse.Namespace:
    quick = os.environ.get("QUICK", "") not in ("", "0")
    parser = argparse.ArgumentParser(
        description="Measures brokers side by side on this machine. QUICK=1 in the environment: fewer, shorter rounds.")
    parser.add_argument("--rows", metavar="NAMES", default="*", help="rows by name or shell pattern, comma-separated")
    parser.add_argument("--rounds", type=int, default=2 if quick else 5)
    parser.add_argument("--seconds", type=float, default=0.6 if quick else 1.5, help="measured time of one round")
    parser.add_argument("--warm-up", type=float, default=0.2 if quick else 0.3, help="seconds before it")
    parser.add_argument("--brokers", metavar="NAMES", default="mosquitto,isthmus",
                        help="which to start: mosquitto, mosquitto-nagle, isthmus (default: mosquitto,isthmus)")
    parser.add_argument("--broker", metavar="NAME=HOST:PORT[@PID]", action="append", default=[],
                        help="one that runs already; may be repeated")
    parser.add_argument("--reference", metavar="NAME", default="mosquitto", help="the broker that ratios refer to")
    parser.add_argument("--mosquitto", metavar="PATH", default="mosquitto")
    parser.add_argument("--isthmus", metavar="PATH", default=str(ROOT / ".build/release/isthmus"))
    parser.add_argument("--plugin-dir", metavar="DIR", default=str(ROOT / ".build/release"))
    parser.add_argument("--targets", metavar="FILE", default=str(HERE / "targets.json"),
                        help="wanted ratios by row, as JSON (default: Benchmarks/targets.json, if it exists)")
    parser.add_argument("--broker-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--output", metavar="DIR", default=str(HERE), help="where RESULTS.md and results.json go")
    parser.add_argument("--list", action="store_true", help="list the rows and end")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.seconds <= 0 or arguments.warm_up < 0:
        parser.error("--rounds must be at least 1, --seconds more than 0, --warm-up not negative")
    return arguments


def build_load() -> pathlib.Path:
    """The load generator, compiled when a source is newer than it."""
    binary = ROOT / ".build/bench/load"
    sources = sorted((HERE / "load").glob("*.c"))
    newest = max(path.stat().st_mtime for path in (HERE / "load").iterdir())
    if not binary.exists() or binary.stat().st_mtime < newest:
        binary.parent.mkdir(parents=True, exist_ok=True)
        command = [os.environ.get("CC", "cc"), "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE",
                   "-pthread", "-o", str(binary), *map(str, sources), "-lssl", "-lcrypto"]
        if subprocess.run(command, check=False).returncode != 0:
            sys.exit("The load generator did not compile; see above.")
    return binary


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


def measure(load: pathlib.Path, broker: brokers.Broker, row: rows.Row, arguments: argparse.Namespace,
            cores: tuple[int, int] | None) -> dict:
    """One round of one broker in one row. Raises BrokerError with a sentence when there is no figure."""
    with broker.running(cores[0] if cores else None, row.tls) as endpoint:
        seconds = arguments.seconds * row.duration
        command = [str(load), row.mode, *row.arguments, "--host", endpoint.host,
                   "--port", str(endpoint.tls_port if row.tls else endpoint.port),
                   "--seconds", str(seconds), "--warm-up", str(arguments.warm_up)]
        if endpoint.pid:
            command += ["--broker-pid", str(endpoint.pid)]
        if cores:
            command += ["--core", str(cores[1])]
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True,
                                    timeout=seconds + arguments.warm_up + RUN_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise brokers.BrokerError("The load generator did not end in time.") from error
    if result.returncode != 0:
        raise brokers.BrokerError(result.stderr.strip() or f"The load generator ended with {result.returncode}.")
    return json.loads(result.stdout)


def measure_row(load: pathlib.Path, chosen: list[brokers.Broker], row: rows.Row, arguments: argparse.Namespace,
                cores: tuple[int, int] | None) -> dict[str, results.Cell]:
    cells = {broker.name: results.Cell() for broker in chosen}
    for _ in range(arguments.rounds):
        for broker in chosen:
            cell = cells[broker.name]
            try:
                cell.rounds.append(measure(load, broker, row, arguments, cores))
            except brokers.BrokerError as error:
                cell.failures.append(str(error))
                print(f"  {row.name}, {broker.name}: {error}", file=sys.stderr)
    return cells


def machine() -> str:
    model = platform.processor() or platform.machine()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{os.cpu_count()} cores, {model}, {platform.system()} {platform.release()} {platform.machine()}"


def write_results(folder: pathlib.Path, facts: dict, lines: list[list[str]], measured: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = [
        "# Benchmark results", "",
        "Written by `Benchmarks/run.py`; what the rows mean and how they are measured: [README.md](README.md). "
        "Figures depend on the machine: compare ratios.", "",
        f"- Date: {facts['date']}", f"- Machine: {facts['machine']}", f"- Command: `{facts['command']}`",
        f"- {facts['rounds']} interleaved rounds of {facts['seconds']} s; {facts['pinning']}",
        *[f"- {name}: {broker['version']} (`{broker['settings']}`)" for name, broker in facts["brokers"].items()], "",
        results.as_markdown(lines), "",
        "Medians over the rounds; spread = (largest − smallest) / median; CPU ns = CPU time of the broker per "
        "delivery, per connect in the connect row. Marks:", "",
        *[f"- {mark}: {meaning}" for mark, meaning in results.MARKS.items()],
    ]
    (folder / "RESULTS.md").write_text("\n".join(text) + "\n")
    document = {**facts, "rows": {
        name: {broker: {"rounds": cell.rounds, "failures": cell.failures} for broker, cell in cells.items()}
        for name, cells in measured.items()}}
    (folder / "results.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def read_targets(path: pathlib.Path, known: list[rows.Row]) -> dict[str, float]:
    if not path.exists():
        return {}
    targets = json.loads(path.read_text())
    names = {results.target_name(row, measure) for row in known for measure in row.measures}
    for name in targets:
        if name not in names:
            sys.exit(f"{path}: there is no row \"{name}\"; there are {', '.join(sorted(names))}.")
    return targets


def main() -> int:
    arguments = parse_arguments()
    connections = min(IDLE_CONNECTIONS, descriptor_limit() - SPARE_DESCRIPTORS)
    known = rows.all_rows(connections)
    if arguments.list:
        print("\n".join(f"{row.name:20} {row.title}" for row in known))
        return 0
    try:
        selected = rows.select(known, arguments.rows)
    except ValueError as error:
        sys.exit(str(error))
    chosen = chosen_brokers(arguments)
    targets = read_targets(pathlib.Path(arguments.targets), known)
    load = build_load()
    usable = os.sched_getaffinity(0)
    cores = (arguments.broker_core, arguments.load_core)
    if not set(cores) <= usable or cores[0] == cores[1]:
        print("Broker and load have no core each, so nothing is pinned: expect poor figures.", file=sys.stderr)
        cores = None

    table = results.Table([broker.name for broker in chosen], arguments.reference, targets)
    lines, measured = [table.header()], {}
    facts = {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "machine": machine(),
        "command": ("QUICK=1 " if os.environ.get("QUICK", "") not in ("", "0") else "")
        + shlex.join(["Benchmarks/run.py", *sys.argv[1:]]),
        "rounds": arguments.rounds, "seconds": arguments.seconds,
        "pinning": f"broker on core {cores[0]}, load on core {cores[1]}" if cores else "nothing pinned",
        "brokers": {broker.name: {"version": broker.version, "settings": broker.settings} for broker in chosen},
    }
    for number, row in enumerate(selected, 1):
        cells = measured[row.name] = measure_row(load, chosen, row, arguments, cores)
        new = table.lines(row, cells)
        lines += new
        print(f"[{number}/{len(selected)}] " + " | ".join(filter(None, new[0])), flush=True)
    print("\n" + results.as_text(lines))
    write_results(pathlib.Path(arguments.output), facts, lines, measured)
    bad = any(cell.failures or cell.faulty() for cells in measured.values() for cell in cells.values())
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
