# SPDX-License-Identifier: Apache-2.0
"""The load generator against a broker that loses, doubles, reorders, stalls or refuses: it must notice each."""

import contextlib
import json
import pathlib
import queue
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
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
        for arguments in (["--qos", "0"], ["--qos", "1"], ["--qos", "2"], ["--window", "1"], ["--subscribers", "5"],
                          ["--publishers", "5"], ["--groups", "3"], ["--shared", "--subscribers", "5"],
                          ["--shared", "--subscribers", "5", "--qos", "2"]):
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

    def test_a_message_in_place_of_another_is_noticed_though_the_number_is_right(self):
        for arguments in ([], ["--publishers", "5"], ["--shared", "--subscribers", "5"]):
            last: list[bytes] = []

            def replace(number: int, packet: bytes) -> list[bytes]:
                last.append(packet)
                return [last[number - 1] if number == 50 else packet]

            # The window of a shared subscription stays shut before a message that nobody has: it is more than the run's.
            with self.subTest(arguments), FakeBroker(replace) as broker:
                result = self.result(broker, "latency", "--rate", "1000", "--window", "2000", *arguments)
                self.assertEqual(result["missing"], 0)
                self.assertGreater(result["disorder"], 0)

    def test_a_message_for_two_members_of_a_shared_subscription_is_counted(self):
        class Generous(FakeBroker):
            def receivers(self, topic):
                return list(self.subscribers)[:2] if self.publishes == 50 else super().receivers(topic)

        with Generous() as broker:
            result = self.result(broker, "throughput", "--shared", "--subscribers", "5")
        self.assertEqual(result["missing"], -1)
        self.assertGreater(result["disorder"], 0)

    def test_a_message_for_no_member_of_a_shared_subscription_is_missing(self):
        with FakeBroker(lambda n, packet: [] if n == 50 else [packet]) as broker:
            result = self.result(broker, "latency", "--rate", "1000", "--window", "2000", "--shared", "--subscribers", "5")
        self.assertEqual(result["missing"], 1)

    def test_the_smallest_share_of_a_member_is_reported(self):
        class Unfair(FakeBroker):
            def receivers(self, topic):
                return [list(self.subscribers)[0 if self.publishes % 10 else 1]]

        for kind, least in ((FakeBroker, 95), (Unfair, 0)):
            with self.subTest(kind), kind() as broker:
                result = self.result(broker, "throughput", "--shared", "--subscribers", "4")
                self.assertEqual(len(result["members"]), 4)
                self.assertAlmostEqual(result["least_share"], least, delta=5)

    def test_the_rate_of_a_latency_run_is_the_wanted_part_of_saturation(self):
        with FakeBroker() as broker:
            result = self.result(broker, "latency", "--percent", "10", "--groups", "3", "--window", "16")
        self.assertGreater(result["saturation"], 0)
        self.assertAlmostEqual(result["published_rate"], result["saturation"] / 10, delta=1)
        self.assertAlmostEqual(result["messages"], result["published_rate"] * 0.3, delta=result["messages"] * 0.1)
        self.assertEqual((result["missing"], result["disorder"]), (0, 0))

    def test_what_saturates_the_broker_is_seen_in_the_latency_of_a_quiet_pair(self):
        def stall(number: int, packet: bytes) -> list[bytes]:
            # The quiet pair has the last topic.
            if not packet.startswith(b"load/00001", 4) and number % 50 == 0:
                time.sleep(0.1)
            return [packet]

        with FakeBroker(stall) as broker:
            result = self.result(broker, "fairness", "--rate", "200", "--window", "64", "--seconds", "1")
        self.assertEqual((result["missing"], result["disorder"]), (0, 0))
        self.assertGreater(result["p99"], 50_000)
        self.assertGreater(result["ratio"], 1)

    def test_the_generator_being_late_is_no_latency_of_a_quiet_pair(self):
        started: queue.Queue[subprocess.Popen] = queue.Queue()

        def stop(number: int, packet: bytes) -> list[bytes]:
            # This message comes while the generator cannot read it; those due meanwhile are sent late.
            if number == 20:
                generator = started.get()
                generator.send_signal(signal.SIGSTOP)
                threading.Timer(0.5, generator.send_signal, [signal.SIGCONT]).start()
            return [packet]

        with FakeBroker(stop) as broker:
            command = [self.load, "fairness", "--port", str(broker.port), "--warm-up", "0", "--seconds", "1",
                       "--rate", "200", "--window", "1"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                started.put(process)
                result = json.loads(process.stdout.read())
        self.assertGreater(result["sent_late_p99"], 300_000)
        # Of 200 messages, one may have had its time written when the generator stopped.
        self.assertLess(result["alone_p99"], result["sent_late_p99"])

    def test_receivers_that_do_not_read_are_seen_in_what_the_others_get(self):
        class Indifferent(FakeBroker):
            def send(self, client, data):
                try:
                    client.send(data, socket.MSG_DONTWAIT)
                except (BlockingIOError, ConnectionResetError, BrokenPipeError):
                    pass  # what does not fit is dropped

        class Halving(Indifferent):
            def receivers(self, topic):
                everybody = super().receivers(topic)
                return everybody if len(everybody) < 5 or self.publishes % 2 else everybody[2:]

        arguments = ("--rate", "500", "--subscribers", "2", "--slow-receivers", "20", "--seconds", "1", "--window", "1000")
        with Indifferent() as broker:
            result = self.result(broker, "slow", *arguments)
        self.assertEqual((result["missing"], result["disorder"], result["ended"]), (0, 0, 0))
        self.assertGreater(result["kept"], 0)
        self.assertAlmostEqual(result["kept"], 100 * result["rate"] / result["rate_alone"], delta=0.1)
        with Halving() as broker:
            result = self.result(broker, "slow", *arguments)
        self.assertGreater(result["missing"], 100)

    def test_receivers_that_the_broker_ends_are_counted(self):
        class Strict(FakeBroker):
            def receivers(self, topic):
                everybody = super().receivers(topic)
                for client in everybody[2:]:
                    with contextlib.suppress(OSError):
                        client.shutdown(socket.SHUT_RDWR)
                return everybody[:2]

        with Strict() as broker:
            result = self.result(broker, "slow", "--rate", "500", "--subscribers", "2", "--slow-receivers", "20")
        self.assertEqual((result["missing"], result["ended"]), (0, 20))

    def test_a_broker_behind_websocket_has_no_faults_either(self):
        for mode, *arguments in (["throughput"], ["throughput", "--qos", "2"], ["throughput", "--window", "1"],
                                 ["latency", "--rate", "1000"]):
            with self.subTest(mode=mode, arguments=arguments), FakeBroker(websocket=True) as broker:
                result = self.result(broker, mode, "--ws", *arguments)
                self.assertGreater(result["messages"], 0)
                self.assertEqual((result["missing"], result["disorder"], result["refused"]), (0, 0, 0))
                self.assertLess(result.get("p50", 0), 1_000_000)

    def test_a_listener_without_websocket_is_named(self):
        class Web(FakeBroker):
            def _read(self, client):
                # One answer is enough; that the generator goes then is no error of this broker.
                self.selector.unregister(client)
                self.send(client, b"HTTP/1.1 404 Not Found\r\n\r\n")

        with Web() as broker:
            finished = self.run_load(broker, "idle", "--connections", "1", "--ws")
        self.assertEqual(finished.returncode, 1)
        self.assertIn("404 Not Found", finished.stderr)

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

    def test_every_client_logs_in_with_what_it_is_given(self):
        for given, flags, end in (([], 0x02, b""), (["--username", "u"], 0x82, b"\0\1u"),
                                  (["--username", "u", "--password", "pw"], 0xC2, b"\0\1u\0\2pw")):
            with FakeBroker() as broker:
                self.result(broker, "idle", "--connections", "3", *given)
            self.assertEqual(len(broker.connects), 3)
            for connect in broker.connects:
                identifier = 15 + connect[14]
                self.assertEqual((connect[9], connect[identifier:]), (flags, end))

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
        for option, value in (("--qos", "3"), ("--window", "0"), ("--size", "many"), ("--seconds", "-1"), ("--percent", "0"),
                              ("--password", "x" * 65), ("--shared", "--publishers=2")):
            finished = subprocess.run(
                [self.load, "throughput", option, value], capture_output=True, text=True, check=False)
            self.assertEqual(finished.returncode, 1)
            self.assertIn(option, finished.stderr)


if __name__ == "__main__":
    unittest.main()
