#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what a message costs while something grows, and draws it: docs/growth/*.svg, shown by docs/growth.md.

What grows is in curves/measure.py. The figures are kept in docs/growth/figures.json: --draw makes the pictures of them
again.
"""

import argparse
import json
import os
import pathlib
import signal
import sys

import run as bench
from curves import measure, plot
from curves.client import ClientError
from driver import brokers, build, report

OUTPUT = bench.ROOT / "docs/growth"


def parse_arguments() -> argparse.Namespace:
    names = [curve.name for curve in measure.CURVES]
    parser = argparse.ArgumentParser(description="Measures and draws how costs grow.")
    parser.add_argument("--curves", metavar="NAMES", default=",".join(names), help=f"which (default: {','.join(names)})")
    parser.add_argument("--rounds", type=int, default=5, help="figures a point (default: 5)")
    parser.add_argument("--most", type=int, default=1_000_000, help="leave points beyond this out")
    parser.add_argument("--mosquitto", metavar="PATH", default="mosquitto")
    parser.add_argument("--isthmus", metavar="PATH", default=str(bench.ROOT / ".build/release/isthmus"))
    parser.add_argument("--plugin-dir", metavar="DIR", default=str(bench.ROOT / ".build/release"))
    parser.add_argument("--broker-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--output", metavar="DIR", default=str(OUTPUT))
    parser.add_argument("--draw", action="store_true", help="measure nothing, draw the figures that are there")
    arguments = parser.parse_args()
    arguments.curves = [name for name in arguments.curves.split(",") if name]
    for name in arguments.curves:
        if name not in names:
            parser.error(f"there is no curve \"{name}\"; there are {', '.join(names)}")
    if arguments.rounds < 1 or arguments.most < 1:
        parser.error("--rounds and --most must be at least 1")
    return arguments


def started(arguments: argparse.Namespace) -> dict[str, brokers.Broker]:
    found = {}
    for name, make in (("isthmus", lambda: brokers.isthmus(arguments.isthmus, arguments.plugin_dir)),
                       ("mosquitto", lambda: brokers.mosquitto(arguments.mosquitto))):
        try:
            found[name] = make()
        except brokers.BrokerError as error:
            print(f"Left out: {error}", file=sys.stderr)
    return found


def measure_curve(curve: measure.Curve, found: dict[str, brokers.Broker], run: measure.Run) -> list[dict]:
    lines = []
    for broker in found.values():
        for series in curve.series:
            if broker.name == "mosquitto" and not series.has_reference:
                continue
            figures = series.measure(broker, run)
            lines.append({"broker": broker.name, "series": series.label, "figures": figures})
            print(f"{curve.name}, {broker.name}{', ' * bool(series.label)}{series.label}: " + "  ".join(
                f"{plot.short(point)}: {sorted(rounds)[len(rounds) // 2]:.0f}" for point, rounds in figures.items()),
                flush=True)
    return lines


def drawing(curve: measure.Curve, lines: list[dict]) -> str:
    labels = [series.label for series in curve.series]
    drawn = []
    for line in lines:
        # Colours are Isthmus's, the reference is grey.
        kind = ("c" if line["broker"] == "isthmus" else "r") + str(labels.index(line["series"]))
        name = line["broker"] + (", " + line["series"] if line["series"] else "")
        drawn.append((kind, name, {int(point): rounds for point, rounds in line["figures"].items()}))
    return plot.draw(curve.title, curve.axis, curve.unit, curve.base, drawn)


def main() -> int:
    arguments = parse_arguments()
    output = pathlib.Path(arguments.output)
    output.mkdir(parents=True, exist_ok=True)
    kept = output / "figures.json"
    document = json.loads(kept.read_text()) if kept.exists() else {}
    chosen = [curve for curve in measure.CURVES if curve.name in arguments.curves]
    if not arguments.draw:
        limit = bench.descriptor_limit() - bench.SPARE_DESCRIPTORS
        found = started(arguments)
        cores = (arguments.broker_core, arguments.load_core)
        pinned = cores if set(cores) <= os.sched_getaffinity(0) and cores[0] != cores[1] else None
        run = measure.Run(arguments.rounds, arguments.most, limit, build.load(), pinned)
        for curve in chosen:
            document[curve.name] = {
                "machine": report.machine(), "versions": {name: broker.version for name, broker in found.items()},
                "lines": measure_curve(curve, found, run)}
            kept.write_text(json.dumps(document, indent=1) + "\n")
    for curve in chosen:
        if curve.name not in document:
            sys.exit(f"{kept} has no figures of \"{curve.name}\": measure them first.")
        (output / f"{curve.name}.svg").write_text(drawing(curve, document[curve.name]["lines"]))
    return 0


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, bench.stop)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Interrupted; every process that was started has been ended.")
    except (ClientError, OSError, brokers.BrokerError, build.BuildError) as error:
        sys.exit(f"No curve: {error}")
