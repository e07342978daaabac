# SPDX-License-Identifier: Apache-2.0
# The ways to a broker: tcp, ssl, ws, wss and unix. What `dial` answers is used like a socket; over WebSocket it speaks
# frames underneath, with one binary frame for each `sendall`.
import base64
import hashlib
import os
import socket
import ssl
import struct
import subprocess

from .wait import PATIENCE, TestFailure, check, equal, until

KINDS = ("tcp", "ssl", "ws", "wss", "unix")
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Address(tuple):
    """(host, port) that knows how to speak there; of a Unix socket, (path, 0)."""

    def __new__(cls, host, port, transport="tcp"):
        address = super().__new__(cls, (host, port))
        address.transport = transport
        return address


class _TLSSocket(ssl.SSLSocket):
    def shutdown(self, how):
        """Half-closes TCP and goes on reading TLS, where Python would forget about TLS."""
        socket.socket.shutdown(self, how)


def dial(address):
    """A connection on which MQTT may be spoken."""
    plain = connect(address)
    return WebSocket(plain).upgrade() if getattr(address, "transport", "tcp") in ("ws", "wss") else plain


def connect(address):
    """The same without a WebSocket's handshake."""
    kind = getattr(address, "transport", "tcp")
    if kind == "unix":
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(PATIENCE)
        plain.connect(address[0])
    else:
        plain = socket.create_connection(address, timeout=PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if kind in ("ssl", "wss"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Who the broker is, is not the behaviour in question.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.sslsocket_class = _TLSSocket
        plain = context.wrap_socket(plain)
    return plain


def wait_until_open(address):
    """A broker opens its listeners one after the other."""
    def is_open():
        try:
            connect(address).close()
            return True
        except OSError:
            return False
    until(is_open, f"a listener is open at {address}")


def certificate(folder):
    """A self-signed certificate and its key in `folder`, as options of a listener."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"openssl made no certificate: {done.stderr}")
    return f'ssl_options {{ certfile = "{folder}/certificate.pem", keyfile = "{folder}/key.pem" }}'


def listener(transport, port, folder, more=""):
    """HOCON of a listener for that transport, and its address."""
    if transport == "unix":
        path = f"{folder}/socket"
        return f'listeners.tcp.under_test {{ bind = "unix:{path}"\n{more} }}\n', Address(path, 0, "unix")
    if transport in ("ssl", "wss"):
        more += "\n" + certificate(folder)
    text = f'listeners.{transport}.under_test {{ bind = "127.0.0.1:{port}"\n{more} }}\n'
    return text, Address("127.0.0.1", port, transport)


def masked(data, mask):
    if not data:
        return b""
    pattern = (mask * (len(data) // 4 + 1))[:len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(pattern, "big")).to_bytes(len(data), "big")


def frame(opcode, payload=b"", final=True, mask=None, reserved=0):
    """A client's frame."""
    mask = os.urandom(4) if mask is None else mask
    if len(payload) < 126:
        length = bytes([0x80 | len(payload)])
    elif len(payload) < 65536:
        length = b"\xFE" + struct.pack(">H", len(payload))
    else:
        length = b"\xFF" + struct.pack(">Q", len(payload))
    return bytes([(0x80 if final else 0) | reserved | opcode]) + length + mask + masked(payload, mask)


class WebSocket:
    """The client's end of a WebSocket on a connected socket. It answers nothing but Pings, and those only in `recv`."""

    def __init__(self, plain):
        self.plain, self.buffer = plain, b""
        self.status, self.fields, self.close_code = None, {}, None

    def __getattr__(self, name):
        # settimeout, setsockopt, shutdown and whatever else a test does to a socket
        return getattr(self.plain, name)

    # ---- handshake ----

    def upgrade(self, path="/mqtt", protocols="mqtt", fields=()):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        if protocols:
            lines.append(f"Sec-WebSocket-Protocol: {protocols}")
        self.plain.sendall(("\r\n".join([*lines, *fields]) + "\r\n\r\n").encode())
        self.response()
        equal(self.status, 101, "status of the handshake")
        proof = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        equal(self.fields.get("sec-websocket-accept"), base64.b64encode(proof).decode(), "Sec-WebSocket-Accept")
        return self

    def response(self):
        """Reads the head of an HTTP response; what comes behind it stays in the buffer."""
        while b"\r\n\r\n" not in self.buffer:
            check(self._more(), f"the broker closed the connection; there came {self.buffer!r}")
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.status = int(first.split(" ")[1])
        self.fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return self

    # ---- frames ----

    def _more(self):
        data = self.plain.recv(65536)
        self.buffer += data
        return bool(data)

    def next_frame(self):
        """The opcode and the payload of the broker's next frame; None at the end of the stream."""
        while True:
            found = self._parse()
            if found or not self._more():
                return found

    def _parse(self):
        data = self.buffer
        if len(data) < 2:
            return None
        check(data[0] & 0xF0 == 0x80, f"a frame of the broker is fragmented or has reserved bits: {data[:16].hex()}")
        check(data[1] < 0x80, f"a frame of the broker is masked: {data[:16].hex()}")
        start, length = 2, data[1]
        if length > 125:
            start = 4 if length == 126 else 10
            if len(data) < start:
                return None
            length = int.from_bytes(data[2:start], "big")
            check(length > (125 if start == 4 else 65535), f"a length is not in its shortest form: {data[:16].hex()}")
        if len(data) < start + length:
            return None
        self.buffer = data[start + length:]
        return data[0] & 0x0F, data[start:start + length]

    def expect_close(self, code):
        """The next frame but data closes with `code`, None for a Close frame without one; then the stream ends."""
        while True:
            found = self.next_frame()
            check(found is not None, f"the broker closed without a Close frame; expected {code}")
            if found[0] == CLOSE:
                break
        self.close_code = int.from_bytes(found[1][:2], "big") if found[1] else None
        equal(self.close_code, code, "code of the Close frame")
        check(self.next_frame() is None, "frames came behind the Close frame")

    # ---- as a socket ----

    def sendall(self, data):
        self.plain.sendall(frame(BINARY, data))

    def recv(self, _):
        while True:
            found = self.next_frame()
            if found is None:
                return b""
            opcode, payload = found
            if opcode == BINARY:
                if payload:
                    return payload
            elif opcode == PING:
                self.plain.sendall(frame(PONG, payload))
            elif opcode == CLOSE:
                self.close_code = int.from_bytes(payload[:2], "big") if payload else None
                return b""
            elif opcode != PONG:
                raise TestFailure(f"the broker sent a frame of opcode {opcode}")  # [MQTT-6.0.0-1]
