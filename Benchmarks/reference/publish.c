// SPDX-License-Identifier: Apache-2.0
// A PUBLISH on its way; see publish.h.
// Receivers get one of six forms, by protocol and QoS. The form in which the packet came is sent as it lies in the read
// buffer; another is encoded when the first receiver needs it.

#include "publish.h"

#include "flight.h"
#include "packets.h"
#include "topics.h"

enum { HEAD_LENGTH_LIMIT = 5 + 2 + UINT16_MAX + 2 + 1, FORMS = 6 };

struct publication {
    const uint8_t *topic_name, *payload;  // the name with its length in front
    const uint8_t *packet;
    size_t topic_length, payload_length;  // of the name with its length in front
    uint8_t qos;
    unsigned form;  // in which the packet can be sent as it is; FORMS = none
};

// How a packet is sent: bytes with the Packet Identifier at `identifier_at`, then the payload unless it is in them.
struct form {
    const uint8_t *head;  // NULL = not made yet
    size_t length, identifier_at, referred;
};

static unsigned form_number(bool five, uint8_t qos) { return 3u * five + qos; }

static uint8_t encoded[FORMS][HEAD_LENGTH_LIMIT + REFERENCE_LENGTH + SLACK];

static void make_form(struct form *form, const struct publication *publication, unsigned number) {
    bool five = number >= 3;
    uint8_t qos = (uint8_t)(number % 3);
    bool refers = publication->payload_length >= REFERENCE_LENGTH;
    form->referred = refers ? publication->payload_length : 0;
    if (number == publication->form) {
        form->head = publication->packet;
        form->length = (size_t)(publication->payload - publication->packet) + publication->payload_length - form->referred;
        form->identifier_at = (size_t)(publication->topic_name - publication->packet) + publication->topic_length;
        return;
    }
    uint32_t remaining = (uint32_t)(publication->topic_length + (qos > 0 ? 2 : 0) + five + publication->payload_length);
    uint8_t *out = encoded[number];
    *out++ = (uint8_t)(PACKET_PUBLISH << 4 | qos << 1);
    out = write_variable(out, remaining);
    memcpy(out, publication->topic_name, publication->topic_length);
    out += publication->topic_length;
    form->identifier_at = (size_t)(out - encoded[number]);
    if (qos > 0) out += 2;
    if (five) *out++ = 0;
    if (!refers) {
        memcpy(out, publication->payload, publication->payload_length);
        out += publication->payload_length;
    }
    form->head = encoded[number];
    form->length = (size_t)(out - encoded[number]);
}

static void deliver(const struct topic *topic, const struct publication *publication) {
    struct form forms[FORMS];
    for (unsigned i = 0; i < FORMS; i++) forms[i].head = NULL;
    for (uint32_t i = 0; i < topic->count; i++) {
        struct connection *receiver = topic->subscribers[i].connection;
        uint8_t qos = topic->subscribers[i].qos < publication->qos ? topic->subscribers[i].qos : publication->qos;
        unsigned number = form_number(receiver->protocol_level == 5, qos);
        struct form *form = &forms[number];
        if (form->head == NULL) make_form(form, publication, number);
        if (qos > 0) {
            flight_send(receiver, form->head, form->length, form->identifier_at, publication->payload, form->referred);
            continue;
        }
        copy(connection_reserve(receiver, form->length), form->head, form->length);
        if (form->referred > 0) connection_refer(receiver, publication->payload, form->referred);
    }
}

static void acknowledge(struct connection *publisher, enum packet_type type, uint16_t identifier) {
    uint8_t *out = connection_reserve(publisher, 4);
    out[0] = (uint8_t)(type << 4);
    out[1] = 2;
    store16(out + 2, identifier);
}

bool publish_receive(struct connection *publisher, const uint8_t *packet, const uint8_t *body, const uint8_t *end) {
    bool five = publisher->protocol_level == 5, is_new = true;
    uint8_t qos = packet[0] >> 1 & 3;
    struct reader reader = {body, end, false};
    struct reader name = read_string(&reader);
    uint16_t identifier = qos > 0 ? read16(&reader) : 0;
    bool properties = five && reader.next < end && *reader.next != 0;
    if (properties) skip_properties(&reader, NULL);
    else if (five) read8(&reader);
    size_t name_length = reader_left(&name);
    if (reader.broken || publisher->protocol_level == 0 || qos == 3) return false;
    if (name_length == 0 || (qos > 0 && identifier == 0)) return false;

    struct topic *topic = topics_find(name.next, (uint16_t)name_length);
    // A name that equals a filter is as right as that one.
    if (topic == NULL && !is_topic_name(name.next, name_length)) return false;
    if (qos == 2 && !flight_received(publisher, identifier, &is_new)) return false;
    if (topic != NULL && is_new) {
        // Neither the properties nor the flags DUP and RETAIN are sent on.
        bool as_it_is = !properties && (packet[0] & 0x09) == 0;
        struct publication publication = {
            .packet = packet, .topic_name = body, .topic_length = 2 + name_length, .payload = reader.next,
            .payload_length = reader_left(&reader), .qos = qos,
            .form = as_it_is ? form_number(five, qos) : FORMS};
        deliver(topic, &publication);
    }
    if (qos > 0) acknowledge(publisher, qos == 1 ? PACKET_PUBACK : PACKET_PUBREC, identifier);
    return true;
}
