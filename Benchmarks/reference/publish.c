// SPDX-License-Identifier: Apache-2.0
// A PUBLISH on its way; see publish.h.
// A receiver gets it in one of six forms, by protocol and QoS. The form in which it came is sent as it lies in the read
// buffer; another is encoded when the first receiver needs it.

#include "publish.h"

#include "flight.h"
#include "packets.h"
#include "topics.h"

enum { HEAD_LENGTH_LIMIT = 5 + 2 + UINT16_MAX + 2 + 1, FORMS = 6 };

// How a message is sent: bytes with the Packet Identifier at `identifier_at`, then the payload, if it is referred to.
struct form {
    const uint8_t *head;
    uint32_t length, identifier_at;
};

struct publication {
    const uint8_t *topic_name, *payload;
    uint32_t topic_length, payload_length;  // of the name with its length in front
    uint32_t referred;                      // length of the payload if it is not in the head, else 0
    uint8_t qos;
};

static unsigned form_number(bool five, uint8_t qos) { return 3u * five + qos; }

// Made in `forms` unless the bit of it in `made` says that it is.
__attribute__((noinline, cold)) static struct form other_form(
    struct form *forms, unsigned *made, const struct publication *publication, unsigned number) {
    static uint8_t encoded[FORMS][HEAD_LENGTH_LIMIT + REFERENCE_LENGTH + SLACK];
    if (*made & 1u << number) return forms[number];
    *made |= 1u << number;
    bool five = number >= 3;
    uint8_t qos = (uint8_t)(number % 3), *out = encoded[number];
    *out++ = (uint8_t)(PACKET_PUBLISH << 4 | qos << 1);
    out = write_variable(out, publication->topic_length + (qos > 0 ? 2 : 0) + five + publication->payload_length);
    memcpy(out, publication->topic_name, publication->topic_length);
    out += publication->topic_length;
    uint32_t identifier_at = (uint32_t)(out - encoded[number]);
    if (qos > 0) out += 2;
    if (five) *out++ = 0;
    uint32_t copied = publication->payload_length - publication->referred;
    memcpy(out, publication->payload, copied);
    return forms[number] = (struct form){encoded[number], (uint32_t)(out + copied - encoded[number]), identifier_at};
}

static void deliver(const struct topic *topic, struct publication publication, struct form own, unsigned own_number) {
    struct form forms[FORMS];
    unsigned made = 0;
    for (uint32_t i = 0; i < topic->count; i++) {
        struct connection *receiver = topic->subscribers[i].connection;
        uint8_t qos = topic->subscribers[i].qos < publication.qos ? topic->subscribers[i].qos : publication.qos;
        unsigned number = form_number(receiver->protocol_level == 5, qos);
        struct form form = number == own_number ? own : other_form(forms, &made, &publication, number);
        if (qos > 0) {
            flight_send(receiver, form.head, form.length, form.identifier_at, publication.payload, publication.referred);
            continue;
        }
        copy(connection_reserve(receiver, form.length), form.head, form.length);
        if (publication.referred > 0) connection_refer(receiver, publication.payload, publication.referred);
    }
}

static void acknowledge(struct connection *publisher, enum packet_type type, uint16_t identifier) {
    uint8_t *out = connection_reserve(publisher, 4);
    out[0] = (uint8_t)(type << 4);
    out[1] = 2;
    store16(out + 2, identifier);
}

// Separate, so that the reader of a packet without properties is never in memory.
__attribute__((noinline)) static const uint8_t *behind_properties(const uint8_t *bytes, const uint8_t *end) {
    struct reader reader = {bytes, end, false};
    skip_properties(&reader, NULL);
    return reader.broken ? NULL : reader.next;
}

bool publish_receive(struct connection *publisher, const uint8_t *packet, const uint8_t *body, const uint8_t *end) {
    bool five = publisher->protocol_level == 5, properties = false;
    uint8_t qos = packet[0] >> 1 & 3;
    struct reader reader = {body, end, false};
    struct reader name = read_string(&reader);
    uint16_t identifier = qos > 0 ? read16(&reader) : 0;
    if (five && read8(&reader) != 0) {
        properties = true;
        reader.next = behind_properties(reader.next - 1, end);
        if (reader.next == NULL) return false;
    }
    size_t name_length = reader_left(&name);
    if (reader.broken || publisher->protocol_level == 0 || qos == 3) return false;
    if (name_length == 0 || (qos > 0 && identifier == 0)) return false;

    struct topic *topic = topics_find(name.next, (uint16_t)name_length);
    // A name that equals a filter is as right as that one.
    if (topic == NULL && !is_topic_name(name.next, name_length)) return false;
    bool is_new = true;
    if (qos == 2 && !flight_received(publisher, identifier, &is_new)) return false;
    if (topic != NULL && is_new) {
        uint32_t payload_length = (uint32_t)reader_left(&reader), topic_length = 2 + (uint32_t)name_length;
        uint32_t referred = payload_length >= REFERENCE_LENGTH ? payload_length : 0;
        struct form own = {packet, (uint32_t)(end - packet) - referred, (uint32_t)(body - packet) + topic_length};
        // Neither the properties nor the flags DUP and RETAIN are sent on.
        bool as_it_is = !properties && (packet[0] & 0x09) == 0;
        deliver(topic, (struct publication){body, reader.next, topic_length, payload_length, referred, qos}, own,
                as_it_is ? form_number(five, qos) : FORMS);
    }
    if (qos > 0) acknowledge(publisher, qos == 1 ? PACKET_PUBACK : PACKET_PUBREC, identifier);
    return true;
}
