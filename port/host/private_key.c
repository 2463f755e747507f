/* SPDX-License-Identifier: BSD-2-Clause */
/* Private keys: from files, and in tokens by way of an engine. */
#define OPENSSL_SUPPRESS_DEPRECATED /* engines: the only way to a token with OpenSSL 3.0 */

#include <stdlib.h>
#include <string.h>

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ui.h>

#include "sign.h"

/* A passphrase, and whether it was asked for. */
struct secret {
    const char *text;
    bool is_asked;
};

/* pem_password_cb. */
static int give_secret(char *buf, int size, int is_new, void *context)
{
    struct secret *secret = context;
    size_t length;

    (void)is_new;
    secret->is_asked = true;
    if (secret->text == NULL) {
        return -1;
    }
    length = strlen(secret->text);
    if (size < 0 || length > (size_t)size) {
        return -1;
    }
    memcpy(buf, secret->text, length);
    return (int)length;
}

/* PEM first; then DER, encrypted or not. */
static EVP_PKEY *read_pair(const void *data, int size, struct secret *secret)
{
    const unsigned char *at = data;
    BIO *bio = BIO_new_mem_buf(data, size);
    EVP_PKEY *pair = NULL;

    if (bio != NULL) {
        pair = PEM_read_bio_PrivateKey(bio, NULL, give_secret, secret);
        BIO_free(bio);
    }
    if (pair == NULL && !secret->is_asked) {
        pair = d2i_AutoPrivateKey(NULL, &at, size);
    }
    if (pair == NULL && !secret->is_asked) {
        bio = BIO_new_mem_buf(data, size);
        if (bio != NULL) {
            pair = d2i_PKCS8PrivateKey_bio(bio, NULL, give_secret, secret);
            BIO_free(bio);
        }
    }
    return pair;
}

enum hp_status hp_private_key_read(struct hp_private_key **key, const void *data, size_t size,
                                   const char *passphrase, struct hp_diag *diag)
{
    struct secret secret = {passphrase, false};
    struct hp_private_key *made = calloc(1, sizeof(*made));

    *key = NULL;
    if (made == NULL) {
        return hp_crypto_refuse(diag, HP_NO_MEMORY, "");
    }
    (void)ERR_set_mark();
    if (size <= INT32_MAX) {
        made->pair = read_pair(data, (int)size, &secret);
    }
    (void)ERR_pop_to_mark();
    if (made->pair == NULL) {
        free(made);
        return secret.is_asked ? hp_crypto_refuse(diag, HP_KEY_LOCKED, "")
                               : hp_crypto_refuse(diag, HP_KEY_INVALID, "no private key in it");
    }
    *key = made;
    return HP_OK;
}

/* The engine, ready for use; NULL when it is not there or does not start. */
static ENGINE *start_engine(void)
{
    ENGINE *engine;

    ENGINE_load_builtin_engines();
    engine = ENGINE_by_id("pkcs11");
    if (engine != NULL && ENGINE_init(engine) != 1) {
        ENGINE_free(engine);
        engine = NULL;
    }
    return engine;
}

static void stop_engine(ENGINE *engine)
{
    if (engine != NULL) {
        (void)ENGINE_finish(engine);
        (void)ENGINE_free(engine);
    }
}

enum hp_status hp_private_key_open_token(struct hp_private_key **key, const char *uri,
                                         const char *pin, struct hp_diag *diag)
{
    struct hp_private_key *made = calloc(1, sizeof(*made));
    UI_METHOD *silent = UI_create_method("hotpatch");
    ENGINE *engine = NULL;
    enum hp_status status;

    *key = NULL;
    (void)ERR_set_mark();
    if (made == NULL || silent == NULL) {
        status = hp_crypto_refuse(diag, HP_NO_MEMORY, "");
        goto out;
    }
    engine = start_engine();
    if (engine == NULL) {
        status = hp_crypto_refuse(diag, HP_KEY_ENGINE, "");
        goto out;
    }
    if (pin == NULL || ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0) == 1) {
        /* A method without functions: the engine is not to ask the terminal by itself. */
        made->pair = ENGINE_load_private_key(engine, uri, silent, NULL);
    }
    if (made->pair == NULL) {
        status = hp_crypto_refuse(diag, HP_KEY_LOCKED, "no such key, or a PIN is wrong or missing");
        goto out;
    }
    made->engine = engine;
    engine = NULL;
    *key = made;
    made = NULL;
    status = HP_OK;
out:
    stop_engine(engine);
    UI_destroy_method(silent);
    free(made);
    (void)ERR_pop_to_mark();
    return status;
}

void hp_private_key_free(struct hp_private_key *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->pair);
        stop_engine(key->engine);
        free(key);
    }
}
