#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cross-checks the link's wire code with a real Erlang.

Random terms, control maps and messages: what we write must be what Erlang reads in safe mode, what Erlang writes,
plain and compressed, must be what we read.  Needs `escript` (Debian: erlang-base) and the built `etftool`.

    etf_live.py PATH-TO-ETFTOOL [COUNT [SEED]]
"""
import pathlib
import random
import subprocess
import sys

RETAIN, CONTENT_TYPE, RESPONSE_TOPIC, CORRELATION, FORMAT, EXPIRY, USERNAME = 1, 4, 8, 16, 32, 64, 128


class Tool:
    """A process that answers each line with a line."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.process.args[0]} ended at: {line[:200]}")
        return answer.strip()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def erl_binary(data):
    return "<<" + ",".join(str(byte) for byte in data) + ">>"


def hex_of(data):
    return data.hex() or "-"


class Checks:
    def __init__(self, etftool, erlang, generator):
        self.etftool, self.erlang, self.random = etftool, erlang, generator
        self.count, self.failures = 0, []

    def expect(self, what, got, wanted):
        self.count += 1
        if got != wanted:
            self.failures.append(f"{what}: got {got[:300]!r}, wanted {wanted[:300]!r}")

    # Random parts

    def data(self, longest):
        return bytes(self.random.randrange(256) for _ in range(self.random.randrange(longest + 1)))

    def text(self, longest):
        letters = "abcxyz/019-_é€"
        return "".join(self.random.choice(letters) for _ in range(self.random.randrange(1, longest + 1))).encode()

    def integer(self):
        bits = self.random.choice([0, 4, 8, 9, 27, 28, 31, 32, 33, 47, 62])
        value = self.random.getrandbits(bits) if bits else 0
        return self.random.choice([value, -value])

    def term(self, depth=0):
        """The Erlang text of a term without maps that have several atom keys: their order is Erlang's own."""
        kinds = ["integer", "binary", "atom", "empty"] + (["tuple", "list", "bytes", "map"] if depth < 4 else [])
        kind = self.random.choice(kinds)
        parts = lambda: ",".join(self.term(depth + 1) for _ in range(self.random.randrange(5)))
        if kind == "integer":
            return str(self.integer())
        if kind == "binary":
            return erl_binary(self.data(40))
        if kind == "atom":
            return self.random.choice(["true", "false", "undefined", "'$op'", "message", "'Content-Type'"])
        if kind == "empty":
            return "[]"
        if kind == "tuple":
            return "{" + parts() + "}"
        if kind == "list":
            return "[" + parts() + "]"
        if kind == "bytes":
            return "[" + ",".join(str(byte) for byte in self.data(30)) + "]"
        keys = sorted({self.random.randrange(300) for _ in range(self.random.randrange(5))})
        return "#{" + ",".join(f"{key} => {self.term(depth + 1)}" for key in keys) + "}"

    # The three kinds

    def check_term(self):
        text = self.term()
        plain, compressed, utf8 = self.erlang.ask(f"encode {text}.").split()
        ours = self.etftool.ask(f"term {plain}")
        self.expect(f"term {text} to Erlang", self.erlang.ask(f"check {ours} {text}."), "ok")
        self.expect(f"term {text} byte for byte", ours, utf8)
        self.expect(f"compressed term {text}", self.etftool.ask(f"term {compressed}"), ours)

    def check_both(self, kind, fields, text, reads=None):
        written = self.etftool.ask(f"write-{kind} {fields}")
        self.expect(f"{kind} {fields} to Erlang", self.erlang.ask(f"check {written} {text}."), "ok")
        for encoding in self.erlang.ask(f"encode {text}.").split():
            self.expect(f"{kind} {fields} from Erlang", self.etftool.ask(f"read-{kind} {encoding}"), reads or fields)
        return written

    def check_control(self):
        actor, incarnation = self.text(20), abs(self.integer())
        operation = self.random.choice(["actor_init", "actor_init_ack", "route", "heartbeat"])
        head = f"10 => {erl_binary(actor)}"
        tail = f"'$op' => {erl_binary(operation.encode())}"
        fields = f"{operation} {hex_of(actor)}"
        if operation == "actor_init":
            target = self.text(20)
            fields += f" {incarnation} {hex_of(target)}"
            text = f"#{{{head}, 11 => {incarnation}, 13 => {erl_binary(target)}, 14 => 1, {tail}}}"
        elif operation == "actor_init_ack":
            reason = self.random.choice([None, b"unknown_cluster", self.text(30)])
            bootstrap = self.random.choice(["true", "false", "undefined"])
            fields += f" {hex_of(reason or b'')} {bootstrap}"
            result = f"{{error, {erl_binary(reason)}}}" if reason else "ok"
            text = f"#{{{head}, 14 => 1, 15 => {result}, 16 => {bootstrap}, {tail}}}"
        elif operation == "heartbeat":
            fields += f" {incarnation}"
            text = f"#{{{head}, 11 => {incarnation}, {tail}}}"
        else:
            routes = []
            fields += f" {incarnation}"
            for _ in range(self.random.choice([0, 1, 2, 50])):
                name, identifier, delete = self.text(30), self.text(30), self.random.random() < 0.4
                routes.append(f"{{{'100,' if delete else ''}{erl_binary(name)},{erl_binary(identifier)}}}")
                fields += f" {'d' if delete else 'a'}{name.hex()}:{identifier.hex()}"
            text = f"#{{{head}, 11 => {incarnation}, 12 => [{','.join(routes)}], {tail}}}"
        written = self.check_both("control", fields, text)
        self.expect(f"control {fields} byte for byte", written, self.erlang.ask(f"encode {text}.").split()[2])

    def check_message(self):
        flags = self.random.getrandbits(8) & ~2
        has = lambda flag: bool(flags & flag)
        topic, publisher, payload = self.text(40), self.text(20), self.data(300)
        qos, level, time = self.random.randrange(3), self.random.choice([3, 4, 5]), self.random.getrandbits(44)
        username = self.text(10) if has(USERNAME) else b""
        content_type, reply = self.text(20) if has(CONTENT_TYPE) else b"", self.text(20) if has(RESPONSE_TOPIC) else b""
        correlation = self.data(20) if has(CORRELATION) else b""
        expiry = self.random.getrandbits(32) if has(EXPIRY) else 0
        payload_format = self.random.randrange(2) if has(FORMAT) else 0
        pairs = [(self.text(5), self.text(5)) for _ in range(self.random.randrange(4))]
        host, peer = self.random.choice([
            ("10.1.2.255", "{10,1,2,255}"), ("0.0.0.0", "{0,0,0,0}"), ("::1", "{0,0,0,0,0,0,0,1}"),
            ("2001:db8::f:1", "{8193,3512,0,0,0,0,15,1}"),
        ])
        port = self.random.randrange(65536)
        properties = []
        if has(CONTENT_TYPE):
            properties.append(f"'Content-Type' => {erl_binary(content_type)}")
        if has(CORRELATION):
            properties.append(f"'Correlation-Data' => {erl_binary(correlation)}")
        if has(EXPIRY):
            properties.append(f"'Message-Expiry-Interval' => {expiry}")
        if has(FORMAT):
            properties.append(f"'Payload-Format-Indicator' => {payload_format}")
        if has(RESPONSE_TOPIC):
            properties.append(f"'Response-Topic' => {erl_binary(reply)}")
        if pairs:
            list_text = ",".join(f"{{{erl_binary(name)},{erl_binary(value)}}}" for name, value in pairs)
            properties.append(f"'User-Property' => [{list_text}]")
        headers = (
            f"client_attrs => #{{}}, peerhost => {peer}, peername => {{{peer},{port}}}, "
            f"properties => #{{{','.join(properties)}}}, proto_ver => {level}, protocol => mqtt, "
            f"username => {erl_binary(username) if has(USERNAME) else 'undefined'}"
        )
        identifier = erl_binary((1).to_bytes(8, "big") + (2).to_bytes(6, "big") + (3).to_bytes(2, "big"))
        text = (
            f"{{message, {identifier}, {qos}, {erl_binary(publisher)}, "
            f"#{{dup => false, retain => {'true' if has(RETAIN) else 'false'}}}, #{{{headers}}}, {erl_binary(topic)}, "
            f"{erl_binary(payload)}, {time}, #{{}}}}"
        )
        user = ",".join(f"{name.hex()}:{value.hex()}" for name, value in pairs) or "-"
        self.check_both("message", " ".join([
            hex_of(topic), str(qos), str(flags), hex_of(publisher), hex_of(username), host.encode().hex(), str(port),
            str(level), str(time), hex_of(content_type), hex_of(reply), hex_of(correlation), str(expiry),
            str(payload_format), user, hex_of(payload),
        ]), text)


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    erlang = Tool("escript", str(pathlib.Path(__file__).with_name("etf_live.escript")))
    etftool = Tool(sys.argv[1])
    checks = Checks(etftool, erlang, random.Random(seed))
    for _ in range(count):
        checks.check_term()
        checks.check_control()
        checks.check_message()
    etftool.end()
    erlang.end()
    for failure in checks.failures[:10]:
        print(failure)
    print(f"{checks.count} checks, {len(checks.failures)} failures, seed {seed}")
    sys.exit(1 if checks.failures else 0)


main()
