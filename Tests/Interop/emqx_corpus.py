# SPDX-License-Identifier: Apache-2.0
# Configs in the shapes that EMQX users have them (Tests/Corpus/emqx), each with its outcome in its last line: `ok`, `warned` and
# what is told, or `refused` and why; both as regular expressions.
import pathlib
import re
import shutil

from Support.broker import scratch
from Support.suite import behaviour, check
from Support.tools import isthmus

CORPUS = pathlib.Path(__file__).resolve().parent.parent / "Corpus/emqx"


def fault(path):
    """How the outcome differs from what is expected, or nothing."""
    expected = re.search(r"(?m)^# expected: (\w+)(?: (.*))?$", path.read_text())
    if not expected:
        return f"{path.name} expects nothing"
    outcome, pattern = expected.groups()
    copy = scratch("corpus") / path.name
    shutil.copy(path, copy)
    said = isthmus("check", "--config", copy, status=1 if outcome == "refused" else 0).said
    fits = re.search(pattern, said) if pattern else "[warning]" not in said
    return None if fits else f"{path.name}: expected {expected[0]}, got:\n{said}"


@behaviour()
def every_config_has_its_outcome(case):
    """Each config of the corpus starts, starts with the warning, or is refused with the sentence that it expects."""
    files = sorted(CORPUS.glob("*.conf"))
    check(len(files) >= 40, f"{len(files)} configs in {CORPUS}")
    faults = [found for path in files if (found := fault(path))]
    check(not faults, "\n".join(faults))
