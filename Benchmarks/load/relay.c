// SPDX-License-Identifier: Apache-2.0
// The self-test's counterpart; see relay.h.

#include "relay.h"

#include "failure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COPY_LENGTH = 256 * 1024 };

static void send_all(int descriptor, const uint8_t *bytes, size_t length) {
    while (length > 0) {
        ssize_t sent = send(descriptor, bytes, length, MSG_NOSIGNAL);
        // The generator has closed: the run is over.
        if (sent < 0) pthread_exit(NULL);
        bytes += sent;
        length -= (size_t)sent;
    }
}

// The generator waits for each answer, so one read is one packet; its first byte says which.
static void answer(int descriptor, uint8_t first_byte, const uint8_t *reply, size_t length) {
    uint8_t packet[1024];
    ssize_t count = recv(descriptor, packet, sizeof packet, 0);
    if (count < 1 || packet[0] != first_byte) {
        fail("The relay expected a packet 0x%02X from the generator.", first_byte);
    }
    send_all(descriptor, reply, length);
}

static void *serve(void *argument) {
    static const uint8_t connack[] = {0x20, 3, 0, 0, 0}, suback[] = {0x90, 4, 0, 1, 0, 0};
    static uint8_t buffer[COPY_LENGTH];
    int listener = (int)(intptr_t)argument;
    int subscriber = accept(listener, NULL, NULL);
    answer(subscriber, 0x10, connack, sizeof connack);
    answer(subscriber, 0x82, suback, sizeof suback);
    int publisher = accept(listener, NULL, NULL);
    answer(publisher, 0x10, connack, sizeof connack);
    for (ssize_t count; (count = recv(publisher, buffer, sizeof buffer, 0)) > 0;) {
        send_all(subscriber, buffer, (size_t)count);
    }
    return NULL;
}

void relay_start(int core, char port[6]) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 2) != 0
        || getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        fail("The relay cannot listen on a port of 127.0.0.1: %s.", strerror(errno));
    }
    snprintf(port, 6, "%u", ntohs(address.sin_port));
    pthread_t thread;
    int error = pthread_create(&thread, NULL, serve, (void *)(intptr_t)listener);
    if (error != 0) fail("The relay's thread cannot be started: %s.", strerror(error));
    if (core >= 0) {
        cpu_set_t cores;
        CPU_ZERO(&cores);
        CPU_SET(core, &cores);
        pthread_setaffinity_np(thread, sizeof cores, &cores);
    }
    pthread_detach(thread);
}
