#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# `make demo`: two brokers from etc/demo, linked, and the stock mosquitto clients at both. Shows each step and checks
# it; ends with 0 if all was as it should be. Everything it writes is in a temporary folder that it removes.
import pathlib
import re
import shutil
import socket
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests"))

from Support import tools  # noqa: E402
from Support.broker import BINARY, Broker, clean_up  # noqa: E402
from Support.ports import preferred_port  # noqa: E402
from Support.wait import check, until  # noqa: E402

USER = ["-u", "demo", "-P", "demo"]
BOLD, GREEN, PLAIN = ("\033[1m", "\033[32m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


def step(text):
    print(f"\n{BOLD}{text}{PLAIN}", flush=True)


def show(text):
    print(f"    {text}", flush=True)


def good(text):
    print(f"    {GREEN}ok{PLAIN}  {text}", flush=True)


class Demo:
    """What the Subscriber of the tests wants to know: whom to end at the end."""

    def __init__(self):
        self.cleanups = []

    def finally_(self, action):
        self.cleanups.append(action)

    def end(self):
        for action in reversed(self.cleanups):
            action()


class Cluster(Broker):
    """A broker of the demo, from its file in etc/demo with the ports that are free."""

    def __init__(self, region, ports):
        self.region, self.node = region, region
        super().__init__(f"cluster-{region}", ports[region][0])
        text = (ROOT / f"etc/demo/cluster-{region}.conf").read_text()
        for wanted, free in ports["replaced"].items():
            text = text.replace(f"127.0.0.1:{wanted}", f"127.0.0.1:{free}")
        self.text, self.path = text, self.folder / f"cluster-{region}.conf"

    def start(self, change=lambda text: text):
        self.path.write_text(change(self.text))
        self.spawn([BINARY, "run", "--config", self.path, "--plugin-dir", BINARY.parent, "--data-dir",
                    self.folder / "data"])
        self.wait_until_listening()

    def figure(self, link, name):
        """The newest value of a link's figure, by mosquitto_sub; None if there was none within three seconds."""
        done = tools.command(
            shutil.which("mosquitto_sub"), "-p", self.port, *USER, "-C", "1", "-W", "3", "-t",
            f"$SYS/brokers/{self.node}/links/{link.name}/{name}", status=None)
        return done.out.strip() or None

    def wait_figure(self, link, name, wanted):
        until(lambda: (value := self.figure(link, name)) is not None and wanted(value),
              f"$SYS/brokers/{self.node}/links/{link.name}/{name} at {self.name}", 40)


class Relay:
    """Stands between a link and the other cluster, and keeps what goes over there."""

    def __init__(self, port):
        self.target, self.seen = port, bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start(self.accept)

    @staticmethod
    def start(what, *arguments):
        threading.Thread(target=what, args=arguments, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.start(self.carry, near, far, self.seen)
            self.start(self.carry, far, near, bytearray())

    @staticmethod
    def carry(source, target, seen):
        try:
            while data := source.recv(65536):
                seen += data
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def choose_ports():
    """The ports of the config files, or others where those are taken."""
    ports, replaced = {}, {}
    for region in ("us-east", "eu-west"):
        text = (ROOT / f"etc/demo/cluster-{region}.conf").read_text()
        wanted = [int(port) for port in re.findall(r'bind = "127\.0\.0\.1:(\d+)"', text)]
        ports[region] = [preferred_port(port) for port in wanted]
        replaced.update((w, f) for w, f in zip(wanted, ports[region]) if w != f)
    return {**ports, "replaced": replaced}


def subscribe(demo, cluster, filter_):
    show(f"$ mosquitto_sub -p {cluster.port} -u demo -P demo -v -t '{filter_}'        # at {cluster.name}")
    return tools.Subscriber(demo, cluster, *USER, "-v", "-q", "1", "-t", filter_)


def publish(cluster, topic, text, *more):
    show(f"$ mosquitto_pub -p {cluster.port} -u demo -P demo -t {topic} -m '{text}'   # at {cluster.name}")
    tools.mosquitto_pub(cluster, *USER, "-q", "1", "-t", topic, "-m", text, *more)


def one_way(demo, source, target, number):
    step(f"{number}. From {source.name} to {target.name}")
    topic = f"linked/from-{source.region}"
    ears = subscribe(demo, target, "linked/#")
    source.wait_figure(target, "routes_in", lambda value: int(value) >= 1)
    good(f"{source.name} now knows that somebody over there wants linked/#")
    publish(source, topic, f"Hello from {source.region}!")
    publish(source, topic, "And goodbye.")
    lines = ears.wait_for(2)
    for line in lines:
        show(f"  {line}")
    check(lines == [f"{topic} Hello from {source.region}!", f"{topic} And goodbye."], f"it got {lines!r}")
    good("both messages crossed the link, once each and in their order")
    return ears


def only_what_is_wanted(demo, ears, source, target, relay):
    step("5. Only what somebody wants crosses the link")
    check(b"And goodbye." in relay.seen, "the wire does not show what crossed before")
    ears.end()
    show(f"The subscriber at {target.name} has left.")
    source.wait_figure(target, "routes_in", lambda value: value == "0")
    # A publisher's messages cross in their order: when the second one is there, the first would have been.
    publish(source, f"linked/from-{source.region}", "Is anybody there?", "-i", "caller")
    subscriber = subscribe(demo, target, "linked/now")
    source.wait_figure(target, "routes_in", lambda value: int(value) >= 1)
    publish(source, "linked/now", "Somebody is there now.", "-i", "caller")
    subscriber.wait_for(1)
    check(b"Somebody is there now." in relay.seen, "the wire does not show what crossed")
    check(b"Is anybody there?" not in relay.seen, "what nobody wanted crossed the link")
    subscriber.end()
    good("the first one is not among the bytes that went over the link, the second one is")


def asymmetric(demo, us, eu):
    step("6. A one-way link: cluster-eu-west sets topics = []")
    show("It wants nothing from the other side; what its own clients publish is still wanted there.")
    eu.stop()
    eu.start(lambda text: text.replace('topics = ["#"]', "topics = []"))
    for here, there in ((us, eu), (eu, us)):
        here.wait_figure(there, "state", lambda value: value == "online")
    at_us, at_eu = subscribe(demo, us, "linked/#"), subscribe(demo, eu, "#")
    eu.wait_figure(us, "routes_in", lambda value: int(value) >= 1)
    check(us.figure(eu, "routes_in") == "0", "cluster-eu-west announced a route although its topics are []")
    publish(us, "linked/secret", "not for eu-west")
    publish(eu, "linked/open", "for us-east")
    at_us.wait_for(2)
    sent = us.figure(eu, "sent")
    publish(eu, "linked/last", "local")
    lines = at_eu.wait_for(2)
    for line in lines:
        show(f"  {line}")
    check(lines == ["linked/open for us-east", "linked/last local"], f"cluster-eu-west got {lines!r}")
    check("linked/open for us-east" in at_us.lines, f"cluster-us-east got {at_us.lines!r}")
    good(f"cluster-eu-west saw only its own messages; cluster-us-east sent it {sent}, and got what it wants")


def play(demo):
    print(f"{BOLD}Isthmus demo: two brokers, one link, and the mosquitto clients you know{PLAIN}")
    step("1. Two brokers start, from etc/demo/cluster-us-east.conf and etc/demo/cluster-eu-west.conf")
    ports = choose_ports()
    for wanted, free in ports["replaced"].items():
        show(f"(port {wanted} is in use here, so this time it is {free})")
    us, eu = Cluster("us-east", ports), Cluster("eu-west", ports)
    relay = Relay(ports["eu-west"][1])
    us.text = us.text.replace(f'server = "127.0.0.1:{relay.target}"', f'server = "127.0.0.1:{relay.port}"')
    check(str(relay.port) in us.text, "etc/demo/cluster-us-east.conf names no such server")
    for one in (us, eu):
        demo.finally_(one.kill)
        one.start()
        show(f"{one.name}: clients on 127.0.0.1:{one.port}, links on 127.0.0.1:{ports[one.region][1]}")
    step("2. They find each other")
    started = time.monotonic()
    for here, there in ((us, eu), (eu, us)):
        here.wait_figure(there, "state", lambda value: value == "online")
        good(f"{here.name} says: the link to {there.name} is online")
    show(f"(after {time.monotonic() - started:.1f} s; it stands in $SYS/brokers/us-east/links/cluster-eu-west/state)")
    one_way(demo, eu, us, 3)
    ears = one_way(demo, us, eu, 4)
    only_what_is_wanted(demo, ears, us, eu, relay)
    asymmetric(demo, us, eu)
    return us, eu


def main():
    for tool in ("mosquitto_sub", "mosquitto_pub"):
        if not shutil.which(tool):
            sys.exit(f"the demo needs {tool}: apt-get install mosquitto-clients")
    demo, failure = Demo(), None
    try:
        play(demo)
    except AssertionError as reason:
        failure = reason
    demo.end()
    clean_up(keep=failure is not None)
    if failure is not None:
        print(f"\nThe demo did not go as it should: {failure}")
        sys.exit(1)
    print("\nAll went as it should. The same two files, with your own addresses, link your own brokers: see README.md.")


if __name__ == "__main__":
    main()
