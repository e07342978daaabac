# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched
from Support.suite import v5


@v5("MQTT-3.1.2-8")
def disconnect_with_an_error_publishes_it(case):
    """A DISCONNECT with a reason code other than 0x00 publishes the will."""
    watcher, mortal = watched(case)
    mortal.disconnect(reason=0x80)
    watcher.receive("gone")
