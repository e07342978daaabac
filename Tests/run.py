#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Runs the black-box tests, all of them or some: Tests/run.py Conformance --only REGEX. Without --broker HOST:PORT or
# --mosquitto it starts .build/release/isthmus (or $ISTHMUS). `--report table` prints a Markdown table.
import argparse
import sys
import threading
import time

from Support import broker, comparison, ports, suite, transports

WHOLE = ("Conformance", "Interop", "Chaos")


class Context:
    def __init__(self, broker_, address):
        self.broker, self.address = broker_, address

    @staticmethod
    def pause(seconds):
        """The rhythm of a client that speaks now and then; never a wait for something to have happened."""
        threading.Event().wait(seconds)


def start_broker(options):
    """The broker under test, and the address at which it is tested."""
    if options.broker or options.mosquitto:
        server = broker.Remote(options.broker) if options.broker else broker.Mosquitto()
        return server, server.address
    # What never becomes a whole packet is closed after the idle time-out, which has to be shorter than our patience.
    more, address = "mqtt.idle_timeout = 3s\n", None
    if options.transport != "tcp":
        text, address = transports.listener(options.transport, ports.free_port(), broker.scratch("listener"))
        more += text
    server = broker.Isthmus("conformance", lambda port: broker.config(port, node="conformance", extra=more)).start()
    if address is None:
        return server, server.address
    transports.wait_until_open(address)
    return server, address


def table(results, title):
    known = comparison.read()
    print(f"| Behaviour | Rules | {title} | mosquitto 2.0.11 |\n| --- | --- | --- | --- |")
    for result in results:
        rules = " ".join(f"[{c}]" for c in result.behaviour.cites)
        version = result.name[result.name.find(" ("):] if " (" in result.name else ""
        print(f"| {result.behaviour.sentence}{version} | {rules} | "
              f"{'yes' if result.outcome == 'passed' else 'no'} | {comparison.verdict(known, result.name)} |")


def main():
    parser = argparse.ArgumentParser(description="Runs the black-box tests.")
    parser.add_argument("folders", nargs="*", default=[], help="of Tests/: Conformance, Interop, Chaos; default: all")
    parser.add_argument("--only", default="", metavar="REGEX", help="behaviours whose file:name matches")
    parser.add_argument("--broker", metavar="HOST:PORT", help="test a running broker (Conformance only)")
    parser.add_argument("--transport", choices=transports.KINDS, default="tcp",
                        help="how Conformance reaches the broker that is started here")
    parser.add_argument("--mosquitto", action="store_true", help="test a mosquitto, start it here (Conformance only)")
    parser.add_argument("--jobs", type=int, default=16, help="behaviours at a time")
    parser.add_argument("--report", choices=["lines", "table"], default="lines")
    parser.add_argument("--times", action="store_true", help="show the slowest ten")
    parser.add_argument("--write-known", action="store_true", help=f"write what came out into {comparison.FILE.name}")
    options = parser.parse_args()
    elsewhere = options.broker or options.mosquitto or options.transport != "tcp"
    folders = options.folders or (["Conformance"] if elsewhere else WHOLE)

    results, started, server, address = [], time.monotonic(), None, None
    for folder in folders:
        items = suite.load(folder, options.only)
        if server is None and items and folder != "Chaos":
            try:
                server, address = start_broker(options)
            except AssertionError as reason:
                broker.clean_up(keep=True)
                sys.exit(f"FAILED  the broker under test does not start: {reason}")
        jobs = options.jobs if folder == "Conformance" else min(4, options.jobs)
        found = suite.run(items, Context(server, address), jobs, options.report == "lines")
        if server is not None and not server.alive():
            print(f"FAILED  the broker itself did not survive:\n{server.tail()}")
            sys.exit(1)
        results += found
    if not results:
        sys.exit(f"no behaviour of {', '.join(folders)} matches {options.only!r}")
    failed = [r for r in results if r.outcome == "failed"]
    skipped = [r for r in results if r.outcome == "skipped"]
    if failed and server is not None and options.report == "lines":
        print(server.tail())
    broker.clean_up(keep=bool(failed) and options.report == "lines")
    if options.write_known:
        comparison.write(results)
    if options.report == "table":
        table(results, "mosquitto (here)" if options.mosquitto else options.broker or "Isthmus")
    if options.times:
        for result in sorted(results, key=lambda r: -r.seconds)[:10]:
            print(f"{result.seconds:6.2f} s  {result.name}")
    print(f"{'/'.join(folders)}: {len(results)} behaviours in {time.monotonic() - started:.1f} s"
          + (f", {len(skipped)} skipped" if skipped else ""))
    print(f"{len(results) - len(failed) - len(skipped)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
