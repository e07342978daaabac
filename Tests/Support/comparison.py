# SPDX-License-Identifier: Apache-2.0
# What another broker shows of the behaviours of Conformance: measured by `Tests/run.py --mosquitto --write-known`, kept
# in a JSON file by the names of the behaviours, and set beside ours in docs/conformance-mosquitto.md.
import itertools
import json
import re

from . import suite

FILE = suite.TESTS / "Conformance/mosquitto-2.0.11.json"
VERSIONS = {3: "3.1", 4: "3.1.1", 5: "5.0"}


def note(result):
    """What is kept of a result."""
    if result.outcome == "passed":
        return "yes"
    lines = [line.strip() for line in result.note.strip().splitlines()]
    # Of many faults in one behaviour the worst stands first.
    what = f"{lines[0]} {lines[1]}" if len(lines) > 1 and lines[0].endswith(":") else "".join(lines[:1])
    return f"{result.outcome}: {re.sub(r'^line [0-9?]+: ', '', what)}"


def write(results):
    FILE.write_text(json.dumps({r.name: note(r) for r in sorted(results, key=lambda r: r.name)}, indent=1) + "\n")


def read():
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def verdict(known, name):
    kept = known.get(name)
    if kept is None:
        return "not tested"
    if kept == "yes":
        return "yes"
    if kept.startswith("skipped"):
        return "does not apply"
    return "closes without a code" if "closed without a reason code" in kept else "no"


def text(words):
    return words.replace("|", "\\|").replace("<", "&lt;")


def page():
    """docs/conformance-mosquitto.md. Ours is always yes: `make test` fails where it is not."""
    known, items = read(), suite.load("Conformance")
    counts = {}
    chapters = []
    for chapter, group in itertools.groupby(items, key=lambda item: item[0].file.split("/")[1]):
        rows = []
        for _, runs in itertools.groupby(group, key=lambda item: id(item[0])):
            runs = list(runs)
            behaviour, verdicts = runs[0][0], {}
            for _, version in runs:
                one = verdict(known, behaviour.name(version))
                counts[one] = counts.get(one, 0) + 1
                verdicts.setdefault(one, []).append(VERSIONS.get(version, ""))
            rules = " ".join(c.replace("MQTT3-", "3.1.1: ").replace("MQTT-", "") for c in behaviour.cites)
            rows += [f"| {text(behaviour.sentence)} | {', '.join(v)} | {rules} | yes | {one} |"
                     for one, v in verdicts.items()]
        chapters += ["", f"## {chapter.replace('_', ' ')}", "",
                     "| Behaviour | MQTT | Statements | Isthmus | mosquitto 2.0.11 |", "| --- | --- | --- | --- | --- |"]
        chapters += rows
    sums = ", ".join(f"{count} × {one}" for one, count in sorted(counts.items(), key=lambda c: -c[1]))
    return "\n".join([
        "# Conformance, side by side with mosquitto", "",
        "What a client sees, byte by byte: every behaviour of [Tests/Conformance](../Tests/Conformance), shown by Isthmus",
        "and by the mosquitto 2.0.11 of Debian 12 in its default configuration. For Isthmus the answer is always yes, or",
        "`make test` fails. The other column is what `Tests/run.py --mosquitto --write-known` measured, and",
        "[mosquitto-2.0.11.json](../Tests/Conformance/mosquitto-2.0.11.json) says what happened instead. *Closes without a",
        "code*: the connection ends as it must, but an MQTT 5 client is not told why, which the specification recommends",
        "and does not demand. A no is not always a fault: some behaviours go further than the specification.", "",
        f"Of {len(items)} (behaviours times versions) mosquitto shows: {sums}.",
        *chapters]) + "\n"
