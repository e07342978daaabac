# SPDX-License-Identifier: Apache-2.0
"""The reference broker: it must be a broker, or its figures say nothing."""

import json
import pathlib
import random
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from driver import brokers, build  # noqa: E402

from . import mqtt_bytes as mqtt  # noqa: E402
from .mqtt_bytes import Client  # noqa: E402


class ReferenceTests(unittest.TestCase):
    def setUp(self) -> None:
        endpoint = self.enterContext(brokers.reference().running(cores=None))
        self.port, self.pid = endpoint.port, endpoint.pid

    def client(self, level: int = 5, **options) -> Client:
        return self.enterContext(Client(self.port, level, **options))

    def assert_alive(self) -> None:
        self.assertEqual(self.client().connack[:2], b"\x20\x13")

    def resident_bytes(self) -> int:
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * int(status.partition("VmRSS:")[2].split()[0])

    def load(self, *arguments: str) -> dict:
        finished = subprocess.run(
            [build.load(), "throughput", "--port", str(self.port), "--warm-up", "0.1", "--seconds", "0.3", *arguments],
            capture_output=True, text=True, check=False)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        return json.loads(finished.stdout)

    def test_the_load_generator_finds_no_fault(self):
        for text in ("--qos 0", "--qos 1", "--qos 2", "--protocol 4 --qos 1", "--subscribers 20 --size 16384 --window 16",
                     "--publishers 20", "--groups 20 --window 1", "--size 9000 --qos 2", "--size 70000 --qos 1",
                     "--subscribers 20 --qos 1", "--size 300000 --window 8"):
            with self.subTest(text):
                result = self.load(*text.split())
                self.assertGreater(result["messages"], 0)
                self.assertEqual((result["missing"], result["disorder"], result["refused"]), (0, 0, 0))

    def test_the_lower_qos_of_message_and_subscription_counts(self):
        for level in (4, 5):
            for message in (0, 1, 2):
                for subscription in (0, 1, 2):
                    with self.subTest(level=level, message=message, subscription=subscription):
                        receiver, publisher = self.client(level), self.client(9 - level)
                        self.assertEqual(receiver.subscribe("a/b", subscription), subscription)
                        publisher.send(mqtt.publish("a/b", b"hello", message, level=9 - level))
                        qos = min(message, subscription)
                        self.assertEqual(receiver.receive(), mqtt.publish("a/b", b"hello", qos, 1, level))
                        if message:
                            self.assertEqual(publisher.receive(), mqtt.acknowledgement([0, 0x40, 0x50][message], 1))

    def test_a_qos_2_message_that_comes_twice_is_delivered_once(self):
        receiver, publisher = self.client(), self.client()
        receiver.subscribe("a", 0)
        publisher.send(mqtt.publish("a", b"one", 2), mqtt.publish("a", b"one", 2, flags=8))
        self.assertEqual([publisher.receive(), publisher.receive()], [mqtt.acknowledgement(0x50, 1)] * 2)
        publisher.send(mqtt.acknowledgement(0x62, 1))
        self.assertEqual(publisher.receive(), mqtt.acknowledgement(0x70, 1))
        publisher.send(mqtt.publish("a", b"two", 2))
        self.assertEqual([receiver.receive(), receiver.receive()], [mqtt.publish("a", b"one"), mqtt.publish("a", b"two")])

    def test_no_more_is_in_flight_than_the_receiver_allows(self):
        receiver = self.client(handshake=mqtt.connect(properties=b"\x21\0\x02"))
        publisher = self.client()
        receiver.subscribe("a", 2)
        publisher.send(*[mqtt.publish("a", b"%d" % i, 1 + i % 2, i + 1) for i in range(6)], mqtt.packet(0xC0, b""))
        while publisher.receive() != mqtt.packet(0xD0, b""):
            pass
        receiver.send(mqtt.packet(0xC0, b""))
        self.assertEqual(receiver.receive(), mqtt.publish("a", b"0", 1, 1))
        self.assertEqual(receiver.receive(), mqtt.publish("a", b"1", 2, 2))
        self.assertEqual(receiver.receive(), mqtt.packet(0xD0, b""))
        receiver.send(mqtt.acknowledgement(0x40, 1))
        self.assertEqual(receiver.receive(), mqtt.publish("a", b"2", 1, 1))
        receiver.send(mqtt.acknowledgement(0x50, 2))
        self.assertEqual(receiver.receive(), mqtt.acknowledgement(0x62, 2))
        receiver.send(mqtt.acknowledgement(0x70, 2))
        self.assertEqual(receiver.receive(), mqtt.publish("a", b"3", 2, 2))

    def test_wildcards_are_refused_and_exact_filters_are_exact(self):
        client = self.client()
        for topic_filter, code in (("a/+", 0x80), ("#", 0x80), ("a", 0), ("a/b", 1)):
            self.assertEqual(client.subscribe(topic_filter, code & 3), code)
        client.send(*[mqtt.publish(name, b"") for name in ("a/b/c", "A", "a/", "/a", "a")])
        self.assertEqual(client.receive(), mqtt.publish("a", b""))

    def test_what_was_unsubscribed_comes_no_more(self):
        client = self.client()
        for i in range(2000):
            client.subscribe(f"topic/{i}")
        for i in range(0, 2000, 2):
            client.send(mqtt.unsubscribe(f"topic/{i}"))
            self.assertEqual(client.receive(), bytes([0xB0, 4, 0, 8, 0, 0]))
        client.send(mqtt.unsubscribe("topic/0"))
        self.assertEqual(client.receive(), bytes([0xB0, 4, 0, 8, 0, 0x11]))
        client.send(*[mqtt.publish(f"topic/{i}", b"x") for i in range(2000)])
        for i in range(1, 2000, 2):
            self.assertEqual(client.receive(), mqtt.publish(f"topic/{i}", b"x"))

    def test_properties_and_flags_are_not_sent_on(self):
        receiver, publisher = self.client(), self.client()
        receiver.subscribe("a")
        publisher.send(mqtt.publish("a", b"x", flags=1, properties=b"\x01\x01\x03\0\x04text"))
        self.assertEqual(receiver.receive(), mqtt.publish("a", b"x"))

    def test_packets_arrive_whole_however_they_are_cut(self):
        for size, piece in ((20, 1), (3000, 7), (20_000, 997), (900_000, 50_001)):
            with self.subTest(size=size, piece=piece):
                receiver, publisher = self.client(), self.client()
                receiver.subscribe("a/b", 1)
                payload = random.Random(size).randbytes(size)
                data = mqtt.publish("a/b", payload, 1) + mqtt.publish("a/b", payload[::-1], 1, 2)
                for start in range(0, len(data), piece):
                    publisher.send(data[start:start + piece])
                self.assertEqual(receiver.receive(), mqtt.publish("a/b", payload, 1))
                self.assertEqual(receiver.receive(), mqtt.publish("a/b", payload[::-1], 1, 2))

    def test_a_receiver_that_does_not_read_holds_its_publisher_back(self):
        for size, qos in ((1000, 0), (20_000, 0), (1000, 1)):
            with self.subTest(size=size, qos=qos):
                receiver, publisher, topic = self.client(), self.client(), f"slow/{size}/{qos}"
                receiver.subscribe(topic, qos)
                message, sent = mqtt.publish(topic, b"x" * size, qos), 0
                publisher.socket.settimeout(1)
                with self.assertRaises(TimeoutError):
                    while sent < 1 << 28:
                        sent += publisher.socket.send(message * 10)
                self.assertLess(self.resident_bytes(), 40 << 20)
                received = 0
                while received < sent // len(message):
                    packet = receiver.receive()
                    self.assertEqual(len(packet), len(message))
                    if qos:
                        at = 2 + packet[2:].index(topic.encode()) + len(topic)
                        receiver.send(mqtt.acknowledgement(0x40, int.from_bytes(packet[at:at + 2], "big")))
                    received += 1

    def test_a_client_that_does_not_read_is_not_read(self):
        client, sent = self.client(), 0
        client.socket.settimeout(1)
        with self.assertRaises(TimeoutError):
            while sent < 1 << 28:
                sent += client.socket.send(mqtt.packet(0xC0, b"") * 10_000)
        self.assertLess(self.resident_bytes(), 40 << 20)
        client.socket.settimeout(None)
        received = b""
        while len(received) < sent // 2 * 2:
            received += client.socket.recv(1 << 20)
        self.assertEqual(received, mqtt.packet(0xD0, b"") * (sent // 2))

    def test_a_receiver_that_goes_away_lets_its_publisher_go_on(self):
        receiver, other, publisher = self.client(), self.client(), self.client()
        receiver.subscribe("slow")
        other.subscribe("other")
        publisher.socket.settimeout(1)
        with self.assertRaises(TimeoutError):
            while True:
                publisher.socket.sendall(mqtt.publish("slow", b"x" * 1000))
        publisher.socket.settimeout(None)
        receiver.socket.close()
        # The rest of what was cut off by the time-out, as the payload of something that is longer for certain.
        publisher.socket.sendall(b"x" * 2000)
        while publisher.receive():
            pass
        self.client().send(mqtt.publish("other", b"x"))
        self.assertEqual(other.receive(), mqtt.publish("other", b"x"))

    def test_malformed_packets_end_the_connection(self):
        name, five = mqtt.string("a"), mqtt.connect()
        first = {
            "no CONNECT": mqtt.publish("a", b"x"), "another protocol": five.replace(b"MQTT", b"MQTX"),
            "another level": mqtt.connect(3), "reserved connect flag": five.replace(b"MQTT\x05\x02", b"MQTT\x05\x03"),
            "no client identifier": mqtt.packet(0x10, mqtt.string("MQTT") + bytes([5, 2, 0, 0, 0])),
            "more than a CONNECT": mqtt.packet(0x10, five[2:] + b"x"),
            "receive maximum 0": mqtt.connect(properties=b"\x21\0\0"),
            "unknown property": mqtt.connect(properties=b"\x7f\0"),
            "properties beyond the end": mqtt.packet(0x10, mqtt.string("MQTT") + bytes([5, 2, 0, 0, 99]) + name),
        }
        later = {
            "second CONNECT": five, "QoS 3": b"\x36\x05\0\x01a\0\x01", "empty topic": mqtt.publish("", b"x"),
            "wildcard in a topic": mqtt.publish("a/#", b"x"), "NUL in a topic": mqtt.publish("a\0", b"x"),
            "topic beyond the end": b"\x30\x04\0\x09ab", "topic that is not UTF-8": b"\x30\x05\0\x02\xc0\x80\0",
            "packet identifier 0": mqtt.publish("a", b"x", 1, 0), "no packet identifier": b"\x32\x03\0\x01a",
            "Remaining Length of five bytes": b"\x30\xff\xff\xff\xff\x01", "longer than allowed": b"\x30\xff\xff\xff\x7f",
            "PUBACK of nothing": mqtt.acknowledgement(0x40, 1), "PUBACK cut short": b"\x40\x01\0",
            "PUBREL with other flags": mqtt.acknowledgement(0x60, 1), "SUBSCRIBE without a filter": b"\x82\x03\0\x01\0",
            "SUBSCRIBE with other flags": b"\x80" + mqtt.subscribe("a")[1:], "empty filter": mqtt.subscribe(""),
            "SUBSCRIBE at QoS 3": mqtt.subscribe("a", 3), "filter beyond the end": b"\x82\x06\0\x01\0\0\x09a",
            "packet identifier 0 of SUBSCRIBE": mqtt.subscribe("a", identifier=0), "type 0": b"\0\0",
            "a packet of a server": b"\xd0\0", "AUTH": b"\xf0\0", "PINGREQ with a body": b"\xc0\x01x",
        }
        for title, bad in {**first, **later}.items():
            with self.subTest(title):
                client = self.client(handshake=b"" if title in first else None)
                client.send(bad)
                while answer := client.receive():
                    self.assertEqual(answer[0] & 0xF0, 0xD0)
        self.assert_alive()

    def test_disconnect_ends_the_connection(self):
        client = self.client()
        client.send(b"\xe0\0")
        self.assertEqual(client.receive(), b"")

    def test_more_than_the_receive_maximum_ends_the_connection(self):
        client = self.client()
        client.send(*[mqtt.publish("a", b"", 2, i + 1) for i in range(1001)])
        while client.receive():
            pass
        self.assert_alive()

    def test_noise_does_not_end_the_broker(self):
        noise = random.Random(5)
        samples = [mqtt.connect(), mqtt.subscribe("a", 2), mqtt.publish("a", b"x" * 50, 2), mqtt.unsubscribe("a"),
                   mqtt.acknowledgement(0x40, 1), mqtt.acknowledgement(0x62, 1), mqtt.publish("a", b"y" * 9000, 1)]
        for _ in range(2000):
            data = bytearray(b"".join([mqtt.connect(), *noise.choices(samples, k=6)]))
            for _ in range(noise.randrange(4)):
                data[noise.randrange(len(data))] = noise.randrange(256)
            with Client(self.port, handshake=b"") as client:
                client.socket.sendall(data[:noise.randrange(len(data))])
        self.assert_alive()


if __name__ == "__main__":
    unittest.main()
