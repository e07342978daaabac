# SPDX-License-Identifier: Apache-2.0
# Erlang terms in the external format, as far as the control maps and messages of a cluster link need them, and wrong
# ones on purpose. A written atom is Atom("ok"); bytes are binaries; str is not used.
import struct
import zlib


class Atom(str):
    """An Erlang atom."""


def term(value):
    if isinstance(value, bool):
        return term(Atom("true" if value else "false"))
    if isinstance(value, Atom):
        return b"\x77" + bytes([len(value)]) + value.encode()
    if isinstance(value, int):
        if 0 <= value < 256:
            return b"\x61" + bytes([value])
        if -2**31 <= value < 2**31:
            return b"\x62" + struct.pack(">i", value)
        size = (abs(value).bit_length() + 7) // 8
        return b"\x6e" + bytes([size, value < 0]) + abs(value).to_bytes(size, "little")
    if isinstance(value, bytes):
        return b"\x6d" + struct.pack(">I", len(value)) + value
    if isinstance(value, tuple):
        return b"\x68" + bytes([len(value)]) + b"".join(map(term, value))
    if isinstance(value, list):
        return b"\x6c" + struct.pack(">I", len(value)) + b"".join(map(term, value)) + b"\x6a" if value else b"\x6a"
    return b"\x74" + struct.pack(">I", len(value)) + b"".join(term(k) + term(v) for k, v in value.items())


def encode(value, compressed=False):
    plain = term(value)
    return b"\x83" + (b"\x50" + struct.pack(">I", len(plain)) + zlib.compress(plain) if compressed else plain)


def actor_init(target, actor=b"intruder@host", incarnation=1):
    return encode({10: actor, 11: incarnation, 13: target, 14: 1, Atom("$op"): b"actor_init"})


def routes(operations, actor=b"intruder@host", incarnation=1):
    return encode({10: actor, 11: incarnation, 12: operations, Atom("$op"): b"route"})


def message(topic, payload, qos=1, compressed=False):
    return encode((Atom("message"), bytes(16), qos, b"dev1", {}, {}, topic, payload, 1735689600123, {}), compressed)


def hostile():
    """name -> a payload that is no proper term, or too much of one."""
    deep = b"\x83" + b"\x68\x01" * 200_000 + b"\x6a"
    size = 1 << 27
    bomb = zlib.compress(b"\x6d" + struct.pack(">I", size) + bytes(size), 6)
    return {
        "empty": b"",
        "no version byte": b"\x74\x00\x00\x00\x00",
        "truncated map": actor_init(b"left")[:-9],
        "binary past the end": b"\x83\x6d\xff\xff\xff\xff" + b"x" * 10,
        "four thousand million list elements": b"\x83\x6c\xff\xff\xff\xff\x6a",
        "four thousand million map pairs": b"\x83\x74\xff\xff\xff\xff",
        "four thousand million tuple elements": b"\x83\x69\xff\xff\xff\xff",
        "deep nesting": deep,
        "zip bomb": b"\x83\x50" + struct.pack(">I", size + 5) + bomb,
        "zip bomb that lies about its size": b"\x83\x50" + struct.pack(">I", 10) + bomb,
        "compressed noise": b"\x83\x50\x00\x00\x00\x10" + b"\xa5" * 40,
        "big number of 4 GB": b"\x83\x6f\xff\xff\xff\xff\x00",
        "unknown operation": encode({10: b"a", 11: 1, Atom("$op"): b"explode"}),
        "a map without operation": encode({10: b"a", 11: 1}),
        "not a map": encode([b"x", 1000]),
        "routes before actor_init": routes([(b"#", b"#")]),
        "duplicate keys": b"\x83\x74\x00\x00\x00\x02" + term(10) + term(b"a") + term(10) + term(b"b"),
        "improper list": b"\x83\x6c\x00\x00\x00\x01\x61\x01\x61\x02",
        "a process identifier": b"\x83\x58" + bytes(40),
    }
