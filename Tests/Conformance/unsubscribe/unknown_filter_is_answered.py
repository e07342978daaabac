# SPDX-License-Identifier: Apache-2.0
from Support.suite import v4


@v4("MQTT-3.10.4-5")
def unknown_filter_is_answered(case):
    """In 3.1.1 an UNSUBSCRIBE of a filter that was never subscribed is answered all the same."""
    case.client().unsubscribe(case.topic("never"))
