# SPDX-License-Identifier: Apache-2.0
"""Medians, spread, marks and ratios on figures made up for the purpose."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from driver import results, rows  # noqa: E402


def entry(**figures) -> dict:
    return {"rate": 1000.0, "broker_ns": 500.0, "broker_cpu": 1.0, "load_cpu": 0.5, "broker_waiting": 0.0,
            "load_waiting": 0.0, "stolen": 0.0, "missing": 0, "disorder": 0, "refused": 0, **figures}


class ResultsTests(unittest.TestCase):
    row = rows.all_rows(10)[0]

    def cell(self, *rounds: dict, failures: tuple[str, ...] = ()) -> results.Cell:
        return results.Cell(list(rounds), list(failures))

    def test_median_and_spread(self):
        cell = self.cell(entry(rate=80.0), entry(rate=100.0), entry(rate=110.0))
        self.assertEqual(cell.median("rate"), 100.0)
        self.assertAlmostEqual(cell.spread("rate"), 0.3)

    def test_marks(self):
        cases = {
            "": [entry()],
            "L": [entry(load_cpu=0.99, broker_cpu=0.5)],
            "S": [entry(broker_waiting=0.2)],
            "!": [entry(), entry(), entry(missing=1)],
        }
        for marks, rounds in cases.items():
            self.assertEqual(self.cell(*rounds).marks(self.row), marks)
        self.assertEqual(self.cell(entry(), failures=("It broke.",)).marks(self.row), "F")

    def test_one_bad_round_of_three_does_not_mark_the_row(self):
        self.assertEqual(self.cell(entry(stolen=0.5), entry(), entry()).marks(self.row), "")

    def test_ratio_and_target(self):
        table = results.Table(["mosquitto", "isthmus"], "mosquitto", {self.row.name: 3.0})
        cells = {"mosquitto": self.cell(entry(rate=1000.0)), "isthmus": self.cell(entry(rate=2500.0))}
        line = dict(zip(table.header(), table.lines(self.row, cells)[0]))
        self.assertEqual(line["isthmus / mosquitto"], "2.50")
        self.assertEqual(line["target"], "≥ 3 missed")

    def test_a_broker_without_figures_leaves_the_others_readable(self):
        table = results.Table(["mosquitto", "isthmus"], "mosquitto", {})
        cells = {"mosquitto": self.cell(entry()), "isthmus": self.cell(failures=("It broke.",))}
        line = table.lines(self.row, cells)[0]
        self.assertIn("failed", line)
        self.assertEqual(len(line), len(table.header()))

    def test_quantities(self):
        for value, text in ((None, "–"), (971.2, "971"), (9156, "9,156"), (105_524, "106 k"), (10_400_000, "10.4 M")):
            self.assertEqual(results.quantity(value), text)

    def test_rows_are_selected_by_pattern_and_unknown_ones_refused(self):
        known = rows.all_rows(10)
        self.assertEqual([row.name for row in rows.select(known, "qos2-*, idle-10000")],
                         ["qos2-1-1-16", "qos2-1-1-256", "idle-10000"])
        with self.assertRaises(ValueError):
            rows.select(known, "qos3-*")


if __name__ == "__main__":
    unittest.main()
