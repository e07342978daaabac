// SPDX-License-Identifier: Apache-2.0
// When bytes arrived at a socket, by the kernel's own clock reading: the generator may be busy elsewhere at that moment,
// and what it reads late has not come late. On a loopback interface that is the moment at which the broker sent them.

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Asks the kernel to note times of arrival for this socket.
void arrival_ask(int descriptor);

// As recv(2); `arrival` becomes the time of the newest byte, on the clock of clock.h.
ssize_t arrival_receive(int descriptor, uint8_t *bytes, size_t capacity, uint64_t *arrival);
