# SPDX-License-Identifier: Apache-2.0
# mosquitto_pub, mosquitto_sub and mosquitto_rr as people use them at the shell: MQTT 3.1, 3.1.1 and 5.0 over TCP, TLS
# and Unix sockets. Those of Debian 12 (2.0) know no WebSocket.
from concurrent.futures import ThreadPoolExecutor

from Interop.clients.parts import address
from Support.broker import scratch
from Support.suite import behaviour, check
from Support.tools import Subscriber, mosquitto_pub, mosquitto_rr
from Support.wait import equal, until

VERSIONS = {3: "mqttv31", 4: "mqttv311", 5: "mqttv5"}


class Shell:
    """The three commands over one transport, in one version. It stands for a broker, too: it has its address."""

    def __init__(self, case, transport):
        self.case, self.version, self.topic = case, case.version, case.topic
        self.address, self.words = address(transport), ["-V", VERSIONS[case.version]]

    def sub(self, *words):
        return Subscriber(self.case, self, *self.words, *words)

    def pub(self, *words, data=None):
        return mosquitto_pub(self, *self.words, *words, data=data)

    def rr(self, *words):
        return mosquitto_rr(self, *self.words, *words)


def shell(*versions):
    """A behaviour over each transport in each version."""
    def mark(function):
        for transport in ("tcp", "ssl", "unix"):
            def run(case, transport=transport):
                function(Shell(case, transport))
            run.__name__ = f"{function.__name__}_over_{transport}"
            run.__doc__ = f"{function.__doc__}, over {transport}."
            behaviour(versions=versions)(run)
        return function
    return mark


@shell(3, 4, 5)
def publish_and_subscribe_need_no_options(at):
    """mosquitto_pub -t t -m m reaches mosquitto_sub -t t"""
    ears = at.sub("-t", at.topic())
    at.pub("-t", at.topic(), "-m", "hi there")
    equal(ears.wait_for(1), ["hi there"], "lines of mosquitto_sub")


@shell(4, 5)
def every_qos_arrives(at):
    """Messages of QoS 0, 1 and 2 arrive at no more than the QoS of the subscription"""
    for granted in range(3):
        topic = at.topic(str(granted))
        ears = at.sub("-t", topic, "-q", granted, "-F", "%q %p")
        for qos in range(3):
            at.pub("-t", topic, "-m", f"m{qos}", "-q", qos)
            # Three publishers, so that only waiting makes an order.
            ears.wait_for(qos + 1)
        equal(ears.wait_for(3), [f"{min(qos, granted)} m{qos}" for qos in range(3)], "QoS and payload")


@shell(4, 5)
def exit_after_a_count(at):
    """mosquitto_sub -C 3 ends by itself after three messages"""
    ears = at.sub("-t", at.topic("#"), "-C", "3", "-v")
    for name in "abc":
        at.pub("-t", at.topic(name), "-m", name)
    equal(ears.status(), 0, "exit status")
    equal(ears.lines, [f"{at.topic(n)} {n}" for n in "abc"], "lines")


@shell(4, 5)
def retained_message_greets_a_late_subscriber(at):
    """mosquitto_pub -r leaves a message for who comes later; mosquitto_pub -r -n takes it away"""
    at.pub("-t", at.topic(), "-m", "kept", "-r", "-q", "1")
    ears = at.sub("-t", at.topic(), "-C", "1", "-F", "%r %p")
    equal(ears.status(), 0, "exit status")
    equal(ears.lines, ["1 kept"], "RETAIN flag and payload")
    at.pub("-t", at.topic(), "-r", "-n", "-q", "1")
    late = at.sub("-t", at.topic(), "-F", "%r %p")
    at.pub("-t", at.topic(), "-m", "live")
    equal(late.wait_for(1), ["0 live"], "RETAIN flag and payload")


@shell(4, 5)
def will_of_a_killed_client_arrives(at):
    """The will of a mosquitto_sub that is killed reaches others, with its properties"""
    five = at.version == 5
    ears = at.sub("-t", at.topic("will"), "-F", "%p %P" if five else "%p")
    more = ["-D", "will", "user-property", "why", "died", "-D", "connect", "user-property", "by", "shell"] if five else []
    mortal = at.sub("-t", at.topic("x"), "--will-topic", at.topic("will"), "--will-payload", "killed", "--will-qos", "1",
                    *more)
    mortal.end()
    equal(ears.wait_for(1), ["killed why:died" if five else "killed"], "lines")


