# SPDX-License-Identifier: Apache-2.0
"""What is said of counts beside those that are stored. That counting itself works, `make instructions` shows."""

import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from instructions import stored  # noqa: E402


class VerdictTests(unittest.TestCase):
    def test_a_little_more_or_less_is_nothing_to_speak_of(self):
        for now in (970.1, 1000.0, 1029.9):
            verdict = stored.judge("row", "message", 1000.0, now)
            self.assertFalse(verdict.failed, now)
            self.assertEqual(verdict.sentence, "", now)

    def test_more_fails_and_names_row_and_counts_and_what_to_do(self):
        verdict = stored.judge("qos0-1-1-16", "message", 1000.0, 1031.0)
        self.assertTrue(verdict.failed)
        for part in ("qos0-1-1-16", "1,031.0", "1,000.0", "3.1% more", stored.HOW_TO_STORE):
            self.assertIn(part, verdict.sentence)

    def test_fewer_asks_to_be_stored_and_does_not_fail(self):
        verdict = stored.judge("connect", "connection", 1000.0, 960.0)
        self.assertFalse(verdict.failed)
        self.assertIn("4.0% fewer", verdict.sentence)
        self.assertIn(stored.HOW_TO_STORE, verdict.sentence)

    def test_a_row_without_a_count_fails(self):
        self.assertTrue(stored.judge("new", "message", None, 5.0).failed)

    def test_a_count_without_a_row_is_told(self):
        self.assertEqual(stored.forgotten({"here": 1.0}, ["here", "there"]), [])
        (sentence,) = stored.forgotten({"here": 1.0, "gone": 2.0}, ["here"])
        self.assertIn("gone", sentence)


class VersionTests(unittest.TestCase):
    def test_the_same_versions_are_no_news(self):
        self.assertEqual(stored.versions_differ({"Swift": "6.3.1"}, {"Swift": "6.3.1"}), "")

    def test_what_differs_is_named(self):
        then, here = {"Swift": "6.3.1", "Valgrind": "3.19.0"}, {"Swift": "6.4", "Valgrind": "3.19.0"}
        sentence = stored.versions_differ(then, here)
        self.assertIn("Swift 6.3.1, here 6.4", sentence)
        self.assertNotIn("Valgrind", sentence)

    def test_a_file_is_read_as_it_was_written(self):
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch.object(stored, "FILE", pathlib.Path(folder, "stored.json")), \
                mock.patch.object(stored, "versions", lambda: {"Swift": "6.4"}):
            self.assertEqual(stored.read(), ({}, {}))
            stored.write({"connect": 35594.844})
            self.assertEqual(stored.read(), ({"Swift": "6.4"}, {"connect": 35594.84}))


if __name__ == "__main__":
    unittest.main()
