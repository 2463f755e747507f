/* SPDX-License-Identifier: BSD-2-Clause */
/* What a signature says of itself. */
#include <stdlib.h>
#include <string.h>

#include <hotpatch/host_sign.h>

#include "common.h"

#define ISSUER_MAX 512

static const char *scheme_name(enum hp_signature_scheme scheme)
{
    switch (scheme) {
    case HP_SCHEME_RSA_PKCS1:
        return "rsa";
    case HP_SCHEME_RSA_PSS:
        return "rsa-pss";
    case HP_SCHEME_ECDSA:
        return "ecdsa";
    case HP_SCHEME_DSA:
        return "dsa";
    default:
        return "none";
    }
}

static void print_bytes(FILE *out, const char *what, struct hp_span bytes)
{
    if (bytes.size != 0) {
        fprintf(out, ", %s ", what);
        print_hex(out, bytes.data, bytes.size, "");
    }
}

static void print_text(FILE *out, const char *what, const void *text, size_t size)
{
    char *shown;

    if (size != 0) {
        shown = text_escape(text, size, TEXT_NAME_MAX);
        fprintf(out, ", %s \"%s\"", what, shown);
        free(shown);
    }
}

void claim_print(FILE *out, const struct hp_trailer *trailer)
{
    char issuer[ISSUER_MAX];

    fprintf(out, "%s", hp_signature_format_name(trailer->format));
    if (trailer->scheme != HP_SCHEME_NONE) {
        fprintf(out, ", %s", scheme_name(trailer->scheme));
    }
    if (trailer->hash != HP_HASH_NONE) {
        fprintf(out, ", %s", hp_hash_name(trailer->hash));
    }
    hp_issuer_text(trailer->issuer, issuer, sizeof(issuer));
    print_bytes(out, "key id", trailer->key_id);
    print_text(out, "issuer", issuer, strlen(issuer));
    print_bytes(out, "serial", trailer->serial);
    print_text(out, "signer", trailer->signer.data, trailer->signer.size);
}

static struct json_object *bytes_value(struct hp_span bytes)
{
    return bytes.size != 0 ? json_hex(bytes.data, bytes.size) : NULL;
}

void claim_put(struct json_object *object, const struct hp_trailer *trailer)
{
    const char *scheme = scheme_name(trailer->scheme);
    char issuer[ISSUER_MAX];

    hp_issuer_text(trailer->issuer, issuer, sizeof(issuer));
    json_put(object, "format",
             trailer->format != HP_SIGNATURE_NONE
                 ? json_text(hp_signature_format_name(trailer->format))
                 : NULL);
    json_put(object, "scheme", trailer->scheme != HP_SCHEME_NONE ? json_text(scheme) : NULL);
    json_put(object, "hash",
             trailer->hash != HP_HASH_NONE ? json_text(hp_hash_name(trailer->hash)) : NULL);
    json_put(object, "key_id", bytes_value(trailer->key_id));
    json_put(object, "issuer", issuer[0] != '\0' ? json_name(issuer) : NULL);
    json_put(object, "serial", bytes_value(trailer->serial));
    json_put(object, "signer",
             trailer->signer.size != 0 ? json_bytes_text(trailer->signer.data, trailer->signer.size)
                                       : NULL);
    json_put(object, "payload_size",
             trailer->payload_len != 0 ? json_number(trailer->payload_len) : NULL);
}
