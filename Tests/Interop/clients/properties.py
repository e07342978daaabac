# SPDX-License-Identifier: Apache-2.0
# Properties and subscription options as paho-mqtt has them (aiomqtt, too), from and to those of the scenarios.
try:
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
    from paho.mqtt.subscribeoptions import SubscribeOptions
except ImportError:
    PacketTypes = None


def _camel(name):
    return "".join(word.title() for word in name.split("_"))


def to_paho(packet, properties):
    made = Properties(getattr(PacketTypes, packet))
    for name, value in properties.items():
        setattr(made, _camel(name), value)
    return made


def from_paho(properties):
    names = ("payload_format_indicator", "message_expiry_interval", "content_type", "response_topic",
             "correlation_data", "user_property", "subscription_identifier")
    return {name: getattr(properties, _camel(name)) for name in names if hasattr(properties, _camel(name))}


def subscribe_options(version, qos, more):
    """The arguments of subscribe()."""
    if version != 5:
        return {"qos": qos}
    identifier = more.pop("subscription_identifier", None)
    names = {"no_local": "noLocal", "retain_as_published": "retainAsPublished"}
    options = SubscribeOptions(qos, **{names[name]: value for name, value in more.items()})
    properties = {"subscription_identifier": identifier} if identifier else {}
    return {"options": options, "properties": to_paho("SUBSCRIBE", properties)}
