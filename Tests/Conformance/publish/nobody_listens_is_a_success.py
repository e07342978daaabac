# SPDX-License-Identifier: Apache-2.0
from Support.suite import check, v5


@v5("MQTT-3.4.2-1")
def nobody_listens_is_a_success(case):
    """A QoS 1 PUBLISH that nobody subscribes to is acknowledged with 0x00 or 0x10."""
    check(case.client().publish(case.topic(), b"x", qos=1).reason in (0x00, 0x10), "another reason code")
