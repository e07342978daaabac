#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# `make sanitize`: the tests that are after memory errors, built with AddressSanitizer, and those that are after data
# races, built with ThreadSanitizer; with `address` or `thread` one of them. A report of the sanitizer fails, whatever
# the tests say, and its beginning is shown. Exit status 1 if there was one, or if a test failed.
import shutil
import sys
import time
from dataclasses import dataclass

from child import ROOT, stream

SHOWN_LINES = 40  # of a report
SHOWN_REPORTS = 5


@dataclass(frozen=True)
class Sanitizer:
    kind: str  # as Swift knows it
    short: str
    options: str
    swift_tests: tuple[str, ...]  # targets of Package.swift; only these are built
    swift_skip: str  # a regular expression on TARGET.SUITE/TEST
    behaviours: dict[str, str]  # by folder of Tests/, a regular expression on FILE:NAME

    @property
    def folder(self):
        return ROOT / f".build-{self.short}"

    @property
    def swift_options(self):
        return ["--sanitize", self.kind, "--scratch-path", self.folder]

    def environment(self, logs):
        return {
            f"{self.short.upper()}_OPTIONS": f"log_path={logs}/report {self.options}",
            "TEST_TARGETS": ",".join(self.swift_tests),
            "ISTHMUS": str(self.folder / "debug/isthmus"),
            "ISTHMUS_NODE__EVENT_LOOPS": "4",
            "TEST_PATIENCE": "60",  # a broker that is watched is slow
        }


SANITIZERS = (
    # Whatever decodes bytes from outside: packets, frames, headers, terms, configs, rules, users, plugin files. A
    # signal stays one, since some tests load plugins that crash; a broker that does fails its test.
    Sanitizer(
        "address", "asan", "detect_leaks=0 handle_segv=0",
        ("MQTTTests", "WebSocketTests", "ConfigTests", "ClusterLinkTests", "FileACLTests", "PasswordAuthTests",
         "LoaderTests"), "",
        {"Conformance": "."}),
    # Whatever several threads do at a time: loops, mailboxes, sessions that move, groups and links across loops. A
    # stream and its TLS live on one loop; their tests compare megabytes byte by byte, which takes a minute here.
    Sanitizer(
        "thread", "tsan", "exitcode=0",
        ("ReactorTests",), r"^ReactorTests\.(StreamTests|TLSTests)/",
        {"Conformance": ".", "Interop": r"/(link_messages|link_interest|shared_subscriptions|reload)"}),
)


def step(title, words, environment):
    """Whether the command ended well; what it said is shown if not, and its last line if so."""
    started = time.monotonic()
    status, lines = stream(words, lambda _: None, environment)
    if status:
        print("\n".join(lines[-200:]))
    ending = f"status {status}" if status else lines[-1] if lines else "done"
    print(f"  {title}: {ending} ({time.monotonic() - started:.0f} s)", flush=True)
    return status == 0


def build(sanitizer, environment):
    """The broker, its plugins and the tests. Plugins find the sanitizer's functions in the program that loads them."""
    words = ["swift", "build", "--build-tests", *sanitizer.swift_options, "-Xlinker", "--export-dynamic"]
    if sanitizer.kind == "thread":
        seen = sanitizer.folder / "mutex_seen.o"
        compiler = ["clang", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-fPIC", "-c",
                    "-o", seen, "scripts/sanitizers/mutex_seen.c"]
        if not step("mutex_seen.c", compiler, environment):
            return False
        words += ["-Xlinker", seen]
    return step("build", words, environment)


def test(sanitizer, environment):
    swift = ["swift", "test", "--skip-build", *sanitizer.swift_options]
    skip = ["--skip", sanitizer.swift_skip] if sanitizer.swift_skip else []
    good = step("Swift tests", swift + skip, environment)
    for folder, pattern in sanitizer.behaviours.items():
        words = [sys.executable, "Tests/run.py", folder, "--only", pattern, "--jobs", "8"]
        good = step(folder, words, environment) and good
    return good


def reports(logs):
    """How many there are; the first lines of the first few are shown."""
    found = [path for path in sorted(logs.iterdir()) if path.stat().st_size]
    for path in found[:SHOWN_REPORTS]:
        lines = path.read_text(errors="replace").splitlines()
        print("\n".join([f"  {path.name}, {len(lines)} lines:", *(f"    {line}" for line in lines[:SHOWN_LINES])]))
    if found:
        print(f"  {len(found)} processes were reported in all; the reports are in {logs.relative_to(ROOT)}")
    return len(found)


def guard(sanitizer):
    print(f"--sanitize={sanitizer.kind}", flush=True)
    logs = sanitizer.folder / "reports"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    environment = sanitizer.environment(logs)
    good = build(sanitizer, environment) and test(sanitizer, environment)
    return reports(logs) == 0 and good


def main():
    kinds = [sanitizer.kind for sanitizer in SANITIZERS]
    wanted = sys.argv[1:] or kinds
    if not set(wanted) <= set(kinds):
        sys.exit(f"usage: {sys.argv[0]} [{'] ['.join(kinds)}]")
    good = [guard(sanitizer) for sanitizer in SANITIZERS if sanitizer.kind in wanted]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
