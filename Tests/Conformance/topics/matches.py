# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


DEEP = "/".join("abcdefghij" * 3)

# (what it shows, filter, topics that match, topics that do not); all below a level of the test's own.
MATCHES = [
    ("plus_is_one_level", "a/+/c", ["a/b/c", "a//c", "a/x y/c"], ["a/c", "a/b/x/c", "a/b/d"]),
    ("plus_at_the_end", "a/+", ["a/b", "a/"], ["a", "a/b/c"]),
    ("plus_alone_is_one_level", "+", ["a", "b"], ["a/b", "/a"]),
    ("plus_twice", "+/+", ["a/b", "/", "a/"], ["a", "a/b/c"]),
    ("hash_is_the_level_and_all_below", "a/#", ["a", "a/", "a/b", "a/b/c/d"], ["b", "ab", "A/b"]),
    ("hash_alone_is_everything", "#", ["a", "a/b", "/", "/a/b/"], []),
    ("plus_and_hash", "+/b/#", ["a/b", "a/b/c", "/b"], ["a", "b", "a/c"]),
    ("no_wildcard_is_the_same_name", "a/b", ["a/b"], ["a/b/", "/a/b", "a", "a/bb", "A/B"]),
    ("empty_levels_count", "a//b", ["a//b"], ["a/b", "a///b"]),
    ("leading_slash_counts", "/a", ["/a"], ["a", "//a"]),
    ("trailing_slash_counts", "a/", ["a/"], ["a", "a//"]),
    ("spaces_count", "a b/ c", ["a b/ c"], ["ab/c", "a b/c", "a  b/ c"]),
    ("letters_have_their_case", "ACCOUNTS", ["ACCOUNTS"], ["Accounts", "accounts"]),
    ("any_language", "температура/+/温度", ["температура/зал/温度"], ["температура/зал/湿度"]),
    ("no_normalising", "\u00c5ngstr\u00f6m", ["\u00c5ngstr\u00f6m"], ["A\u030angstr\u00f6m", "\u212bngstr\u00f6m"]),
    ("byte_order_mark_is_a_letter", "\ufeffa", ["\ufeffa"], ["a"]),
    ("dollar_below_the_first_level_is_a_letter", "+/$x/#", ["a/$x", "a/$x/b"], ["a/x"]),
    ("many_levels", DEEP, [DEEP], [DEEP + "/k"]),
    ("many_pluses", "/".join("+" * 20), ["/".join("x" * 20)], ["/".join("x" * 19), "/".join("x" * 21)]),
]


def matching(label, filter_, yes, no):
    def matches(case):
        receiver, sender = case.client("receiver"), case.client("sender")
        receiver.subscribe(case.topic(filter_))
        for topic in no + yes:
            sender.publish(case.topic(topic), b"x")
        for topic in yes:
            receiver.receive("x", topic=case.topic(topic))
        case.fence(receiver, sender, topic=f"end{case.number}")
    matches.__name__ = label
    matches.__doc__ = f"The filter {filter_!r} matches {', '.join(map(repr, yes))}" + (
        f", and not {', '.join(map(repr, no))}." if no else ".")
    return matches


for row in MATCHES:
    both("MQTT-4.7.1-2" if "#" in row[1] else "MQTT-4.7.1-3" if "+" in row[1] else "MQTT-4.7.3-4")(matching(*row))
