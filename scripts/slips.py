#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# How many slips do the tests notice? scripts/slips/*.toml lists one-line mistakes of the kind people make: off by one, a
# check that is dropped, a bit that is not cleared. A copy of the tree is built once with all of them, each behind a number
# that the environment variable SLIP chooses; then, slip by slip, the tests run from the nearest to the farthest until one
# fails. The product never contains any of this. `make slips`, or scripts/slips.py --only REGEX; hours for all of them.
import argparse
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass

from child import ROOT, stream

TREE = ROOT / ".build-slips/tree"
BUILD = ROOT / ".build-slips/build"
WANTED = 0.95  # of all slips
CHOOSER = """// SPDX-License-Identifier: Apache-2.0
import Glibc

private let chosenSlip = getenv("SLIP").map { atoi($0) } ?? 0
@usableFromInline func slipped(_ number: Int32) -> Bool { chosenSlip == number }
"""
# Folders that are one Swift module each, with the targets of the tests that are nearest to it.
MODULES = {
    "Sources/MQTT": "MQTTTests",
    "Sources/Reactor": "ReactorTests",
    "Sources/WebSocket": "WebSocketTests",
    "Sources/Config": "ConfigTests",
    "Sources/PluginKit": "PluginKitTests",
    "Sources/Broker": "BrokerTests",
    "Sources/Host": "HostTests|MetricsTests|MQTTClientTests|LoaderTests",
    "Plugins/ClusterLink": "ClusterLinkTests",
    "Plugins/ClusterLink/Exports": "ClusterLinkTests",
    "Plugins/FileACL/Rules": "FileACLTests",
    "Plugins/FileACL": "FileACLTests",
    "Plugins/PasswordAuth/Users": "PasswordAuthTests",
    "Plugins/PasswordAuth": "PasswordAuthTests",
}
BLACK_BOX = ("Conformance", "Interop", "Chaos")


@dataclass
class Slip:
    number: int
    file: str
    was: str
    now: str
    what: str
    after: str  # a text above `was`, where that stands several times in the file
    is_expression: bool  # although it is a whole line

    @property
    def module(self):
        return max((m for m in MODULES if self.file.startswith(m + "/")), key=len)

    def fits(self, text):
        """`text` with a choice between the two; None if `was` is not there exactly once."""
        start = text.find(self.after) if self.after else 0
        place = text.find(self.was, start)
        if start < 0 or place < 0 or (not self.after and text.find(self.was, place + 1) >= 0):
            return None
        line_start = text.rfind("\n", 0, place) + 1
        line_end = text.find("\n", place)
        is_statement = not self.is_expression and text[line_start:line_end].split("//")[0].strip() == self.was
        choice = f"slipped({self.number})"
        if is_statement:
            new = f"if {choice} {{ {self.now} }} else {{ {self.was} }}"
        else:
            new = f"({choice} ? ({self.now}) : ({self.was}))"
        return text[:place] + new + text[place + len(self.was):]


def read_slips():
    slips = []
    for path in sorted((ROOT / "scripts/slips").glob("*.toml")):
        for entry in tomllib.loads(path.read_text())["slip"]:
            slips.append(Slip(len(slips) + 1, entry["file"], entry["was"], entry["now"], entry["what"],
                              entry.get("after", ""), entry.get("is_expression", False)))
    return slips


def write(path, text):
    """Only what changed, so that the next build is short."""
    if not path.exists() or path.read_bytes() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


