# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-4.13.1-1")
def noise_is_closed(case):
    """A connection that begins with something else than MQTT is closed, the bystander is not."""
    bystander = case.client("bystander")
    for noise in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x77" * 500,
                  b"\xff" * 64, b"\x00" * 64, b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n"):
        client = case.dial()
        client.send(noise)
        client.expect_end()
        bystander.ping()
