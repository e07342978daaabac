# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-3.1.3-5")
def client_id_of_23_letters_and_digits_is_accepted(case):
    """A client identifier of 23 letters and digits is accepted."""
    case.client(client_id=f"Az09{case.number:019d}")
