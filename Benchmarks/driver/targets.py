# SPDX-License-Identifier: Apache-2.0
"""What is wanted of the subject: by measure, a ratio to another broker ("mosquitto", "reference") or a "value".

A file of them is JSON: {"qos0-1-1-16": {"mosquitto": 75, "reference": 0.8}, "idle-10000.bytes": {"value": 900}}.
More is better where more is better of the measure: then a target is the least, else the most.
"""

import json
import pathlib

from .row import Measure, Row

VALUE = "value"
SIGNS = {"mosquitto": "×", "reference": " of C", "isthmus": " of isthmus", VALUE: ""}

Targets = dict[str, dict[str, float]]


def name_of(row: Row, measure: Measure) -> str:
    return row.name if len(row.measures) == 1 else f"{row.name}.{measure.key}"


def read(path: pathlib.Path, known: list[Row]) -> Targets:
    """Raises ValueError with a sentence when a name is unknown: a target that nothing is held against is none."""
    if not path.exists():
        return {}
    targets = json.loads(path.read_text())
    names = {name_of(row, measure) for row in known for measure in row.measures}
    for name, wanted in targets.items():
        if name not in names:
            raise ValueError(f"{path}: there is no row \"{name}\"; there are {', '.join(sorted(names))}.")
        for basis in wanted:
            if basis not in SIGNS:
                raise ValueError(f"{path}: {name} has a target for \"{basis}\"; there are {', '.join(SIGNS)}.")
    return targets


def verdicts(measure: Measure, wanted: dict[str, float], reached: dict[str, float | None]) -> str:
    """Each target with "met" or "missed"; with neither where there is no figure."""
    texts = []
    for basis, limit in wanted.items():
        figure = reached.get(basis)
        if figure is None:
            verdict = ""
        elif measure.higher_is_better:
            verdict = " met" if figure >= limit else " **missed**"
        else:
            verdict = " met" if figure <= limit else " **missed**"
        texts.append(f"{'≥' if measure.higher_is_better else '≤'} {limit:g}{SIGNS[basis]}{verdict}")
    return ", ".join(texts)
