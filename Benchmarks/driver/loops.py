# SPDX-License-Identifier: Apache-2.0
"""What a second event loop costs, from a run with one loop on a core and one with two loops on two cores.

The load generator has one of the two cores as well, so the rate of the second run says nothing. The CPU time of a message
does; from it follows the rate that two loops would reach with a core each, if they are as busy there.
"""

NEED = "two-loops"


def combine(one: dict, two: dict) -> dict:
    """Marks are of the run with one loop: with two, waiting for the generator's core is part of the situation."""
    faults = {key: max(one[key], two[key], key=abs) for key in ("missing", "disorder", "refused")}
    return {
        **one, **faults, "two": two,
        "ns_one": one["broker_ns"], "ns_two": two["broker_ns"],
        "ns_ratio": two["broker_ns"] / one["broker_ns"] if one["broker_ns"] else 0.0,
        "computed_rate": 2 * _busy(two) * 1e9 / two["broker_ns"] if two["broker_ns"] else 0.0,
    }


def _busy(two: dict) -> float:
    """The share of the time in which a loop ran or would have run if the core had been its own."""
    return min(1.0, (two["broker_cpu"] + two["broker_waiting"]) / 2)
