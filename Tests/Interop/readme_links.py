# SPDX-License-Identifier: Apache-2.0
# The README's section on links, taken at its word: the files are those printed there, and the EU's are made as it says.
import re

from Support import hosts
from Support.broker import BINARY, ROOT, Isthmus, scratch
from Support.client import Client
from Support.ports import free_port
from Support.suite import behaviour, check
from Support.wait import until


def printed():
    """The config, users and rules of the section, in that order."""
    section = re.search(r"(?ms)^## Link two sites$(.*?)^## ", (ROOT / "README.md").read_text()).group(1)
    blocks = re.findall(r"(?ms)^```\n(.*?)^```$", section)
    check(len(blocks) == 3, f"{len(blocks)} blocks in the section instead of three")
    return blocks


def swapped(text):
    """us-east for eu-west, us for eu, and the other way round."""
    other = {"us-east": "eu-west", "eu-west": "us-east", "us": "eu", "eu": "us"}
    return re.sub(r"\b(us-east|eu-west|us|eu)\b", lambda found: other[found[0]], text)


def site(case, name, files, here, there):
    """A broker with these files; ports are the test's, and the peer is on this machine."""
    broker = Isthmus(name, "")
    case.finally_(broker.kill)
    conf, users, rules = files
    (broker.folder / "users.csv").write_text(users)
    (broker.folder / "acl.conf").write_text(rules)
    for file in ("users.csv", "acl.conf"):
        conf = conf.replace(f'"{file}"', f'"{broker.folder / file}"')
    conf, peers = re.subn(r'"[a-z.]+:11883"', f'"127.0.0.1:{there}"', conf)
    conf, binds = re.subn(r"bind = 11883", f'bind = "127.0.0.1:{here}"', conf)
    check(peers == 1 and binds == 1, conf)
    broker.write(f'listeners.tcp.default.bind = "127.0.0.1:{broker.port}"\n{conf}')
    return broker.start()


@behaviour()
def two_sites_by_the_readme(case):
    """Two brokers with the README's files link, and a user of one gets what a user of the other publishes; nobody else
    gets in, and no user below $LINK/."""
    files, ports = printed(), (free_port(), free_port())
    us = site(case, "us", files, *ports)
    eu = site(case, "eu", [swapped(text) for text in files], *reversed(ports))
    ann = {"username": "ann", "password": "ann-secret"}
    for one, other, word in ((us, eu, b"to us"), (eu, us, b"to eu")):
        ears, mouth = one.client("ears", **ann), other.client("mouth", **ann)
        ears.subscribe("greetings/#")

        def crossed():
            mouth.publish("greetings/world", word)
            ears.ping()
            return any(message.payload == word for message in ears.inbox)
        until(crossed, f"{word} crosses the link", 30)
        ears.close()
        mouth.close()
    for broker in (us, eu):
        broker.client("stranger", expect=0x87)
        ann_here = broker.client("ann", **ann)
        suback = ann_here.subscribe("$LINK/#", granted=False)
        check(suback.reasons[0] == 0x87, f"$LINK/# was answered 0x{suback.reasons[0]:02X}")


@behaviour()
def two_hosts_by_the_readme(case):
    """The same on two hosts with a network between them: names, ports and commands are the README's, nothing is changed."""
    files = printed()
    sites = {"us": files, "eu": [swapped(text) for text in files]}
    folders = [scratch(name) for name in sites]
    for folder, (name, texts) in zip(folders, sites.items()):
        for file, text in zip((f"{name}.conf", "users.csv", "acl.conf"), texts):
            (folder / file).write_text(text)
    # The names are those of the files.
    names = {"us.example.com": "192.0.2.1", "eu.example.com": "192.0.2.2"}
    pair = hosts.two(case, folders, list(names.values()), names)
    brokers = []
    for name, host in zip(sites, pair):
        brokers.append(hosts.HostedProcess(name, host, [BINARY, "run", "--config", f"{name}.conf"]))
        case.finally_(brokers[-1].kill)
    for broker in brokers:
        broker.wait_until_listening(1883)

    def ann(host, name):
        client = Client(("127.0.0.1", 1883), 5, name, connection=host.socket(1883))
        client.open(username="ann", password="ann-secret")
        case.finally_(client.close)
        return client
    for here, there, word in ((pair[0], pair[1], b"to us"), (pair[1], pair[0], b"to eu")):
        ears, mouth = ann(here, "ears" + word.decode()), ann(there, "mouth" + word.decode())
        ears.subscribe("greetings/#")

        def crossed():
            mouth.publish("greetings/world", word)
            ears.ping()
            return any(message.payload == word for message in ears.inbox)
        until(crossed, f"{word} crosses the link:\n" + "\n".join(one.tail() for one in brokers), 30)
