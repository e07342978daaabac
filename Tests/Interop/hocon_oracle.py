#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what hocon2json makes of every valid corpus file with an independent HOCON implementation.

Needs: pip install hocon-parser==1.14.2 (chosen over pyhocon, which gets quoted key parts, escapes and booleans in
joined strings wrong). Where EMQX's HOCON differs from the specification, or the other parser is wrong, the file starts
with a comment that says why and has the expected result beside it as NAME.json; then that file is the judge.

    python3 Tests/Interop/hocon_oracle.py .build/debug/hocon2json
"""

import json
import pathlib
import subprocess
import sys

import hocon

CORPUS = pathlib.Path(__file__).resolve().parent.parent / "Corpus" / "hocon" / "valid"


def ours(tool: str, path: pathlib.Path):
    run = subprocess.run([tool, str(path)], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise ValueError(run.stderr.strip())
    return json.loads(run.stdout)


def normal(value):
    """1 and 1.0 are the same number, 1 and true are not the same value, halves of a surrogate pair are one character."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, (int, float)):
        return ("number", float(value))
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, dict):
        return {key: normal(item) for key, item in value.items()}
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    return value


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    agree, judged, failures = 0, 0, []
    for path in sorted(CORPUS.glob("*.conf")):
        expected_file = path.with_suffix(".json")
        try:
            result = normal(ours(sys.argv[1], path))
            if expected_file.exists():
                expected = normal(json.loads(expected_file.read_text(encoding="utf-8")))
                judged += 1
            else:
                expected = normal(hocon.parse_file(str(path)).to_object())
                agree += 1
            if result != expected:
                failures.append(f"{path.name}:\n    ours     {result}\n    expected {expected}")
        except Exception as error:  # pylint: disable=broad-exception-caught
            failures.append(f"{path.name}: {type(error).__name__}: {error}")
    for failure in failures:
        print(failure)
    print(f"{agree} compared with hocon-parser, {judged} with their .json, {len(failures)} differ")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
