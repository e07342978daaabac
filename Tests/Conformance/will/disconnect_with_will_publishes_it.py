# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched
from Support.suite import v5


@v5("MQTT-3.1.2-8")
def disconnect_with_will_publishes_it(case):
    """A DISCONNECT with reason code 0x04 publishes the will."""
    watcher, mortal = watched(case)
    mortal.disconnect(reason=0x04)
    watcher.receive("gone")
