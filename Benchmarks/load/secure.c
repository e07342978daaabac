// SPDX-License-Identifier: Apache-2.0
// TLS under a connection of the load; see secure.h.

#include "secure.h"

#include "failure.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

enum { READ_AHEAD_LENGTH = 64 * 1024 };

static SSL_CTX *context;

void secure_prepare(int version) {
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) fail("OpenSSL cannot be set up.");
    int exact = version == 12 ? TLS1_2_VERSION : TLS1_3_VERSION;
    SSL_CTX_set_min_proto_version(context, exact);
    SSL_CTX_set_max_proto_version(context, exact);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                  | SSL_MODE_RELEASE_BUFFERS);
    // Several records a read: otherwise each record costs the generator two system calls.
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD_LENGTH);
}

void secure_open(struct connection *connection) {
    connection->tls = SSL_new(context);
    if (connection->tls == NULL || SSL_set_fd(connection->tls, connection->fd) != 1) {
        fail("OpenSSL has no memory for another connection.");
    }
    SSL_set_connect_state(connection->tls);
}

void secure_close(struct connection *connection) { SSL_free(connection->tls); }

static ssize_t outcome(struct connection *connection, int result) {
    if (result > 0) return result;
    switch (SSL_get_error(connection->tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_SYSCALL:
        if (errno == 0) errno = ECONNRESET;
        return -1;
    default: fail("TLS failed: %s.", ERR_reason_error_string(ERR_get_error()));
    }
}

ssize_t secure_send(struct connection *connection, const uint8_t *bytes, size_t length) {
    errno = 0;
    return outcome(connection, SSL_write(connection->tls, bytes, (int)length));
}

ssize_t secure_receive(struct connection *connection, uint8_t *bytes, size_t capacity) {
    errno = 0;
    return outcome(connection, SSL_read(connection->tls, bytes, (int)capacity));
}

bool secure_wants_input(const struct connection *connection) { return SSL_want_read(connection->tls); }

bool secure_has_more(const struct connection *connection) { return SSL_has_pending(connection->tls); }
