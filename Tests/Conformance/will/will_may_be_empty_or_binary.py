# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched, will_of
from Support.suite import both


@both("MQTT-3.1.2-9")
def will_may_be_empty_or_binary(case):
    """A will's payload may be empty, or any bytes."""
    for payload in (b"", bytes(range(256))):
        watcher, mortal = watched(case, will=will_of(case, payload=payload))
        mortal.close()
        watcher.receive(payload)
