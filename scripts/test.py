#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# `make test`: every check there is, one section after the other. A section says what failed in it; the failures come
# once more at the end, and the last line is the sum. The exit status is 1 if anything failed.
import re
import sys
import time

from child import SILENCE, stream

SUM = re.compile(r"^(\d+) passed, (\d+) failed$")
SWIFT_SUM = re.compile(r"Test run with (\d+) tests?\b.*? (passed|failed) after")
SWIFT_FAILED = re.compile(r"Test (?!run\b|case\b)(.+?) failed after")


class Report:
    def __init__(self):
        self.passed, self.failed, self.failures = 0, 0, []

    def add(self, passed, failures):
        self.passed += passed
        self.failed += len(failures)
        self.failures += failures


def heading(text):
    print(f"\n== {text} ==", flush=True)


def show(line):
    print(line, flush=True)


def hide(_):
    pass


def one_check(report, title, words, quiet=True, silence=SILENCE):
    """A command that passes or fails as a whole."""
    heading(title)
    started = time.monotonic()
    status, lines = stream(words, hide if quiet else show, silence=silence)
    if status and quiet:
        print("\n".join(lines[-200:]))
    print(f"{'passed' if status == 0 else f'FAILED with status {status}'} ({time.monotonic() - started:.0f} s)")
    report.add(status == 0, [] if status == 0 else [title])
    return status == 0


def swift_tests(report):
    heading("Swift tests")
    status, lines = stream(["swift", "test"], hide)
    runs = [match for line in lines if (match := SWIFT_SUM.search(line))]
    failures = sorted({match.group(1) for line in lines if (match := SWIFT_FAILED.search(line))})
    failures = [f for f in failures if not f.startswith("Suite ")]
    count = sum(int(run.group(1)) for run in runs)
    if status and not failures:
        failures = ["swift test did not come to its end" if not runs else "swift test"]
    if failures:
        print("\n".join(line for line in lines if "Passed" not in line and " passed after" not in line
                        and " started" not in line)[-20_000:])
    passed = max(count - len(failures), 0)
    print(f"{passed} passed, {len(failures)} failed")
    report.add(passed, [f"swift test: {name}" for name in failures])


def black_box(report, folder, transport="tcp"):
    heading(folder if transport == "tcp" else f"{folder} over {transport}")
    status, lines = stream([sys.executable, "Tests/run.py", folder, "--transport", transport], show)
    sums = [match for line in lines if (match := SUM.match(line))]
    failures = [line[len("FAILED"):].strip() for line in lines if line.startswith("FAILED ")]
    if not sums:
        failures = failures or [f"{folder} did not come to its end (status {status})"]
        report.add(0, failures)
        return
    failed = int(sums[-1].group(2))
    if len(failures) != failed:
        failures = (failures + [f"{folder}: a failure without a name"] * failed)[:failed]
    report.add(int(sums[-1].group(1)), failures)


def conclude(report):
    if report.failures:
        heading("What failed")
        for failure in report.failures:
            print(f"  {failure}")
    print(f"\n{report.passed} passed, {report.failed} failed")
    sys.exit(1 if report.failed else 0)


def main():
    report = Report()
    one_check(report, "Format", "swift format lint --strict -r Package.swift Sources Plugins Tests".split())
    if one_check(report, "Debug build", ["swift", "build", "--build-tests"]):
        swift_tests(report)
        one_check(report, "HOCON against another parser",
                  [sys.executable, "Tests/Interop/hocon_oracle.py", ".build/debug/hocon2json"])
        one_check(report, "Link terms against Erlang",
                  [sys.executable, "Tests/Interop/etf_live.py", ".build/debug/etftool"])
    if not one_check(report, "Release build", ["scripts/build.sh"]):
        conclude(report)
    one_check(report, "docs/configuration.md is what `isthmus settings` says",
              ["sh", "-c", ".build/release/isthmus settings | diff - docs/configuration.md"])
    one_check(report, "Every statement of MQTT is enforced and proved",
              [sys.executable, "scripts/conformance.py", "--check"])
    for folder in ("Conformance", "Interop", "Chaos"):
        black_box(report, folder)
    black_box(report, "Conformance", "wss")
    one_check(report, "Demo", [sys.executable, "scripts/demo.py"], quiet=False)
    one_check(report, "Benchmark tools", [sys.executable, "-m", "unittest", "discover", "-s", "Benchmarks/tests",
                                          "-t", "Benchmarks"])
    one_check(report, "Instruction counts", [sys.executable, "Benchmarks/count.py"], quiet=False)
    for kind, fault in (("address", "Memory errors"), ("thread", "Data races")):
        one_check(report, fault, [sys.executable, "scripts/sanitize.py", kind], quiet=False,
                  silence=3 * SILENCE)  # it watches each of its own commands, and says nothing while one runs
    conclude(report)


if __name__ == "__main__":
    main()
