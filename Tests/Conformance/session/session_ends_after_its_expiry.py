# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import v5
from Support.wait import equal, until


@v5("MQTT-3.1.2-23", "MQTT-4.1.0-2")
def session_ends_after_its_expiry(case):
    """A session is gone when its Session Expiry Interval has passed, and not before."""
    keeping(case, expiry=2).disconnect()
    keeping(case, "other", expiry=300).disconnect()
    client = keeping(case, expiry=2)
    equal(client.connack.session_present, True, "Session Present at once")
    client.disconnect()

    def is_gone():
        # Asking resumes the session, so each question is asked of a session that nobody has touched, and later.
        asked = len(case.clients)
        keeping(case, f"s{asked}", expiry=1).disconnect()
        case.context.pause(1.2 + 0.1 * asked)
        return not keeping(case, f"s{asked}", expiry=1).connack.session_present
    until(is_gone, "the session ends")
    equal(keeping(case, "other").connack.session_present, True, "Session Present of the longer one")
