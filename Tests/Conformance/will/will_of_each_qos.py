# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched, will_of
from Support.suite import both


def qos_case(qos):
    def published(case):
        watcher, mortal = watched(case, qos=2, will=will_of(case, qos=qos))
        mortal.close()
        watcher.receive("gone", qos=qos)
    published.__name__ = f"will_of_qos_{qos}"
    published.__doc__ = f"A will of QoS {qos} is published at that QoS."
    return published


for level in range(3):
    both("MQTT-3.1.2-12")(qos_case(level))
