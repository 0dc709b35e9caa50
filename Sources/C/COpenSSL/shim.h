#pragma once
// SHA_CTX is the one SHA-1 state that can be copied without an allocation, which SRTP does for every packet; OpenSSL 3
// marks it deprecated in favour of a slower interface.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
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

// A cipher's functions as its provider has them (provider-cipher(7)), with the context they are called with.
struct doorward_cipher {
    void *provider_context;
    OSSL_FUNC_cipher_newctx_fn *newctx;
    OSSL_FUNC_cipher_freectx_fn *freectx;
    OSSL_FUNC_cipher_encrypt_init_fn *encrypt_init;
    OSSL_FUNC_cipher_decrypt_init_fn *decrypt_init;
    OSSL_FUNC_cipher_update_fn *update;
    OSSL_FUNC_cipher_final_fn *final;
    OSSL_FUNC_cipher_get_ctx_params_fn *get_ctx_params;
    OSSL_FUNC_cipher_set_ctx_params_fn *set_ctx_params;
};

// Whether one of `names`, which colons divide, is a name of `cipher`.
static inline int doorward_cipher_has_name(const EVP_CIPHER *cipher, const char *names) {
    char name[64];
    for (; *names; names += names[0] == ':') {
        size_t length = strcspn(names, ":");
        if (length < sizeof name) {
            memcpy(name, names, length);
            name[length] = 0;
            if (EVP_CIPHER_is_a(cipher, name)) return 1;
        }
        names += length;
    }
    return 0;
}

// The functions of the cipher called `name`, which stay what they are as long as the program runs; 0 where no provider has it.
static inline int doorward_cipher_fetch(const char *name, struct doorward_cipher *cipher) {
    EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, name, NULL);
    if (!fetched) return 0;
    const OSSL_PROVIDER *provider = EVP_CIPHER_get0_provider(fetched);
    int is_not_to_be_kept = 0;
    const OSSL_ALGORITHM *algorithm = OSSL_PROVIDER_query_operation(provider, OSSL_OP_CIPHER, &is_not_to_be_kept);
    while (algorithm && algorithm->algorithm_names && !doorward_cipher_has_name(fetched, algorithm->algorithm_names)) algorithm++;
    if (!algorithm || !algorithm->algorithm_names || is_not_to_be_kept) {
        EVP_CIPHER_free(fetched);
        return 0;
    }
    cipher->provider_context = OSSL_PROVIDER_get0_provider_ctx(provider);
    for (const OSSL_DISPATCH *entry = algorithm->implementation; entry->function_id; entry++) {
        switch (entry->function_id) {
            case OSSL_FUNC_CIPHER_NEWCTX: cipher->newctx = OSSL_FUNC_cipher_newctx(entry); break;
            case OSSL_FUNC_CIPHER_FREECTX: cipher->freectx = OSSL_FUNC_cipher_freectx(entry); break;
            case OSSL_FUNC_CIPHER_ENCRYPT_INIT: cipher->encrypt_init = OSSL_FUNC_cipher_encrypt_init(entry); break;
            case OSSL_FUNC_CIPHER_DECRYPT_INIT: cipher->decrypt_init = OSSL_FUNC_cipher_decrypt_init(entry); break;
            case OSSL_FUNC_CIPHER_UPDATE: cipher->update = OSSL_FUNC_cipher_update(entry); break;
            case OSSL_FUNC_CIPHER_FINAL: cipher->final = OSSL_FUNC_cipher_final(entry); break;
            case OSSL_FUNC_CIPHER_GET_CTX_PARAMS: cipher->get_ctx_params = OSSL_FUNC_cipher_get_ctx_params(entry); break;
            case OSSL_FUNC_CIPHER_SET_CTX_PARAMS: cipher->set_ctx_params = OSSL_FUNC_cipher_set_ctx_params(entry); break;
        }
    }
    // `fetched` is not given back: it keeps the provider.
    return cipher->newctx && cipher->freectx && cipher->encrypt_init && cipher->decrypt_init && cipher->update && cipher->final &&
        cipher->get_ctx_params && cipher->set_ctx_params;
}

// The parameter by which a cipher is asked for its tag and told it.
static inline OSSL_PARAM doorward_cipher_tag(void *bytes, size_t count) {
    return OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, bytes, count);
}
