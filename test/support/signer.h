/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes keys and signed payloads with libcrypto, and everything about them that can be wrong.
 *
 * Hosted; stops the program (abort) when libcrypto fails.
 */
#ifndef TEST_SIGNER_H
#define TEST_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <hotpatch/sign.h>

/* A key pair and the entry of a key ring for it; the spans of `key` point into this. */
struct sg_key {
    EVP_PKEY *pair;
    struct hp_key key;
    uint8_t modulus[1024];
    uint8_t point[97];
    uint8_t id[20];
    uint8_t issuer[64];
    uint8_t serial[20];
};

/* Makes an RSA key. `primes` 2 or 3; three are faster to find. */
void sg_rsa(struct sg_key *key, unsigned int bits, unsigned int exponent, unsigned int primes);

/* Makes a key on "P-256" or "P-384". */
void sg_curve(struct sg_key *key, const char *curve);

void sg_free(struct sg_key *key);

/* A piece of memory to put files together in; freed by sg_drop(). */
struct sg_bytes {
    uint8_t *data;
    size_t size;
};

void sg_drop(struct sg_bytes *bytes);
void sg_add(struct sg_bytes *bytes, const void *data, size_t size);
void sg_add_byte(struct sg_bytes *bytes, unsigned int byte);

/* Wraps what is there from `start` on in a DER tag and length. */
void sg_wrap(struct sg_bytes *bytes, size_t start, unsigned int tag);

/* Digest of `data` by libcrypto's name, such as "SHA256"; returns its size. */
size_t sg_digest(const char *name, const void *data, size_t size, uint8_t *digest);

/* Signs data: RSA PKCS#1 v1.5 or ECDSA. Returns the signature's size; out has 512 bytes. */
size_t sg_sign(const struct sg_key *key, const char *hash, const void *data, size_t size,
               uint8_t *out);

/* The same with RSA-PSS. */
size_t sg_sign_pss(const struct sg_key *key, const char *hash, const void *data, size_t size,
                   uint8_t *out);

/* What libcrypto says of an RSA PKCS#1 v1.5 signature over a digest. */
bool sg_verify(const struct sg_key *key, const char *hash, const uint8_t *digest,
               size_t digest_size, const uint8_t *signature, size_t signature_size);

/* The private operation on any number below the modulus, as long as that. */
void sg_raw(const struct sg_key *key, const uint8_t *number, uint8_t *out);

/* The marker, 28 bytes. */
extern const char sg_marker[];

/* The layout xendoc; zero fields take the sound value. */
struct sg_xendoc {
    const void *signature;
    size_t signature_size;
    const void *key_id;
    size_t key_id_size;
    const void *signer;
    size_t signer_size;
    uint8_t algorithm; /* of the header, plus 1 */
    uint8_t hash;      /* likewise */
    uint8_t id_type;   /* likewise */
    uint8_t pad[3];
    int32_t length_error; /* added to sig_len */
};
void sg_add_xendoc(struct sg_bytes *bytes, const struct sg_xendoc *form);

/* The layout linux around a CMS. */
struct sg_linux {
    uint8_t algorithm;
    uint8_t hash;
    uint8_t id_type; /* plus 1 */
    uint8_t signer_size;
    uint8_t key_id_size;
    uint8_t pad[3];
    int64_t length_error;
};
void sg_add_linux(struct sg_bytes *bytes, const void *cms, size_t cms_size,
                  const struct sg_linux *form);

/* A CMS SignedData in every form; zero fields take the sound value. */
struct sg_cms {
    const struct sg_key *key;
    const char *hash; /* "SHA256" */
    const void *signature;
    size_t signature_size;
    bool by_key_id; /* signer by [0] subject key identifier */
    bool signed_attributes;
    bool unsigned_attributes;
    bool certificates;
    bool revocation_lists;
    bool content;
    bool no_signer;
    bool two_signers;
    bool no_digest;
    bool two_digests;
    bool pss;
    bool long_oid; /* shaXWithRSAEncryption */
    bool no_null;  /* of the signature algorithm */
    bool digest_null;
    bool indefinite;        /* outer length */
    bool long_length;       /* not the shortest form, of the signature */
    bool wrong_version;     /* 3 with issuer and serial */
    bool padded_serial;     /* a zero byte in front of a number that needs none */
    const char *outer_hash; /* digestAlgorithms, when it is to differ */
    const char *oid_hash;   /* with long_oid, when it is to differ */
};
void sg_add_cms(struct sg_bytes *bytes, const struct sg_cms *form);

#endif
