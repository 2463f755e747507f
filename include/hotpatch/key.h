/* SPDX-License-Identifier: BSD-2-Clause */
/* Public keys that payload signatures are checked with, and the digests that they sign. */
#ifndef HOTPATCH_KEY_H
#define HOTPATCH_KEY_H

#include <stddef.h>
#include <stdint.h>

#include <hotpatch/elf.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Digests. Those that are too weak to be accepted at all have one value between them. */
enum hp_hash {
    HP_HASH_NONE, /* none; in a key: any that the policy allows */
    HP_HASH_SHA256,
    HP_HASH_SHA384,
    HP_HASH_SHA512,
    HP_HASH_WEAK /* MD4, MD5, SHA-1, SHA-224, RIPEMD and the like: recognised, never accepted */
};

#define HP_DIGEST_MAX 64 /* bytes of the longest digest */

/* Bytes of a digest; 0 for HP_HASH_NONE, HP_HASH_WEAK and any other number. Any context. */
size_t hp_hash_size(enum hp_hash hash);

/* Name of a digest: "sha256"; "weak" for HP_HASH_WEAK, "none" for any other number. Any context. */
const char *hp_hash_name(enum hp_hash hash);

/* What a key signs with: algorithm, curve and padding in one. */
enum hp_key_algorithm {
    HP_KEY_NONE,
    HP_KEY_RSA_PKCS1,  /* RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2) */
    HP_KEY_ECDSA_P256, /* ECDSA on secp256r1; the signature is the DER of {r, s} */
    HP_KEY_ECDSA_P384  /* ECDSA on secp384r1 */
};

/* Name of an algorithm: "rsa", "ecdsa-p256", "ecdsa-p384"; "none" for any other. Any context. */
const char *hp_key_algorithm_name(enum hp_key_algorithm algorithm);

#define HP_RSA_BITS_DEFAULT 2048 /* smallest modulus when the policy names none */
#define HP_RSA_BITS_MAX     4096 /* largest modulus that a key ring takes */
#define HP_RSA_EXPONENT     65537u
#define HP_SPKI_HASH_SIZE   32 /* bytes of a SHA-256 */

/*
 * A public key. The spans point to memory of whoever fills it in, which must stay as it is while
 * the key is in a ring; constant data of the program will do.
 *
 * A signature says by what key it was made: xendoc by the subject key identifier, linux by that or
 * by issuer and serial number. A key is found by any of the two that it has; it needs one.
 */
struct hp_key {
    enum hp_key_algorithm algorithm;
    enum hp_hash hash;             /* the only digest it may sign; HP_HASH_NONE: any allowed one */
    struct hp_span name;           /* for people only, such as the certificate's common name; may be
                                      empty and hold any bytes */
    struct hp_span subject_key_id; /* contents of the X.509 subjectKeyIdentifier; may be empty */
    struct hp_span issuer;         /* DER of the certificate's issuer, a Name with its tag; with
                                      serial, or both empty */
    struct hp_span serial;         /* contents octets of the certificate's serialNumber */
    struct hp_span modulus;        /* RSA: n, big-endian, its first byte not 0 */
    uint32_t exponent;             /* RSA: e */
    struct hp_span point;          /* ECDSA: 4, x, y, the uncompressed form (SEC 1, 2.3.3) */
    uint8_t spki_sha256[HP_SPKI_HASH_SIZE]; /* SHA-256 of the key's SubjectPublicKeyInfo (RFC 5280):
                                               set by hp_keyring_add() */
};

#ifdef __cplusplus
}
#endif

#endif