def plant(slips):
    """The copy of the tree with all slips in it. Exits with the names of those that fit nowhere."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    names = [name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]
    by_file, stray = {}, []
    for slip in slips:
        by_file.setdefault(slip.file, []).append(slip)
    for name in names:
        text = (ROOT / name).read_bytes()
        for slip in by_file.pop(name, []):
            changed = slip.fits(text.decode())
            if changed is None:
                stray.append(f"{name}: `{slip.was}` is not there, or not once ({slip.what})")
            else:
                text = changed.encode()
        write(TREE / name, text)
        if os.access(ROOT / name, os.X_OK):
            (TREE / name).chmod(0o755)
    stray += [f"{name}: there is no such file" for name in by_file]
    if stray:
        sys.exit("\n".join(stray) + "\nmend these in scripts/slips")
    for module in MODULES:
        write(TREE / module / "Slipped.swift", CHOOSER.encode())
    kept = {TREE / name for name in names} | {TREE / module / "Slipped.swift" for module in MODULES}
    for path in TREE.rglob("*"):
        if path.is_file() and path not in kept and ".venv" not in path.parts and "__pycache__" not in path.parts:
            path.unlink()
    if not (TREE / "Tests/.venv").exists():
        (TREE / "Tests/.venv").symlink_to(ROOT / "Tests/.venv")


def run(words, number, patience):
    """The status of a command under a slip, and what it printed; None if it hung and was ended."""
    environment = {"SLIP": str(number), "ISTHMUS": str(BUILD / "debug/isthmus"), "TEST_PATIENCE": "10"}
    status, lines = stream(words, lambda _: None, environment, TREE, patience)
    return (None if status == -signal.SIGKILL else status), "\n".join(lines)


def swift_tests(pattern):
    chosen = ["--filter", f"^({pattern})\\."] if pattern else []
    return ["swift", "test", "--skip-build", "--scratch-path", BUILD, *chosen]


def stages(module):
    """Commands from the nearest test to the farthest, each with the seconds of silence after which it hangs."""
    yield "its own tests", swift_tests(MODULES.get(module)), 240
    yield "all Swift tests", swift_tests(""), 600
    for folder in BLACK_BOX:
        yield folder, [sys.executable, "Tests/run.py", folder], 600


def failing_test(output):
    found = re.search(r"Test (?!run\b|case\b)(.+?) (?:failed after|recorded an issue)|^FAILED +(.+)$", output, re.M)
    return (found.group(1) or found.group(2)).strip() if found else "no test is named"


def notice(slip, is_near_only):
    """Who notices this slip, or None."""
    for name, words, patience in list(stages(slip.module))[:1 if is_near_only else None]:
        status, output = run(words, slip.number, patience)
        if status is None:
            return f"{name}: hangs"
        if status:
            return f"{name}: {failing_test(output)}"
    return None


def check_without_slips():
    """With none chosen all has to pass, or else every slip would be noticed."""
    for name, words, patience in list(stages(""))[1:]:
        status, output = run(words, 0, patience)
        print(f"no slip, {name}: {'passes' if status == 0 else 'FAILS'}", flush=True)
        if status != 0:
            sys.exit("\n".join(output.splitlines()[-40:]) + "\nthis fails without a slip: there is nothing to learn")


def main():
    parser = argparse.ArgumentParser(description="Plants slips and counts those that the tests notice.")
    parser.add_argument("--only", default="", metavar="REGEX", help="slips whose file or sentence matches")
    parser.add_argument("--list", action="store_true", help="say which there are, and check that each fits its file")
    parser.add_argument("--near", action="store_true", help="run only the tests of the module that a slip is in")
    parser.add_argument("--unchecked", action="store_true", help="do not run everything without a slip before")
    options = parser.parse_args()
    slips = read_slips()
    plant(slips)
    chosen = [s for s in slips if re.search(options.only, f"{s.file}: {s.what}")]
    if options.list:
        for slip in chosen:
            print(f"{slip.number:3} {slip.file}: {slip.what}")
        return
    if subprocess.run(["swift", "build", "--build-tests", "--scratch-path", BUILD], cwd=TREE, check=False).returncode:
        sys.exit("the tree with the slips does not build; see above which `now` does not fit")
    if not options.unchecked:
        check_without_slips()
    missed = []
    for slip in chosen:
        started = time.monotonic()
        by = notice(slip, options.near)
        if by is None:
            missed.append(slip)
        print(f"{slip.number:3} {'noticed' if by else 'MISSED '} {slip.file}: {slip.what} "
              f"({by or 'by nothing'}, {time.monotonic() - started:.0f} s)", flush=True)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} slips are noticed")
    for slip in missed:
        print(f"  not noticed: {slip.file}: {slip.what}: `{slip.was}` became `{slip.now}`")
    sys.exit(1 if len(chosen) - len(missed) < WANTED * len(chosen) else 0)


if __name__ == "__main__":
    main()
