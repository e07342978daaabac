#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Writes docs/conformance.md: every statement of MQTT 3.1.1 and 5.0 that binds a server, where the sources enforce it and
# which tests prove it. The statements are in Tests/Conformance/statements; the rest is read from citations, [MQTT-…]
# by the numbers of 5.0 and [MQTT3-…] by those of 3.1.1. `--check` says what is missing, unknown or stale. The second
# page, docs/conformance-mosquitto.md, sets the behaviours that the tests show beside what a mosquitto shows of them.
import argparse
import ast
import csv
import itertools
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests"))
from Support import comparison  # noqa: E402

PAGE = ROOT / "docs/conformance.md"
COMPARISON = ROOT / "docs/conformance-mosquitto.md"
STATEMENTS = ROOT / "Tests/Conformance/statements"
# The broker as a client of others keeps to the rules for clients, which are none of the server's.
NOT_THE_SERVER = ROOT / "Sources/Host/MQTTClient"
CITATION = re.compile(r"\[(MQTT3?-[\w.-]*)\]")
ALIKE = re.compile(r"\[MQTT3?-[^\]\n]*\]")
FUNCTION = re.compile(r"\bfunc (\w+|`[^`]+`)")
DECORATORS = {"behaviour": (None,), "both": (4, 5), "v3": (3,), "v4": (4,), "v5": (5,)}
BINDS = ("server", "both", "refused", "client")
CHAPTERS = {
    "1": "Data representation", "2": "Packet format", "3.1": "CONNECT", "3.2": "CONNACK", "3.3": "PUBLISH",
    "3.4": "PUBACK", "3.5": "PUBREC", "3.6": "PUBREL", "3.7": "PUBCOMP", "3.8": "SUBSCRIBE", "3.9": "SUBACK",
    "3.10": "UNSUBSCRIBE", "3.11": "UNSUBACK", "3.12": "PINGREQ", "3.14": "DISCONNECT", "3.15": "AUTH",
    "4": "Operational behaviour", "6": "WebSocket", "7": "Conformance",
}


class Statement:
    def __init__(self, row):
        self.id, self.binds, self.summary = row["statement"], row["binds"], row["summary"]
        self.same, self.exempt = (row.get("same in 5.0") or "").split(), row["exempt because"] or ""
        self.enforced, self.proved = [], []

    @property
    def chapter(self):
        number = self.id.split("-")[1].split(".")
        return ".".join(number[:2]) if number[0] == "3" else number[0]


class Citation:
    """Where a statement is cited; `versions`: those of MQTT that a test runs with, empty for none in particular."""

    def __init__(self, id_, path, line, label, versions=()):
        self.id, self.path, self.line, self.label, self.versions = id_, path, line, label, versions

    @property
    def place(self):
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def statements(name, problems):
    with open(STATEMENTS / name, newline="") as file:
        found = [Statement({k: v or "" for k, v in row.items()}) for row in csv.DictReader(file, delimiter="\t")]
    for one in found:
        if one.binds not in BINDS or not one.summary:
            problems.append(f"{name} says nothing useful of {one.id}: it needs one of {', '.join(BINDS)}, and a summary.")
    return found


def lines_of(folders, suffixes):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and ".venv" not in path.parts:
                yield path, path.read_text(encoding="utf-8").splitlines()


def in_text(path, lines, label, problems):
    for number, line in enumerate(lines, 1):
        for alike in ALIKE.findall(line):
            if not CITATION.fullmatch(alike):
                problems.append(f"{path.relative_to(ROOT)}:{number} cites {alike}, which is not [MQTT-1.2.3-4].")
        for id_ in CITATION.findall(line):
            yield Citation(id_, path, number, label(number))


def in_sources(problems):
    for path, lines in lines_of(["Sources", "Plugins"], {".swift", ".h", ".c"}):
        yield from in_text(path, lines, lambda number, path=path: f"{path.name}:{number}", problems)


