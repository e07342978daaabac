# SPDX-License-Identifier: Apache-2.0
# mosquitto_pub, mosquitto_sub and mosquitto_rr, as people use them at the shell.
from concurrent.futures import ThreadPoolExecutor

from Support.suite import behaviour, check
from Support.tools import Subscriber, mosquitto_pub, mosquitto_rr
from Support.wait import equal, until

VERSIONS = {4: "mqttv311", 5: "mqttv5", 3: "mqttv31"}


def broker(case):
    return case.context.broker


def words(case):
    return ["-V", VERSIONS[case.version]]


@behaviour(versions=(3, 4, 5))
def publish_and_subscribe_need_no_options(case):
    """mosquitto_pub -t t -m m reaches mosquitto_sub -t t."""
    ears = Subscriber(case, broker(case), "-t", case.topic(), *words(case))
    mosquitto_pub(broker(case), "-t", case.topic(), "-m", "hi there", *words(case))
    equal(ears.wait_for(1), ["hi there"], "lines of mosquitto_sub")


@behaviour(versions=(4, 5))
def every_qos_arrives(case):
    """Messages of QoS 0, 1 and 2 arrive at the QoS of the subscription."""
    ears = Subscriber(case, broker(case), "-t", case.topic(), "-q", "2", "-F", "%q %p", *words(case))
    for qos in range(3):
        mosquitto_pub(broker(case), "-t", case.topic(), "-m", f"m{qos}", "-q", qos, *words(case))
    equal(ears.wait_for(3), ["0 m0", "1 m1", "2 m2"], "QoS and payload")


@behaviour(versions=(4, 5))
def exit_after_a_count(case):
    """mosquitto_sub -C 3 ends by itself after three messages."""
    ears = Subscriber(case, broker(case), "-t", case.topic("#"), "-C", "3", "-v", *words(case))
    for name in "abc":
        mosquitto_pub(broker(case), "-t", case.topic(name), "-m", name, *words(case))
    equal(ears.status(), 0, "exit status")
    equal(ears.lines, [f"{case.topic(n)} {n}" for n in "abc"], "lines")


@behaviour(versions=(4, 5))
def retained_message_greets_a_late_subscriber(case):
    """mosquitto_pub -r leaves a message for who comes later; mosquitto_pub -r -n takes it away."""
    mosquitto_pub(broker(case), "-t", case.topic(), "-m", "kept", "-r", "-q", "1", *words(case))
    ears = Subscriber(case, broker(case), "-t", case.topic(), "-C", "1", "-F", "%r %p", *words(case))
    equal(ears.status(), 0, "exit status")
    equal(ears.lines, ["1 kept"], "RETAIN flag and payload")
    mosquitto_pub(broker(case), "-t", case.topic(), "-r", "-n", "-q", "1", *words(case))
    late = Subscriber(case, broker(case), "-t", case.topic(), "-F", "%r %p", *words(case))
    mosquitto_pub(broker(case), "-t", case.topic(), "-m", "live", *words(case))
    equal(late.wait_for(1), ["0 live"], "RETAIN flag and payload")


@behaviour(versions=(4, 5))
def will_of_a_killed_client_arrives(case):
    """The will of a mosquitto_sub that is killed reaches others."""
    ears = Subscriber(case, broker(case), "-t", case.topic("will"), *words(case))
    mortal = Subscriber(case, broker(case), "-t", case.topic("x"), "--will-topic", case.topic("will"),
                        "--will-payload", "killed", "--will-qos", "1", *words(case))
    mortal.end()
    equal(ears.wait_for(1), ["killed"], "lines")


@behaviour(versions=(4, 5))
def persistent_session_collects(case):
    """mosquitto_sub -c -q 1 gets what was published while it was away."""
    more = ["-x", "600"] if case.version == 5 else []
    options = ["-t", case.topic(), "-c", "-i", case.id(), "-q", "1", *more, *words(case)]
    first = Subscriber(case, broker(case), *options)
    first.end()
    for number in range(3):
        mosquitto_pub(broker(case), "-t", case.topic(), "-m", f"away {number}", "-q", "1", *words(case))
    again = Subscriber(case, broker(case), *options, "-C", "3")
    equal(again.status(), 0, "exit status")
    equal(again.lines, ["away 0", "away 1", "away 2"], "lines")


@behaviour(versions=(5,))
def request_and_response(case):
    """mosquitto_rr gets the answer that a responder sends to its response topic."""
    ears = Subscriber(case, broker(case), "-V", "5", "-t", case.topic("ask"), "-C", "1", "-F", "%R")
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(mosquitto_rr, broker(case), "-V", "5", "-t", case.topic("ask"), "-e", case.topic("answer"),
                             "-m", "what?", "-W", "20")
        # The responder's part: what came says where the answer is awaited.
        mosquitto_pub(broker(case), "-V", "5", "-t", ears.wait_for(1)[0], "-m", "42", "-q", "1")
        done = asking.result()
    equal(done.out.strip(), "42", "the answer")
    equal(ears.wait_for(1), [case.topic("answer")], "the response topic")


@behaviour(versions=(5,))
def properties_are_shown(case):
    """User properties, content type and correlation data arrive with the message."""
    ears = Subscriber(case, broker(case), "-V", "5", "-t", case.topic(), "-F", "%C|%D|%P|%p")
    mosquitto_pub(broker(case), "-V", "5", "-t", case.topic(), "-m", "body", "-D", "publish", "content-type", "text/x",
                  "-D", "publish", "correlation-data", "c0rr", "-D", "publish", "user-property", "key", "value")
    equal(ears.wait_for(1), ["text/x|c0rr|key:value|body"], "content type, correlation, user property, payload")


@behaviour(versions=(4, 5))
def lines_of_standard_input(case):
    """mosquitto_pub -l publishes a message for each line of its standard input."""
    ears = Subscriber(case, broker(case), "-t", case.topic(), "-q", "1", *words(case))
    text = "".join(f"line {i}\n" for i in range(500))
    mosquitto_pub(broker(case), "-t", case.topic(), "-l", "-q", "1", *words(case), data=text.encode())
    equal(ears.wait_for(500), text.splitlines(), "lines")


@behaviour(versions=(5,))
def shared_subscription_of_two_shells(case):
    """Two mosquitto_sub of one group share the messages."""
    ears = [Subscriber(case, broker(case), "-V", "5", "-t", f"$share/g/{case.topic()}") for _ in range(2)]
    for number in range(20):
        mosquitto_pub(broker(case), "-V", "5", "-t", case.topic(), "-m", str(number), "-q", "1")
    until(lambda: sum(len(e.lines) for e in ears) >= 20, "twenty messages arrive")
    equal(sorted(int(line) for e in ears for line in e.lines), list(range(20)), "messages")
    check(all(e.lines for e in ears), "one of the two got nothing")
