#pragma once
// SHA_CTX is the one SHA-1 state that can be copied without an allocation, which SRTP does for every packet; OpenSSL 3
// marks it deprecated in favour of a slower interface.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

// Macros of OpenSSL that Swift cannot import.

static inline int doorward_ssl_ctx_set_dtls12(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1
        && SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1;
}

static inline int doorward_ssl_ctx_set_groups(SSL_CTX *context, const char *names) {
    return SSL_CTX_set1_groups_list(context, names) == 1;
}

static inline void doorward_ssl_ctx_disable_sessions(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

static inline void doorward_ssl_set_mtu(SSL *ssl, long mtu) { SSL_set_mtu(ssl, mtu); }

static inline void doorward_ssl_set_app_data(SSL *ssl, void *data) { SSL_set_app_data(ssl, data); }

static inline void *doorward_ssl_get_app_data(const SSL *ssl) { return SSL_get_app_data(ssl); }

static inline long doorward_dtls_handle_timeout(SSL *ssl) { return DTLSv1_handle_timeout(ssl); }

// The microseconds until the retransmission timer expires; -1 where it does not run.
static inline int64_t doorward_dtls_timeout_left(SSL *ssl) {
    struct timeval left;
    if (!DTLSv1_get_timeout(ssl, &left)) return -1;
    return (int64_t)left.tv_sec * 1000000 + left.tv_usec;
}

static inline EVP_PKEY *doorward_generate_p256(void) { return EVP_EC_gen("P-256"); }

static inline void doorward_bio_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }

static inline void doorward_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

static inline int doorward_bio_get_mem(BIO *bio, char **bytes) { return (int)BIO_get_mem_data(bio, bytes); }
