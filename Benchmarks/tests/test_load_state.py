# SPDX-License-Identifier: Apache-2.0
"""The load generator's modes about what a broker holds, against one that loses, doubles, swaps or forgets."""

import concurrent.futures
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from driver import build  # noqa: E402

from .state_broker import StateBroker  # noqa: E402

MODES = {
    "storm": ("--connections", "150"),
    "churn": ("--concurrency", "4"),
    "retained": ("--messages", "500", "--size", "200", "--window", "100"),
    "subscriptions": ("--connections", "3", "--filters", "150", "--window", "50"),
    "sessions": ("--connections", "20", "--messages", "3", "--resumed", "5", "--qos", "1", "--concurrency", "4"),
}
KINDS = {"storm": "suback", "churn": "live", "retained": "retained", "subscriptions": "live", "sessions": "queued"}

# A broker for the start mode: it listens after some time and answers the first CONNECT.
LATE_BROKER = """
import socket, sys, time
time.sleep(float(sys.argv[2]))
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        client = listener.accept()[0]
        client.recv(1000)
        client.sendall(bytes.fromhex(sys.argv[3]))
"""


class LoadStateTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.load = build.load()

    def run_load(self, port: int, mode: str, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.load, mode, "--port", str(port), "--warm-up", "0.1", "--seconds", "0.3", *arguments],
                              capture_output=True, text=True, check=False)

    def result(self, broker: StateBroker, mode: str, *arguments: str) -> dict:
        finished = self.run_load(broker.port, mode, *(arguments or MODES.get(mode, ())))
        self.assertEqual(finished.returncode, 0, finished.stderr)
        return json.loads(finished.stdout)

    def test_a_correct_broker_has_no_faults(self):
        for mode in MODES:
            with self.subTest(mode), StateBroker() as broker:
                result = self.result(broker, mode)
                self.assertEqual((result["missing"], result["disorder"], result["refused"]), (0, 0, 0))
                self.assertGreater(result["rate"], 0)

    def test_what_is_lost_is_missing_in_every_mode(self):
        # Together, as each waits for what does not come.
        def missing(mode: str) -> int:
            with StateBroker(lambda kind, number: not (kind == KINDS[mode] and number == 5)) as broker:
                return self.result(broker, mode)["missing"]

        with concurrent.futures.ThreadPoolExecutor() as together:
            self.assertEqual(dict(zip(MODES, together.map(missing, MODES))), {mode: 1 for mode in MODES})

    def test_what_came_twice_is_counted_in_every_mode(self):
        for mode in MODES:
            # In churn half of the clients have gone before a second copy comes: there, all messages come twice.
            with self.subTest(mode), StateBroker(
                    lambda kind, number: 2 if kind == KINDS[mode] and (mode == "churn" or number == 5) else 1) as broker:
                self.assertGreater(self.result(broker, mode)["disorder"], 0)

    def test_retained_messages_are_received_at_the_quality_asked_for(self):
        with StateBroker() as broker:
            result = self.result(broker, "retained", *MODES["retained"], "--qos", "1")
            self.assertEqual((result["missing"], result["disorder"], len(broker.retained)), (0, 0, 500))

    def test_a_retained_message_without_its_flag_is_a_fault(self):
        class Forgetful(StateBroker):
            def deliver(self, kind, client, topic, payload, qos, retain):
                super().deliver(kind, client, topic, payload, qos, False)

        with Forgetful() as broker:
            self.assertGreater(self.result(broker, "retained", "--messages", "1")["disorder"], 0)

    def test_messages_that_nobody_acknowledges_are_not_set(self):
        class Silent(StateBroker):
            def publish(self, client, first, body):
                pass

        with Silent() as broker:
            finished = self.run_load(broker.port, "retained", "--messages", "10")
        self.assertEqual((finished.returncode, finished.stdout), (1, ""))
        self.assertIn("0 of 10 retained messages", finished.stderr)

    def test_a_session_that_is_gone_is_a_fault_and_its_messages_missing(self):
        class Forgetful(StateBroker):
            def connect(self, client, first, body):
                if body.endswith(b"-4"):
                    self.sessions = {name: session for name, session in self.sessions.items() if name[-2:] != "-4"}
                super().connect(client, first, body)

        with Forgetful() as broker:
            result = self.result(broker, "sessions")
        self.assertEqual(result["missing"], 3)
        self.assertGreater(result["disorder"], 0)

    def test_a_queue_out_of_order_is_a_fault(self):
        class Swapping(StateBroker):
            def ordered(self, queue):
                return queue[::-1]

        with Swapping() as broker:
            result = self.result(broker, "sessions")
        self.assertEqual(result["missing"], 0)
        self.assertGreater(result["disorder"], 0)

    def test_half_of_all_visitors_say_goodbye(self):
        with StateBroker() as broker:
            self.result(broker, "churn")
            clients = [int(name.rsplit("-", 1)[1]) for name in broker.left]
            self.assertGreater(len(clients), 0)
            self.assertEqual({number % 2 for number in clients}, {0})
            # The broker may still have to hear of the last reset.
            while broker.sessions and broker.thread.is_alive():
                time.sleep(0.01)
            self.assertEqual(broker.sessions, {})

    def test_each_subscription_is_confirmed(self):
        class Short(StateBroker):
            def suback(self, client, body):
                super().suback(client, body[:-1])

        with Short() as broker:
            finished = self.run_load(broker.port, "subscriptions", *MODES["subscriptions"])
        self.assertEqual(finished.returncode, 1)
        self.assertIn("99 reason codes", finished.stderr)

    def test_a_message_to_another_client_is_a_fault_and_missing(self):
        class Misled(StateBroker):
            def deliver(self, kind, client, topic, payload, qos, retain):
                if self.counts["live"] == 5:
                    client = next(each.client for each in self.sessions.values() if each.client is not client)
                super().deliver(kind, client, topic, payload, qos, retain)

        with Misled() as broker:
            result = self.result(broker, "subscriptions")
        self.assertEqual((result["missing"], result["disorder"]), (1, 1))

    def test_clients_that_wait_in_the_backlog_are_all_answered(self):
        for connack, status in ((b"\x20\x03\x00\x00\x00", 0), (b"\x20\x03\x00\x87\x00", 1)):
            with self.subTest(status=status), BrokerProcess(connack) as broker:
                finished = self.run_load(broker.port, "backlog", "--connections", "100", "--concurrency", "30",
                                         "--broker-pid", str(broker.pid))
                self.assertEqual(finished.returncode, status, finished.stderr)
                if status == 0:
                    result = json.loads(finished.stdout)
                    self.assertEqual((result["connections"], result["missing"]), (100, 0))
                # It runs again, whatever became of the measurement.
                with socket.create_connection(("127.0.0.1", broker.port)) as client:
                    client.sendall(b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01x")
                    self.assertEqual(client.recv(100), connack)

    def test_the_backlog_needs_a_process_to_stop(self):
        finished = self.run_load(1, "backlog")
        self.assertEqual(finished.returncode, 1)
        self.assertIn("--broker-pid", finished.stderr)

    def start(self, seconds: str, connack: str) -> subprocess.CompletedProcess:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        return self.run_load(port, "start", "--starts", "3", "--", sys.executable, "-c", LATE_BROKER, str(port), seconds,
                             connack)

    def test_a_start_takes_until_the_first_connack(self):
        finished = self.start("0.2", "2003000000")
        self.assertEqual(finished.returncode, 0, finished.stderr)
        result = json.loads(finished.stdout)
        self.assertGreaterEqual(result["start"], 200_000)
        self.assertGreater(result["bytes"], 0)

    def test_a_broker_that_refuses_or_ends_has_no_start(self):
        for seconds, connack, text in (("0", "2003008700", "refused"), ("never", "", "ended with status 1")):
            finished = self.start(seconds, connack)
            self.assertEqual((finished.returncode, finished.stdout), (1, ""))
            self.assertIn(text, finished.stderr)


class BrokerProcess:
    """A fake broker as a process of its own, which can be stopped without stopping the test."""

    def __init__(self, connack: bytes):
        self.connack = connack

    def __enter__(self) -> "BrokerProcess":
        broker = StateBroker(connack=self.connack)
        self.port, self.pid = broker.port, os.fork()
        if self.pid == 0:
            broker._run()
            os._exit(1)
        for each in (broker.listener, broker.wake, broker.woken, broker.selector):
            each.close()
        return self

    def __exit__(self, *_) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


if __name__ == "__main__":
    unittest.main()
