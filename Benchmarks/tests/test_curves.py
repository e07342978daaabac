# SPDX-License-Identifier: Apache-2.0
"""The pictures of the curves, and the client that makes them, on figures and peers made up for the purpose."""

import pathlib
import socket
import sys
import threading
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from curves import client, measure, plot  # noqa: E402


class PlotTests(unittest.TestCase):
    def test_the_axis_ends_at_ones_twos_and_fives(self):
        for least, most, expected in ((30, 400, (20, 500)), (1, 10, (1, 10)), (45, 55, (10, 200)),
                                      (0.3, 7, (0.2, 10))):
            scale = plot.vertical(least, most)
            self.assertAlmostEqual(scale.least, expected[0])
            self.assertAlmostEqual(scale.most, expected[1])

    def test_a_scale_is_logarithmic(self):
        scale = plot.Scale(1, 100, 0, 200)
        self.assertEqual([round(scale(value)) for value in (1, 10, 100)], [0, 100, 200])

    def test_numbers_are_short(self):
        self.assertEqual([plot.short(value) for value in (1, 0.5, 999, 1000, 15_000, 1_000_000)],
                         ["1", "0.5", "999", "1 k", "15 k", "1 M"])

    def test_names_do_not_overlap(self):
        x, y = plot.Scale(1, 10, 0, 100), plot.Scale(1, 100, plot.BOTTOM, plot.TOP)
        for value in (1.0, 50.0, 100.0):
            lines = [(f"c{i}", f"line {i}", {1: [value], 10: [value]}) for i in range(6)]
            places = sorted(float(text.split('y="')[1].split('"')[0]) for text in plot.names(lines, x, y))
            self.assertTrue(all(b - a > plot.LABEL_HEIGHT - 0.2 for a, b in zip(places, places[1:])), places)
            self.assertLessEqual(places[-1], plot.BOTTOM + 5)

    def test_a_picture_has_each_point(self):
        figures = {1: [50.0, 60.0, 55.0], 10: [70.0], 100: [65.0, 66.0]}
        text = plot.draw("Title & more", "axis", "unit", 10, [("c0", "one", figures), ("r0", "two", figures)])
        picture = xml.etree.ElementTree.fromstring(text)
        circles = [one for one in picture.iter() if one.tag.endswith("circle")]
        self.assertEqual(len(circles), 6)
        for circle in circles:
            self.assertTrue(plot.LEFT <= float(circle.get("cx")) <= plot.RIGHT)
            self.assertTrue(plot.TOP <= float(circle.get("cy")) <= plot.BOTTOM)


class ClientTests(unittest.TestCase):
    def test_lengths(self):
        self.assertEqual(client.packet(0x30, b"x" * 127)[:2], b"\x30\x7f")
        self.assertEqual(client.packet(0x30, b"x" * 128)[:3], b"\x30\x80\x01")
        self.assertEqual(client.packet(0x30, b"x" * 20_000)[:4], b"\x30\xa0\x9c\x01")

    def peer(self, answers: dict[int, bytes], echoes: bool = True) -> int:
        """A broker of one connection that answers a packet by its first byte, or sends it back."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            peer, _ = listener.accept()
            with peer:
                while data := peer.recv(1 << 16):
                    if data[0] in answers:
                        peer.sendall(answers[data[0]])
                    elif echoes:
                        peer.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        return listener.getsockname()[1]

    def test_a_portion_comes_back(self):
        one = client.Client(self.peer({0x10: b"\x20\x02\0\0"}), "one")
        self.addCleanup(one.close)
        exchange = client.Exchange(one, [])
        portion = client.publish(b"a/b") * 10_000
        exchange.send(portion, len(portion))
        exchange.close()

    def test_refusals_are_told(self):
        with self.assertRaisesRegex(client.ClientError, "refused the connection"):
            client.Client(self.peer({0x10: b"\x20\x02\0\x05"}), "one")
        one = client.Client(self.peer({0x10: b"\x20\x02\0\0", 0x82: b"\x90\x03\0\1\x80"}), "one")
        self.addCleanup(one.close)
        with self.assertRaisesRegex(client.ClientError, "refused subscriptions, such as a/b"):
            one.subscribe([b"a/b"])

    def test_filters_and_topics_differ(self):
        self.assertEqual(len({measure.site(number) for number in range(100_000)}), 100_000)


if __name__ == "__main__":
    unittest.main()
