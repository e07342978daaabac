# SPDX-License-Identifier: Apache-2.0
# MQTT over WebSocket: what a listener takes for a handshake and for frames, its settings, and how connections end. That
# MQTT itself is the same over ws is what `Tests/run.py --transport ws` shows.
import re

from Support import mqtt
from Support.broker import Isthmus, config, scratch
from Support.client import Client
from Support.ports import free_port
from Support.suite import TESTS, behaviour, check
from Support.transports import BINARY, CLOSE, PING, PONG, WebSocket, connect, dial, frame, listener, wait_until_open
from Support.wait import equal, until

GOOD = ("Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n")


class Served(Isthmus):
    """A broker with one WebSocket listener; `options` go into its `websocket` block, `beside` stands beside that."""

    def __init__(self, case, options="", more="", transport="ws", beside=""):
        block = f"websocket {{ {options} }}\n{beside}"
        text, self.web = listener(transport, free_port(), scratch("listener"), block)
        super().__init__("websocket", lambda port: config(port, extra=text + more))
        case.finally_(self.kill)
        self.start()
        wait_until_open(self.web)

    def plain(self):
        """A WebSocket client whose handshake has not begun."""
        return WebSocket(connect(self.web))

    def speaker(self, name="c", version=5, **options):
        return Client(self.web, version, name).open(**options)

    def frames(self):
        """A WebSocket on which a client is connected already, for frames by hand."""
        web = dial(self.web)
        web.sendall(mqtt.connect(4, ""))
        equal(web.recv(0)[:1], b"\x20", "first byte of the CONNACK")
        return web


def samples(file):
    for line in (TESTS / "Corpus/websocket" / file).read_text().splitlines():
        if not line.startswith("#"):
            yield [field.strip() for field in line.split("|", 2)]


def unescaped(text):
    known = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}
    return re.sub(r"\\(x..|.)", lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "x" else known[m[1]],
                  text).replace("{good}", GOOD).replace("{long}", "a" * 9000).encode("latin-1")


@behaviour()
def malformed_requests_are_refused(case):
    """Each request of the corpus gets its status; what is refused is closed, and the broker goes on."""
    broker = Served(case, beside="enable_authn = false")
    for name, status, text in samples("handshakes.txt"):
        web = broker.plain()
        web.plain.sendall(unescaped(text))
        equal(web.response().status, int(status), f"status of {name}")
        if web.status == 426:
            equal(web.fields.get("upgrade"), "websocket", f"Upgrade of {name}")
        if web.status != 101:
            equal(web.fields.get("connection"), "close", f"Connection of {name}")
            length = int(web.fields["content-length"])
            while web._more():
                pass
            equal(len(web.buffer), length, f"Content-Length of {name}")
        web.close()
    broker.speaker().disconnect()


@behaviour("MQTT-6.0.0-1")
def malformed_frames_close_with_their_code(case):
    """Each frame of the corpus is answered by a Close frame with its code, after what came before it."""
    broker = Served(case)
    for name, code, text in samples("frames.txt"):
        web = broker.frames()
        web.plain.sendall(frame(BINARY, mqtt.pingreq()))
        equal(web.recv(0), b"\xD0\x00", f"PINGRESP before {name}")
        web.plain.sendall(bytes.fromhex(text))
        try:
            web.expect_close(None if code == "-" else int(code))
        except AssertionError as failure:
            raise AssertionError(f"{name}: {failure}") from None
        web.close()
    broker.speaker().disconnect()


