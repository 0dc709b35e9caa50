#pragma once
#include <libwebsockets.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/prctl.h>

/// The bytes that lws_write() wants free in front of what it sends; a macro that Swift cannot see.
static inline size_t doorward_lws_pre(void) { return LWS_PRE; }

/// A log of one context's own, which `emit` hears; NULL before libwebsockets 4.3, whose log is one for the whole process. From then
/// on contexts count their references to the log without a lock, so that two that shared one could not run on two threads.
static inline void *doorward_lws_log(void (*emit)(int level, const char *line)) {
#if LWS_LIBRARY_VERSION_NUMBER >= 4003000
    lws_log_cx_t *log = calloc(1, sizeof *log);
    if (!log) return NULL;
    log->u.emit = emit;
    log->lll_flags = LLL_ERR | LLL_WARN;
    return log;
#else
    (void)emit;
    return NULL;
#endif
}

/// Makes the context that `info` describes write to `log`.
static inline void doorward_lws_use_log(struct lws_context_creation_info *info, void *log) {
#if LWS_LIBRARY_VERSION_NUMBER >= 4003000
    info->log_cx = log;
#else
    (void)info, (void)log;
#endif
}

/// A timer that ends the wait for the network of one context.
struct doorward_waker {
    lws_sorted_usec_list_t timer;
    struct lws_context *context;
};

static inline void doorward_wake(lws_sorted_usec_list_t *timer) {
    lws_cancel_service(((struct doorward_waker *)timer)->context);
}

/// Has `waker` end the wait in `microseconds`. That the timer is due does not do so by itself: libwebsockets calls what is due just
/// before it waits, and a timer that comes due only then, as on a busy machine, is followed by a wait for the next one.
static inline void doorward_wake_after(struct doorward_waker *waker, lws_usec_t microseconds) {
    lws_sul_schedule(waker->context, 0, &waker->timer, doorward_wake, microseconds);
}

/// Has `waker` do so no more.
static inline void doorward_forget_waker(struct doorward_waker *waker) {
    lws_sul_schedule(waker->context, 0, &waker->timer, doorward_wake, LWS_SET_TIMER_USEC_CANCEL);
}

/// Names the calling thread; variadic, so Swift cannot call it.
static inline void doorward_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

// What a server's TLS is made of; macros of OpenSSL that Swift cannot see.

/// What makes a virtual host one with TLS whose certificate is given when its SSL_CTX is told of, and that answers plain HTTP, too.
static inline uint64_t doorward_lws_secure_options(void) {
    return LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX | LWS_SERVER_OPTION_ALLOW_NON_SSL_ON_SSL_PORT |
           LWS_SERVER_OPTION_ALLOW_HTTP_ON_HTTPS_LISTENER;
}

/// RFC 9325 §3.1: TLS 1.2 and 1.3 alone, with forward secrecy and authenticated encryption. What cannot be sent at once is sent on from
/// wherever it stands then.
static inline int doorward_tls_prepare(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    // libwebsockets would look for a virtual host of the name that is asked for; there is one for all.
    SSL_CTX_set_tlsext_servername_callback(context, NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
}

/// A key that wants a password is refused rather than asked for on a terminal.
static inline int doorward_tls_no_password(char *buffer, int size, int writing, void *user) {
    (void)buffer, (void)size, (void)writing, (void)user;
    return -1;
}

/// Has connections that begin from now on be shown the chain and proven the key in `pem`; false, with the old ones kept, where they do
/// not belong together. Those that are open keep what they have.
static inline int doorward_tls_use(SSL_CTX *context, const char *pem, int length) {
    BIO *certificates = BIO_new_mem_buf(pem, length), *keys = BIO_new_mem_buf(pem, length);
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *leaf = NULL, *next;
    EVP_PKEY *key = NULL;
    int is_used = 0;
    if (certificates && keys && chain) {
        leaf = PEM_read_bio_X509(certificates, NULL, doorward_tls_no_password, NULL);
        while ((next = PEM_read_bio_X509(certificates, NULL, doorward_tls_no_password, NULL)))
            if (!sk_X509_push(chain, next)) X509_free(next);
        key = PEM_read_bio_PrivateKey(keys, NULL, doorward_tls_no_password, NULL);
        is_used = leaf && key && SSL_CTX_use_cert_and_key(context, leaf, key, chain, 1) == 1;
    }
    EVP_PKEY_free(key);
    X509_free(leaf);
    sk_X509_pop_free(chain, X509_free);
    BIO_free(keys);
    BIO_free(certificates);
    ERR_clear_error();
    return is_used;
}
