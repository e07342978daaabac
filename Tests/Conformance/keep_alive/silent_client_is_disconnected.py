# SPDX-License-Identifier: Apache-2.0
import time

from Conformance.keep_alive.parts import silent_client
from Support.suite import both, check


@both("MQTT-3.1.2-22", "MQTT-3.2.2-22")
def silent_client_is_disconnected(case):
    """A client that is silent for one and a half times its Keep Alive is disconnected, not earlier."""
    client, start = silent_client(case)
    client.expect_end(reasons=[0x8D])
    elapsed = time.monotonic() - start
    check(elapsed >= 1.45, f"after {elapsed:.2f} s already")
    check(elapsed < 6, f"after {elapsed:.2f} s only")
