// SPDX-License-Identifier: Apache-2.0
// The event loop: level-triggered epoll on one thread. A turn reads each socket that has something once, then writes
// each connection once.

#pragma once

#include <stdbool.h>
#include <stdint.h>

struct connection;

void loop_open(uint16_t port);

// What epoll reports of a connection; `added` if it did not know it.
void loop_watch(int descriptor, struct connection *connection, uint32_t events, bool added);

_Noreturn void loop_run(void);
