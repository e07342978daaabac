# SPDX-License-Identifier: Apache-2.0
from Conformance.keep_alive.parts import silent_client
from Support.suite import both


@both()
def long_keep_alive_outlasts_a_short_one(case):
    """Each connection has a Keep Alive of its own."""
    patient = case.client("patient", keepalive=30)
    client, _ = silent_client(case)
    client.expect_end()
    patient.ping()
