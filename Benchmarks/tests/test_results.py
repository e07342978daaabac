# SPDX-License-Identifier: Apache-2.0
"""Medians, spread, marks and ratios on figures made up for the purpose."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from driver import brokers, loops, report, results, rows, targets  # noqa: E402


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

    def test_a_second_loop_is_compared_by_cpu_time(self):
        one, two = entry(broker_ns=100.0), entry(broker_ns=125.0, broker_cpu=1.0, broker_waiting=0.6, disorder=2)
        combined = loops.combine(one, two)
        self.assertEqual((combined["ns_ratio"], combined["disorder"]), (1.25, 2))
        # Each loop would have run 80 % of the time.
        self.assertAlmostEqual(combined["computed_rate"], 2 * 0.8 * 1e9 / 125)
        self.assertEqual(self.cell(combined).marks(self.row), "!")

    def test_one_bad_round_of_three_does_not_mark_the_row(self):
        self.assertEqual(self.cell(entry(stolen=0.5), entry(), entry()).marks(self.row), "")

    def test_ratios_and_targets(self):
        wanted = {self.row.name: {"mosquitto": 3.0, "reference": 0.5, "value": 2000}}
        table = results.Table(["mosquitto", "isthmus", "reference"], "isthmus", wanted)
        cells = {"mosquitto": self.cell(entry(rate=1000.0)), "isthmus": self.cell(entry(rate=2500.0)),
                 "reference": self.cell(entry(rate=4000.0))}
        line = dict(zip(table.header(), table.lines(self.row, cells)[0]))
        self.assertEqual((line["isthmus"], line["isthmus CPU ns"]), ("2,500 (0%)", "500"))
        self.assertEqual((line["× mosquitto"], line["of C"]), ("2.50", "0.62"))
        self.assertEqual(line["Target"], "≥ 3× **missed**, ≥ 0.5 of C met, ≥ 2000 met")

    def test_a_broker_without_figures_leaves_the_others_readable(self):
        wanted = {self.row.name: {"mosquitto": 3.0, "reference": 0.5}}
        table = results.Table(["mosquitto", "isthmus", "reference"], "isthmus", wanted)
        cells = {"mosquitto": self.cell(failures=("It broke.",)), "isthmus": self.cell(entry()),
                 "reference": self.cell()}
        line = dict(zip(table.header(), table.lines(self.row, cells)[0]))
        self.assertEqual((line["mosquitto"], line["reference"], line["of C"]), ("failed", "–", "–"))
        self.assertEqual(line["Target"], "≥ 3×, ≥ 0.5 of C")

    def test_lines_are_as_long_as_the_header_whoever_is_measured(self):
        for names in (["mosquitto"], ["isthmus"], ["reference", "isthmus"], ["mosquitto", "isthmus", "other"]):
            for wanted in ({}, {self.row.name: {"value": 1}}):
                table = results.Table(names, "isthmus", wanted)
                lines = table.lines(self.row, {name: self.cell(entry()) for name in names})
                self.assertEqual({len(line) for line in lines}, {len(table.header())})

    def test_targets_of_unknown_rows_and_brokers_are_refused(self):
        for text in ('{"qos3": {"mosquitto": 1}}', '{"qos0-1-1-16": {"other": 1}}'):
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder, "targets.json")
                path.write_text(text)
                with self.assertRaises(ValueError):
                    targets.read(path, rows.all_rows(10))

    def test_quantities(self):
        for value, text in ((None, "–"), (2.561, "2.56"), (0, "0"), (971.2, "971"), (9156, "9,156"), (105_524, "106 k"),
                            (10_400_000, "10.4 M")):
            self.assertEqual(results.quantity(value), text)

    def test_rows_are_selected_by_pattern_and_unknown_ones_refused(self):
        known = rows.all_rows(10)
        self.assertEqual([row.name for row in rows.select(known, "qos2-1-1-[0-9]*, idle-10000")],
                         ["qos2-1-1-16", "qos2-1-1-256", "qos2-1-1-4k", "idle-10000"])
        with self.assertRaises(ValueError):
            rows.select(known, "qos3-*")

    def test_the_targets_of_this_folder_are_of_rows_there_are(self):
        folder = pathlib.Path(targets.__file__).resolve().parents[1]
        self.assertTrue(targets.read(folder / "targets.json", rows.all_rows(10)))

    def test_what_a_row_needs_is_offered_by_some_broker(self):
        offered = ({"plugins"} | brokers.ALL_OF_MQTT | brokers.OUR_PROCESS | brokers.MANY_SESSIONS
                   | brokers.MOSQUITTO_ADDITIONS.keys() | brokers.ISTHMUS_ADDITIONS.keys())
        for row in rows.all_rows(10):
            self.assertLessEqual(row.needs, offered, row.name)

    def test_a_quick_run_is_about_a_third_of_all_rows(self):
        known = rows.all_rows(10)
        quick = [row for row in known if row.quick]
        self.assertLessEqual(len(quick), len(known) / 2)
        self.assertEqual({row.chapter for row in quick}, {row.chapter for row in known})

    def test_a_chapter_has_its_own_table_with_the_header(self):
        known = rows.all_rows(10)
        tables = results.tables(["isthmus"], "isthmus", {})
        by_chapter = report.chapters(tables, [(row, {"isthmus": self.cell()}) for row in known])
        self.assertEqual(list(by_chapter), ["Messages", "Latency", "Connections", "State", "TLS and WebSocket",
                                            "With the stock plugins", "Loops and fairness"])
        self.assertEqual(by_chapter["Latency"][0], tables["Latency"].header())

    def test_a_variant_has_a_table_of_its_own_beside_the_broker(self):
        names = ["mosquitto", "isthmus", "isthmus-plugins", "reference"]
        row = next(row for row in rows.all_rows(10) if "plugins" in row.needs)
        tables = results.tables(names, "isthmus", {row.name: {"isthmus": 0.9}})
        self.assertEqual(tables["Messages"].names, ["mosquitto", "isthmus", "reference"])
        table = tables[row.chapter]
        cells = {"isthmus": self.cell(entry(rate=1000.0)), "isthmus-plugins": self.cell(entry(rate=950.0))}
        line = dict(zip(table.header(), table.lines(row, cells)[0]))
        self.assertEqual((line["isthmus"], line["of isthmus"]), ("1,000 (0%)", "0.95"))
        self.assertEqual(line["Target"], "≥ 0.9 of isthmus met")

    def test_a_variant_is_measured_in_its_own_rows_only(self):
        plain = brokers.Broker("isthmus", offers=frozenset({"tls", "plugins"}))
        variant = brokers.Broker("isthmus-plugins", only_for=frozenset({"plugins"}), offers=frozenset({"plugins"}))
        for needs, able in ((set(), [plain]), ({"tls"}, [plain]), ({"plugins"}, [plain, variant])):
            self.assertEqual([broker for broker in (plain, variant) if broker.can(frozenset(needs))], able)


if __name__ == "__main__":
    unittest.main()
