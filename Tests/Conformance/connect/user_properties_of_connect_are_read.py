# SPDX-License-Identifier: Apache-2.0
from Support.suite import v5


@v5()
def user_properties_of_connect_are_read(case):
    """A CONNECT may carry every property it is allowed to carry."""
    case.client(props={
        "session_expiry": 0, "receive_maximum": 10, "maximum_packet_size": 100000, "topic_alias_maximum": 5,
        "request_response_information": 1, "request_problem_information": 1, "user_property": [("a", "1"), ("a", "2")]})
