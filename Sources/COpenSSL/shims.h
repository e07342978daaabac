// SPDX-License-Identifier: Apache-2.0
// OpenSSL 3 for Swift: its headers, and functions in place of the macros that Swift cannot import. No code of our own
// to link. Functions that Swift imports by themselves are not repeated here.
#ifndef ISTHMUS_COPENSSL_SHIMS_H
#define ISTHMUS_COPENSSL_SHIMS_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

enum { OPENSSL_TICKET_KEYS_LENGTH = 80 };

static inline void openssl_ctx_set_mode(SSL_CTX *ctx, long mode) { SSL_CTX_set_mode(ctx, mode); }

static inline int openssl_ctx_set_versions(SSL_CTX *ctx, int minimum, int maximum) {
  return SSL_CTX_set_min_proto_version(ctx, minimum) && SSL_CTX_set_max_proto_version(ctx, maximum);
}

static inline void openssl_ctx_disable_session_cache(SSL_CTX *ctx) {
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}

static inline void openssl_ctx_prefer_server_ciphers(SSL_CTX *ctx) {
  SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
}

static inline void openssl_ctx_refuse_renegotiation(SSL_CTX *ctx) { SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION); }

static inline void openssl_ctx_disable_tickets(SSL_CTX *ctx) { SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET); }

// The callback gets the SSL, a place for an alert and `table`; it answers with an SSL_TLSEXT_ERR_ value.
static inline void openssl_ctx_set_servername_callback(SSL_CTX *ctx, int (*callback)(SSL *, int *, void *), void *table) {
  SSL_CTX_set_tlsext_servername_callback(ctx, callback);
  SSL_CTX_set_tlsext_servername_arg(ctx, table);
}

static inline int openssl_ctx_new_index(CRYPTO_EX_free *release) {
  return SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, release);
}

// The keys that encrypt session tickets; `keys` holds OPENSSL_TICKET_KEYS_LENGTH bytes.
static inline int openssl_ctx_get_ticket_keys(SSL_CTX *ctx, void *keys) {
  return (int)SSL_CTX_get_tlsext_ticket_keys(ctx, keys, OPENSSL_TICKET_KEYS_LENGTH);
}

static inline int openssl_ctx_set_ticket_keys(SSL_CTX *ctx, void *keys) {
  return (int)SSL_CTX_set_tlsext_ticket_keys(ctx, keys, OPENSSL_TICKET_KEYS_LENGTH);
}

static inline int openssl_set_server_name(SSL *ssl, const char *name) { return (int)SSL_set_tlsext_host_name(ssl, name); }

static inline void openssl_bio_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }

static inline void openssl_bio_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }

static inline int openssl_name_print(BIO *out, X509_NAME *name) { return X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253); }

static inline void openssl_free(void *memory) { OPENSSL_free(memory); }

static inline int openssl_error_reason(unsigned long error) { return ERR_GET_REASON(error); }

static inline int openssl_error_is_system(unsigned long error) { return ERR_SYSTEM_ERROR(error); }
#endif