@behaviour("MQTT-6.0.0-2")
def frames_and_packets_are_cut_independently(case):
    """Several packets in one frame, and one packet over several frames or fragments, are the same to the broker."""
    broker = Served(case)
    ears = broker.speaker("ears")
    ears.subscribe("t")
    web = broker.frames()
    packets = b"".join(mqtt.publish(4, "t", str(n).encode()) for n in range(3))
    web.plain.sendall(frame(BINARY, packets))
    for byte in packets:
        web.plain.sendall(frame(BINARY, bytes([byte])))
    web.plain.sendall(frame(BINARY, packets[:7], final=False) + frame(PING, b"between") + frame(PONG)
                      + frame(0, b"", final=False) + frame(0, packets[7:]))
    for _ in range(3):
        for n in range(3):
            ears.receive(str(n))
    equal(web.next_frame(), (PONG, b"between"), "answer to the Ping")
    web.plain.sendall(frame(BINARY, b""))
    web.plain.sendall(frame(BINARY, mqtt.pingreq() * 3))
    equal(web.next_frame(), (BINARY, b"\xD0\x00" * 3), "three answers of one turn")


@behaviour()
def a_slow_reader_gets_whole_frames(case):
    """Frames that the socket takes piece by piece arrive whole, with pongs between them and not inside."""
    for transport in ("ws", "wss"):
        broker = Served(case, beside="tcp_options.sndbuf = 16KB", transport=transport)
        slow, mouth = broker.speaker("slow"), broker.speaker("mouth")
        slow.subscribe("t", qos=1)
        bodies = [bytes([n]) * size for n, size in enumerate([9, 400_000, 20_000, 70, 700_000, 8192, 126, 65_536])]
        for _ in range(3):
            for body in bodies:
                mouth.publish("t", body, qos=1)
                slow.socket.plain.sendall(frame(PING, b"p"))
        for _ in range(3):
            for body in bodies:
                slow.receive(body)
        slow.ping()
        slow.disconnect()


@behaviour()
def ends_are_told_by_their_code(case):
    """DISCONNECT ends with 1000, the end of the broker with 1001, and a Close frame is answered with its own code."""
    broker = Served(case)
    web = broker.frames()
    web.sendall(mqtt.disconnect())
    web.expect_close(1000)
    polite = broker.speaker("polite", will={"topic": "t", "payload": b"gone"})
    ears = broker.speaker("ears")
    ears.subscribe("t")
    polite.socket.plain.sendall(frame(CLOSE, b"\x03\xE8bye"))
    polite.socket.expect_close(1000)
    ears.receive("gone")
    check(broker.stop() == 0, "exit status")
    equal(ears.expect(mqtt.DISCONNECT).reason, 0x8B, "reason of the DISCONNECT")
    ears.expect_end()
    equal(ears.socket.close_code, 1001, "code at the end of the broker")


@behaviour()
def silence_ends_a_connection(case):
    """A client that is silent for idle_timeout is closed; Pings keep it."""
    broker = Served(case, "idle_timeout = 1s")
    silent, lively = broker.frames(), broker.frames()
    # The silent one hears of its end while the other one is heard of now and then.
    silent.settimeout(0.2)
    while True:
        try:
            found = silent.next_frame()
            break
        except TimeoutError:
            lively.plain.sendall(frame(PING, b"here"))
            equal(lively.next_frame(), (PONG, b"here"), "answer to the Ping")
    equal(found, (CLOSE, b"\x03\xE8"), "Close frame")
    lively.sendall(mqtt.pingreq())
    equal(lively.recv(0), b"\xD0\x00", "PINGRESP")


@behaviour()
def a_handshake_has_its_time(case):
    """A handshake that does not come to its end is closed after mqtt.idle_timeout, whatever drips in."""
    broker = Served(case, more="mqtt.idle_timeout = 1s\n")
    web = broker.plain()
    web.plain.sendall(b"GET /mqtt HTTP/1.1\r\n")
    web.settimeout(0.1)
    ended = False
    while not ended:
        try:
            web.plain.sendall(b"X: a\r\n")
            ended = not web._more()
        except TimeoutError:
            continue
        except OSError:
            ended = True
    until(lambda: "no WebSocket was asked for" in broker.log, "the log says why")


