// SPDX-License-Identifier: Apache-2.0
// A PUBLISH from where it was read to everybody who subscribes to its topic.

#pragma once

#include "connection.h"

// `packet` begins with the fixed header, its rest is from `body` to `end`. Returns false if the connection has to end.
bool publish_receive(struct connection *publisher, const uint8_t *packet, const uint8_t *body, const uint8_t *end);
