/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes and names of digests, algorithms and layouts, and text made of untrusted bytes. */
#include <hotpatch/sign.h>

#include "sign/sha2.h"

size_t hp_hash_size(enum hp_hash hash)
{
    return hp_sha2_size(hash);
}

const char *hp_hash_name(enum hp_hash hash)
{
    switch (hash) {
    case HP_HASH_SHA256:
        return "sha256";
    case HP_HASH_SHA384:
        return "sha384";
    case HP_HASH_SHA512:
        return "sha512";
    case HP_HASH_WEAK:
        return "weak";
    default:
        return "none";
    }
}

const char *hp_key_algorithm_name(enum hp_key_algorithm algorithm)
{
    switch (algorithm) {
    case HP_KEY_RSA_PKCS1:
        return "rsa";
    case HP_KEY_ECDSA_P256:
        return "ecdsa-p256";
    case HP_KEY_ECDSA_P384:
        return "ecdsa-p384";
    default:
        return "none";
    }
}

const char *hp_signature_format_name(enum hp_signature_format format)
{
    switch (format) {
    case HP_SIGNATURE_XENDOC:
        return "xendoc";
    case HP_SIGNATURE_LINUX:
        return "linux";
    case HP_SIGNATURE_LINUX37:
        return "linux37";
    default:
        return "none";
    }
}

#define CUT_MARK_SIZE 3u /* "..." */

static size_t escaped_size(uint8_t byte)
{
    return byte >= ' ' && byte <= '~' && byte != '\\' ? 1 : 4;
}

void hp_signer_escape(struct hp_span text, char *buf, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t whole = 0;
    size_t room;
    size_t used = 0;
    size_t i;

    if (size == 0) {
        return;
    }
    for (i = 0; i < text.size && whole < size; i++) {
        whole += escaped_size(text.data[i]);
    }
    room = size - 1;
    if (whole > room) {
        room = room < CUT_MARK_SIZE ? 0 : room - CUT_MARK_SIZE;
    }
    for (i = 0; i < text.size && escaped_size(text.data[i]) <= room - used; i++) {
        const uint8_t byte = text.data[i];

        if (escaped_size(byte) == 1) {
            buf[used++] = (char)byte;
        } else {
            buf[used++] = '\\';
            buf[used++] = 'x';
            buf[used++] = digits[byte >> 4];
            buf[used++] = digits[byte & 0xf];
        }
    }
    if (i < text.size) {
        for (i = 0; i < CUT_MARK_SIZE && used < size - 1; i++) {
            buf[used++] = '.';
        }
    }
    buf[used] = '\0';
}