def in_swift_tests(problems):
    """A comment in front of a test belongs to it, any other to the function it stands in."""
    for path, lines in lines_of(["Tests/Unit", "Tests/Component"], {".swift"}):
        if "Support" in path.parts:
            continue

        def function(number, lines=lines, path=path):
            after = list(itertools.takewhile(lambda l: l.lstrip().startswith(("//", "@")), lines[number - 1:]))
            candidates = lines[number - 1:number + len(after)] if after else []
            for line in candidates + lines[number - 1::-1]:
                if match := FUNCTION.search(line):
                    return match.group(1).strip("`")
            return path.stem
        yield from in_text(path, lines, function, problems)


def in_python_tests():
    """The arguments of @both, @v4, @v5 and @behaviour, also where they are called like a function."""
    for path, lines in lines_of(["Tests/Conformance", "Tests/Interop", "Tests/Chaos"], {".py"}):
        tree = ast.parse("\n".join(lines), str(path))
        decorated = {id(d): node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
                     for d in node.decorator_list}
        wrappers = {node.name: inner for node in tree.body if isinstance(node, ast.FunctionDef)
                    for inner in ast.walk(node) if isinstance(inner, ast.Call) and _decorator(inner)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = _decorator(node) or (_decorator(wrappers[node.func.id])
                                        if isinstance(node.func, ast.Name) and node.func.id in wrappers else None)
            if not name:
                continue
            versions = DECORATORS[name]
            for keyword in node.keywords:
                if keyword.arg == "versions":
                    literal = isinstance(keyword.value, ast.Tuple) and all(
                        isinstance(e, ast.Constant) for e in keyword.value.elts)
                    versions = tuple(e.value for e in keyword.value.elts) if literal else (4, 5)
            label = decorated.get(id(node), path.stem)
            for argument in node.args:
                if isinstance(argument, ast.Constant) and re.match(r"MQTT3?-\d", str(argument.value)):
                    yield Citation(argument.value, path, node.lineno, label, versions)


def _decorator(call):
    return call.func.id if isinstance(call.func, ast.Name) and call.func.id in DECORATORS else None


def in_decoder(problems):
    """What every black-box test shows: the test client refuses what a server must not send."""
    path = ROOT / "Tests/Support/mqtt.py"
    lines = path.read_text().splitlines()
    for one in in_text(path, lines, lambda _: "every answer", problems):
        one.versions = (4, 5)
        yield one


def assign(five, three, sources, tests, problems):
    """Each citation to its statement, and by way of `same` to that of 3.1.1."""
    known = {one.id: one for one in five + three}
    twins = {}
    for one in three:
        for id_ in one.same:
            twins.setdefault(id_, []).append(one)
            if id_ not in known:
                problems.append(f"mqtt-3.1.1.tsv says that {one.id} is the same as {id_}, which is no statement of 5.0.")
    for cite in sources + tests:
        if cite.id not in known:
            problems.append(f"{cite.place} cites {cite.id}, which is no statement of "
                            f"{'MQTT 3.1.1' if cite.id.startswith('MQTT3') else 'MQTT 5.0'}.")
            continue
        one, is_test = known[cite.id], cite in tests
        # A test of 3.1.1 alone that cites 5.0 shows what 3.1.1 says alike.
        if not is_test:
            one.enforced.append(cite)
        elif cite.id.startswith("MQTT3") or not cite.versions or 5 in cite.versions or None in cite.versions:
            one.proved.append(cite)
        for twin in twins.get(cite.id, []):
            if not is_test:
                twin.enforced.append(cite)
            elif not cite.versions or 4 in cite.versions or None in cite.versions:
                twin.proved.append(cite)


def lacking(one, citations):
    """None, or what of the statement is not cited: it stands for all of its equals in 5.0 unless cited itself."""
    cited = {c.id for c in citations}
    if one.id in cited or (one.same and cited.issuperset(one.same)):
        return None
    return " and ".join(s for s in one.same if s not in cited) or one.id


def link(cite, label, with_line):
    path = cite.path.relative_to(ROOT)
    return f"[{label}](../{path}{f'#L{cite.line}' if with_line else ''})"


def unique(links):
    return "<br>".join(dict.fromkeys(links))


def rows(chapter_statements):
    for one in chapter_statements:
        enforced = unique(link(c, c.label, True) for c in one.enforced)
        proved = unique(link(c, c.label, False) for c in one.proved)
        summary = one.summary + (f" *{one.exempt}*" if one.exempt else "")
        yield f"| {one.id.replace('MQTT3-', 'MQTT-')} | {summary} | {enforced or '–'} | {proved or '–'} |"


def page(versions):
    out = [
        "# Conformance", "",
        "Every normative statement of MQTT 3.1.1 and 5.0 that binds a server, where the sources enforce it and which",
        "tests prove it. `scripts/conformance.py` writes this page from the citations in sources and tests and the",
        "lists in [Tests/Conformance/statements](../Tests/Conformance/statements); `make test` fails when a statement",
        "has neither. The summaries are ours: the statements themselves are in Appendix B of the two specifications.",
        "What only a client can break is listed where a server has to refuse it. A line in italics says why a statement",
        "needs no enforcement here.", "",
        "[conformance-mosquitto.md](conformance-mosquitto.md) has what a client sees, side by side with mosquitto.", "",
        "| | statements | of these for a server | enforced | proved | exempt |", "| --- | --- | --- | --- | --- | --- |",
    ]
    for title, found in versions:
        served = [one for one in found if one.binds != "client"]
        out.append(f"| {title} | {len(found)} | {len(served)} | {sum(bool(o.enforced) for o in served)} | "
                   f"{sum(bool(o.proved) for o in served)} | {sum(bool(o.exempt) for o in served)} |")
    for title, found in versions:
        out += ["", f"## {title}"]
        served = [one for one in found if one.binds != "client"]
        for chapter, group in itertools.groupby(served, key=lambda one: one.chapter):
            out += ["", f"### {chapter} {CHAPTERS.get(chapter, '')}".rstrip(), "",
                    "| Statement | What it says | Enforced at | Proved by |", "| --- | --- | --- | --- |"]
            out += rows(group)
    return "\n".join(out) + "\n"


def without_lines(text):
    """The page without line numbers, which move with every change above them."""
    return re.sub(r"#L\d+", "", re.sub(r"(\.\w+):\d+\]", r"\1]", text))


def main():
    parser = argparse.ArgumentParser(description="Writes docs/conformance.md from the citations in sources and tests.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if something is missing or stale")
    options = parser.parse_args()
    problems = []
    five, three = statements("mqtt-5.0.tsv", problems), statements("mqtt-3.1.1.tsv", problems)
    everywhere = list(in_sources(problems))
    sources = [c for c in everywhere if NOT_THE_SERVER not in c.path.parents]
    tests = list(in_swift_tests(problems)) + list(in_python_tests()) + list(in_decoder(problems))
    known = {one.id for one in five + three}
    problems += [f"{c.place} cites {c.id}, which is no statement of MQTT." for c in everywhere
                 if c not in sources and c.id not in known]
    assign(five, three, sources, tests, problems)
    for one in (o for o in five + three if o.binds != "client" and not o.exempt):
        if missing := lacking(one, one.enforced):
            problems.append(f"{one.id} is not enforced: cite [{missing}] at the code that does. ({one.summary})")
        if missing := lacking(one, one.proved):
            problems.append(f"{one.id} is not proved: a test has to cite {missing}. ({one.summary})")
    for path, text in ((PAGE, page([("MQTT 5.0", five), ("MQTT 3.1.1", three)])), (COMPARISON, comparison.page())):
        if not options.check:
            path.write_text(text)
        elif not path.exists() or without_lines(path.read_text()) != without_lines(text):
            problems.append(f"{path.relative_to(ROOT)} is stale: run scripts/conformance.py and commit what it wrote.")
    for problem in problems:
        print(problem)
    counted = sum(one.binds != "client" for one in five + three)
    print(f"{counted} statements bind a server; {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