@behaviour()
def messages_may_be_limited(case):
    """A message above max_frame_size ends with 1009, its fragments counted together."""
    broker = Served(case, "max_frame_size = 100")
    for data in (frame(BINARY, bytes(101)), frame(BINARY, bytes(60), final=False) + frame(0, bytes(41))):
        web = broker.frames()
        web.plain.sendall(frame(BINARY, mqtt.publish(4, "t", bytes(90))))
        web.plain.sendall(frame(BINARY, mqtt.pingreq()))
        equal(web.recv(0), b"\xD0\x00", "PINGRESP")
        web.plain.sendall(data)
        web.expect_close(1009)


@behaviour("MQTT-6.0.0-4")
def requests_are_held_to_the_settings(case):
    """Path, subprotocols and origins are those of the listener."""
    broker = Served(case, 'mqtt_path = "/broker", supported_subprotocols = "mqtt-v5, mqtt", '
                          'check_origin_enable = true, allow_origin_absence = false, '
                          'check_origins = "https://a.example, https://b.example"')

    def status(path="/broker", protocols="mqtt", fields=("Origin: https://b.example",)):
        web = broker.plain()
        try:
            web.upgrade(path, protocols, fields)
        except AssertionError:
            pass
        web.close()
        return web.status, web.fields.get("sec-websocket-protocol")
    equal(status(), (101, "mqtt"), "a good request")
    equal(status("/"), (101, "mqtt"), "the root")
    equal(status("/mqtt"), (404, None), "another listener's path")
    equal(status(protocols="chat, mqtt, mqtt-v5"), (101, "mqtt"), "the client's first choice")
    equal(status(protocols="mqtt-v3"), (400, None), "an unknown subprotocol")
    equal(status(protocols=None), (400, None), "no subprotocol")
    equal(status(fields=("Origin: https://c.example",)), (403, None), "another origin")
    equal(status(fields=()), (403, None), "no origin")
    below = Served(case, 'mqtt_path = "/mqtt/[...]"')
    for path, expected in (("/mqtt", 101), ("/mqtt/", 101), ("/mqtt/any/thing", 101), ("/mqttx", 404)):
        web = below.plain()
        web.plain.sendall(f"GET {path} HTTP/1.1\r\n{GOOD}\r\n".encode())
        equal(web.response().status, expected, path)
    lax = Served(case, "fail_if_no_subprotocol = false")
    web = lax.plain().upgrade(protocols=None)
    check("sec-websocket-protocol" not in web.fields, "a subprotocol that nobody asked for")


@behaviour()
def a_proxys_word_makes_nobody_local(case):
    """The forwarded address is the client's for the broker, and only takes rights away."""
    broker = Served(case, transport="wss")

    def connack(*fields):
        client = Client(broker.web, 5, "", broker.plain().upgrade(fields=fields))
        client.send(mqtt.connect(5, ""))
        return client.expect(mqtt.CONNACK).reason
    equal(connack(), 0, "without a proxy")
    equal(connack("X-Forwarded-For: 127.0.0.9"), 0, "a proxy's loopback client")
    equal(connack("X-Forwarded-For: ::1, 127.0.0.1:5000", "X-Real-IP: 127.0.0.1"), 0, "loopback addresses only")
    for fields in (["X-Forwarded-For: nonsense"], ["X-Forwarded-For:"], ["Forwarded: for=192.0.2.7"],
                   ["X-Forwarded-For: 127.0.0.1, 192.0.2.7"], ["X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: 192.0.2.7"],
                   ["X-Forwarded-For: 192.0.2.7:4711"], ['Forwarded: for="[2001:db8::7]:4711"'],
                   ["X-Forwarded-For: 127.0.0.1", "X-Real-IP: 192.0.2.7"], ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=_x"],
                   ["X-Forwarded-Proto: https"], ["Via: 1.1 cache"]):
        equal(connack(*fields), 0x87, f"{fields}")
    equal(connack("X-Forwarded-For: 192.0.2.7, 127.0.0.1", "X-Forwarded-Port: 4711"), 0x87, "a distant client")
    check("192.0.2.7" in broker.log, f"the log does not name the client: {broker.tail()}")