@shell(4, 5)
def persistent_session_collects(at):
    """mosquitto_sub -c gets what was published while it was away"""
    more = ["-x", "600"] if at.version == 5 else []
    options = ["-t", at.topic(), "-c", "-i", at.case.id(), "-q", "2", *more]
    at.sub(*options).end()
    expiry = ["-D", "publish", "message-expiry-interval", "300"] if at.version == 5 else []
    for number in range(3):
        at.pub("-t", at.topic(), "-m", f"away {number}", "-q", "2", *expiry)
    again = at.sub(*options, "-C", "3")
    equal(again.status(), 0, "exit status")
    equal(again.lines, ["away 0", "away 1", "away 2"], "lines")


@shell(4, 5)
def lines_of_standard_input(at):
    """mosquitto_pub -l publishes a message for each line of its standard input, 1,000 in their order"""
    ears = at.sub("-t", at.topic(), "-q", "1")
    text = "".join(f"line {i}\n" for i in range(1000))
    at.pub("-t", at.topic(), "-l", "-q", "1", data=text.encode())
    equal(ears.wait_for(1000), text.splitlines(), "lines")


@shell(4, 5)
def large_file_arrives(at):
    """mosquitto_pub -f of a file of 300 KB arrives byte by byte, and so does mosquitto_pub -s of the same"""
    ears = at.sub("-t", at.topic(), "-q", "2", "-F", "%l %x", "-C", "2")
    body = bytes(range(256)) * 1200
    file = scratch("file") / "body"
    file.write_bytes(body)
    at.pub("-t", at.topic(), "-f", file, "-q", "2")
    at.pub("-t", at.topic(), "-s", "-q", "1", data=body)
    equal(ears.status(), 0, "exit status")
    check(ears.lines == [f"{len(body)} {body.hex()}"] * 2, f"lengths and starts: {[line[:40] for line in ears.lines]}")


@shell(4, 5)
def shared_subscription_of_two_shells(at):
    """Two mosquitto_sub of one group share the messages"""
    ears = [at.sub("-t", f"$share/g/{at.topic()}", "-q", "1") for _ in range(2)]
    at.pub("-t", at.topic(), "-q", "1", "-l", data="".join(f"{number}\n" for number in range(20)).encode())
    until(lambda: sum(len(e.lines) for e in ears) >= 20, "twenty messages arrive")
    equal(sorted(int(line) for e in ears for line in e.lines), list(range(20)), "messages")
    check(all(e.lines for e in ears), "one of the two got nothing")


@shell(5)
def double_is_told(at):
    """A mosquitto_sub whose session is taken over is told the reason code 142"""
    ears = at.sub("-t", at.topic(), "-i", at.case.id())
    at.pub("-t", at.topic("other"), "-m", "m", "-i", at.case.id())
    until(lambda: "DISCONNECT (142)" in ears.debug, f"the reason code is shown by mosquitto_sub: {ears.debug}")


@shell(5)
def request_and_response(at):
    """mosquitto_rr gets the answer that a responder sends to its response topic"""
    ears = at.sub("-t", at.topic("ask"), "-C", "1", "-F", "%R %D")
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(at.rr, "-t", at.topic("ask"), "-e", at.topic("answer"), "-m", "what?", "-W", "20",
                             "-D", "publish", "correlation-data", "c0rr", "-F", "%p %D")
        # The responder's part: what came says where the answer is awaited.
        topic, correlation = ears.wait_for(1)[0].split(" ")
        at.pub("-t", topic, "-m", "42", "-q", "1", "-D", "publish", "correlation-data", correlation)
        done = asking.result()
    equal(done.out.strip(), "42 c0rr", "the answer and its correlation data")
    equal(topic, at.topic("answer"), "the response topic")


@shell(5)
def properties_are_shown(at):
    """Every property of a message arrives with it"""
    ears = at.sub("-t", at.topic(), "-F", "%A|%C|%D|%E|%F|%P|%R|%S|%p", "-D", "subscribe", "subscription-identifier", "5")
    sent = {"content-type": "text/x", "correlation-data": "c0rr", "message-expiry-interval": "4000",
            "payload-format-indicator": "1", "response-topic": "back"}
    words = [word for name, value in sent.items() for word in ("-D", "publish", name, value)]
    at.pub("-t", at.topic(), "-m", "body", *words, *["-D", "publish", "user-property", "key", "value"] * 2)
    fields = ears.wait_for(1)[0].split("|")
    check(3900 < int(fields.pop(3)) <= 4000, f"message expiry interval: {ears.lines}")
    equal(fields, ["", "text/x", "c0rr", "1", "key:value key:value", "back", "5", "body"], "properties and payload")
