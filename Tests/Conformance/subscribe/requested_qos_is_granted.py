# SPDX-License-Identifier: Apache-2.0
from Support.suite import both
from Support.wait import equal


@both("MQTT-3.8.4-7")
def requested_qos_is_granted(case):
    """QoS 0, 1 and 2 are granted as requested."""
    client = case.client()
    for qos in range(3):
        equal(client.subscribe(case.topic(str(qos)), qos=qos).reasons, [qos], "granted")
