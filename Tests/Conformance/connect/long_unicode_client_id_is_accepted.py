# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-3.1.3-4")
def long_unicode_client_id_is_accepted(case):
    """A long client identifier of any UTF-8 characters is accepted as it is."""
    case.client(client_id=case.id("日本語-ünï-") + "x" * 100)
