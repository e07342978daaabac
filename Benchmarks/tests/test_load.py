# SPDX-License-Identifier: Apache-2.0
"""The load generator against a broker that loses, doubles, reorders, stalls or refuses: it must notice each."""

import json
import pathlib
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from driver import brokers, build  # noqa: E402

from .fake_broker import FakeBroker  # noqa: E402


class LoadTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.load = build.load()

    def run_load(self, broker: FakeBroker, mode: str, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self.load, mode, "--port", str(broker.port), "--warm-up", "0.1", "--seconds", "0.3", *arguments],
            capture_output=True, text=True, check=False)

    def result(self, broker: FakeBroker, mode: str, *arguments: str) -> dict:
        finished = self.run_load(broker, mode, *arguments)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        return json.loads(finished.stdout)

    def test_a_correct_broker_has_no_faults(self):
        for arguments in (["--qos", "0"], ["--qos", "1"], ["--window", "1"], ["--subscribers", "5"],
                          ["--publishers", "5"]):
            with self.subTest(arguments), FakeBroker() as broker:
                result = self.result(broker, "throughput", *arguments)
                self.assertGreater(result["messages"], 0)
                self.assertEqual((result["missing"], result["disorder"], result["refused"]), (0, 0, 0))

    def test_a_lost_message_is_counted_once(self):
        with FakeBroker(lambda n, packet: [] if n == 50 else [packet]) as broker:
            result = self.result(broker, "throughput")
        self.assertEqual((result["missing"], result["disorder"]), (1, 1))

    def test_a_message_that_came_twice_is_counted(self):
        with FakeBroker(lambda n, packet: [packet, packet] if n == 50 else [packet]) as broker:
            result = self.result(broker, "throughput")
        self.assertEqual(result["missing"], -1)
        self.assertGreater(result["disorder"], 0)

    def test_messages_out_of_order_are_counted(self):
        held: list[bytes] = []

        def swap(number: int, packet: bytes) -> list[bytes]:
            if number == 50:
                held.append(packet)
                return []
            return [packet, held.pop()] if held else [packet]

        with FakeBroker(swap) as broker:
            result = self.result(broker, "throughput")
        self.assertEqual(result["missing"], 0)
        self.assertGreater(result["disorder"], 0)

    def test_nothing_is_in_flight_beyond_the_receive_maximum(self):
        # The broker announces a Receive Maximum of 3 and never acknowledges: three messages come, then no more.
        class Silent(FakeBroker):
            def _publish(self, client, packet):
                self.publishes += 1

        with Silent(connack=b"\x20\x06\x00\x00\x03\x21\x00\x03") as broker:
            finished = self.run_load(broker, "throughput", "--qos", "1", "--seconds", "30")
            self.assertEqual(broker.publishes, 3)
        self.assertEqual(finished.returncode, 1)
        self.assertIn("Deliveries stopped", finished.stderr)

    def test_a_stall_counts_for_every_message_that_was_due_meanwhile(self):
        # 1,000 messages a second, one stall of 0.1 s within 0.3 s: a third of all wait, on average half of it.
        def stall(number: int, packet: bytes) -> list[bytes]:
            if number == 200:
                time.sleep(0.1)
            return [packet]

        with FakeBroker(stall) as broker:
            result = self.result(broker, "latency", "--rate", "1000")
        self.assertEqual(result["messages"], 300)
        self.assertGreaterEqual(result["max"], 100_000)
        self.assertGreater(result["p99"], 80_000)

    def test_a_refused_connection_ends_the_run_with_a_sentence(self):
        with FakeBroker(connack=b"\x20\x03\x00\x87\x00") as broker:
            finished = self.run_load(broker, "idle", "--connections", "3")
        self.assertEqual((finished.returncode, finished.stdout), (1, ""))
        self.assertIn("0x87", finished.stderr)

    def test_idle_connections_are_all_connected_and_subscribed(self):
        with FakeBroker() as broker:
            result = self.result(broker, "idle", "--connections", "200")
            self.assertEqual((result["connections"], len(broker.pending)), (200, 200))

    def test_a_broker_behind_tls_has_no_faults_either(self):
        with tempfile.TemporaryDirectory() as folder:
            brokers.make_certificate(folder)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f"{folder}/certificate.pem", f"{folder}/key.pem")
        for version in ("12", "13"):
            for arguments in (["--window", "1"], ["--size", "20"], ["--qos", "1"]):
                with self.subTest(version=version, arguments=arguments), FakeBroker(tls=context) as broker:
                    result = self.result(broker, "throughput", "--tls", version, *arguments)
                    self.assertGreater(result["messages"], 0)
                    self.assertEqual((result["missing"], result["disorder"], result["refused"]), (0, 0, 0))

    def test_a_plain_broker_is_named_when_tls_was_asked_for(self):
        with FakeBroker() as broker:
            finished = self.run_load(broker, "idle", "--connections", "1", "--tls", "13")
        self.assertEqual(finished.returncode, 1)

    def test_an_absent_broker_is_named(self):
        with FakeBroker() as broker:
            port = broker.port
        finished = subprocess.run([self.load, "idle", "--port", str(port)], capture_output=True, text=True, check=False)
        self.assertEqual(finished.returncode, 1)
        self.assertIn(f"127.0.0.1 port {port}", finished.stderr)

    def test_wrong_options_are_refused_by_name(self):
        for option, value in (("--qos", "3"), ("--window", "0"), ("--size", "many"), ("--seconds", "-1")):
            finished = subprocess.run(
                [self.load, "throughput", option, value], capture_output=True, text=True, check=False)
            self.assertEqual(finished.returncode, 1)
            self.assertIn(option, finished.stderr)


if __name__ == "__main__":
    unittest.main()
