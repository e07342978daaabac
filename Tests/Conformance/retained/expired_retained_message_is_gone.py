# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import _has_retained, stored
from Support.suite import v5
from Support.wait import until


@v5("MQTT-3.3.2-5")
def expired_retained_message_is_gone(case):
    """A retained message is not sent after its expiry interval."""
    stored(case, props={"message_expiry": 1})
    until(lambda: not _has_retained(case, "t"), "the message expires", interval=0.2)
