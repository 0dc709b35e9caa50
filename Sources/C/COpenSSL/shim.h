#pragma once
// SHA_CTX is the one SHA-1 state that can be copied without an allocation, which SRTP does for every packet; OpenSSL 3
// marks it deprecated in favour of a slower interface.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <openssl/x509_vfy.h>

// Macros of OpenSSL that Swift cannot import.

static const int doorward_mbstring_asc = MBSTRING_ASC;
static const int doorward_mbstring_utf8 = MBSTRING_UTF8;

static const uint64_t doorward_ssl_op_no_query_mtu = SSL_OP_NO_QUERY_MTU;
static const uint64_t doorward_ssl_op_no_ticket = SSL_OP_NO_TICKET;
static const uint64_t doorward_ssl_op_no_renegotiation = SSL_OP_NO_RENEGOTIATION;
static const uint64_t doorward_ssl_op_cipher_server_preference = SSL_OP_CIPHER_SERVER_PREFERENCE;

static inline int doorward_ssl_ctx_set_protocol_version(SSL_CTX *context, int version) {
    return SSL_CTX_set_min_proto_version(context, version) == 1 && SSL_CTX_set_max_proto_version(context, version) == 1;
}

static inline int doorward_ssl_ctx_set_groups(SSL_CTX *context, const char *names) {
    return SSL_CTX_set1_groups_list(context, names) == 1;
}

static inline void doorward_ssl_ctx_set_session_cache_mode(SSL_CTX *context, long mode) {
    SSL_CTX_set_session_cache_mode(context, mode);
}

static inline void doorward_ssl_ctx_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }

static inline void doorward_ssl_ctx_set_max_cert_list(SSL_CTX *context, long size) {
    SSL_CTX_set_max_cert_list(context, size);
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

static inline EVP_PKEY *doorward_evp_ec_gen(const char *curve) { return EVP_EC_gen(curve); }

static inline EVP_PKEY *doorward_evp_rsa_gen(size_t bits) { return EVP_RSA_gen(bits); }

static inline void doorward_bio_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }

static inline void doorward_bio_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }

static inline long doorward_bio_get_mem_data(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }

static inline int doorward_ssl_ctx_set_least_tls_1_2(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
}

static inline int doorward_ssl_set_server_name(SSL *ssl, const char *name) {
    return SSL_set_tlsext_host_name(ssl, name) == 1;
}