@behaviour()
def rules_do_not_take_forwarded_clients_for_local_ones(case):
    """What a header says gives nobody the rights of this machine's own address."""
    rules = scratch("rules") / "acl.conf"
    rules.write_text('{allow, {ipaddr, "127.0.0.0/8"}, all, ["t"]}.\n{deny, all}.\n')
    broker = Served(case, beside="enable_authn = false", more="plugins = [{ name = FileACL }]\nauthorization { no_match = "
                    f'deny, sources = [{{ type = file, path = "{rules}" }}] }}\n')
    for fields, reason in (((), 0x10), (["X-Forwarded-For: 127.0.0.9"], 0x10), (["X-Forwarded-For: unknown"], 0x87),
                           (["X-Forwarded-For: 127.0.0.1, 192.0.2.7"], 0x87), (["Forwarded: for=192.0.2.7"], 0x87)):
        client = Client(broker.web, 5, "", broker.plain().upgrade(fields=fields)).open()
        equal(client.publish("t", b"x", qos=1, accepted=False).reason, reason, f"PUBACK with {fields}")


@behaviour()
def pages_of_other_sites_are_not_local(case):
    """Where clients are let in for being of this machine, a web page of another site is refused; others are not."""
    def status(broker, *fields):
        web = broker.plain()
        try:
            web.upgrade(fields=fields)
        except AssertionError:
            pass
        web.close()
        return web.status
    foreign = "Origin: https://app.example"
    local = Served(case)
    equal(status(local, foreign), 403, "a page of another site")
    equal(status(local, "Origin: null"), 403, "a page that hides its site")
    equal(status(local, "Origin: http://localhost:8000"), 101, "a page of this machine")
    equal(status(local), 101, "no page")
    until(lambda: re.search(r"\[warning\] listener ws:.* is refused with 403: .*check_origins", local.log),
          "the log names the setting")
    equal(status(Served(case, 'check_origins = "https://app.example"'), foreign), 101, "a page that is named")
    equal(status(Served(case, beside="enable_authn = false"), foreign), 101, "a listener that admits everybody")
    users = scratch("users") / "users.csv"
    users.write_text("user_id,password,is_superuser\nann,secret,false\n")
    served = Served(case, more="plugins = [{ name = PasswordAuth }]\nauthentication = [{ mechanism = password_based, backend = "
                    f'built_in_database, bootstrap_type = plain, bootstrap_file = "{users}" }}]\n')
    equal(status(served, foreign), 101, "with authentication")


@behaviour()
def a_proxys_header_comes_before_the_handshake(case):
    """Behind a PROXY header WebSocket goes on as usual, and X-Forwarded-For brings back no right that it took away."""
    broker = Served(case, beside="proxy_protocol = true")
    for source, reason in (("127.0.0.9", 0), ("192.0.2.9", 0x87)):
        web = broker.plain()
        web.plain.sendall(f"PROXY TCP4 {source} 127.0.0.1 4711 8083\r\n".encode())
        client = Client(broker.web, 5, "", web.upgrade(fields=["X-Forwarded-For: 127.0.0.1"]))
        client.send(mqtt.connect(5, ""))
        equal(client.expect(mqtt.CONNACK).reason, reason, f"reason code for {source}")


@behaviour()
def a_path_without_slash_is_refused(case):
    """A mqtt_path that no request can have stops the start, with its place."""
    text, _ = listener("ws", free_port(), scratch("listener"), 'websocket { mqtt_path = "mqtt" }')
    broker = Isthmus("refused", lambda port: config(port, extra=text))
    case.finally_(broker.kill)
    check(broker.launch().wait() != 0, "the broker started")
    check("mqtt_path" in broker.log and "isthmus.conf:" in broker.log, f"no place in {broker.log}")
