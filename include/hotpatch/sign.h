/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Payload signatures: who made this payload, and may they?
 *
 *     parse    bytes -> where signature, key id and signer lie
 *     verify   bytes, key ring, policy -> verified or one of the refusals that are told apart
 *
 * A signature follows the ELF file; what is signed is the ELF file, up to its last byte. Nothing
 * that stands behind it is authenticated: algorithm, padding and digest are therefore those of the
 * key that matches, and the signer's text is only what somebody wrote there.
 *
 * The library reads the payload once to find its end (hp_elf_extent()) and once for the digest.
 * Digest and public-key operation are port functions (port.h, "signatures"); the archive of
 * defaults has the library's own. All this is absent from a build with HP_WITH_SIGNATURES off.
 * Source: SPEC section 13.
 */
#ifndef HOTPATCH_SIGN_H
#define HOTPATCH_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/elf.h>
#include <hotpatch/key.h>
#include <hotpatch/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hp_port;

/* ---- parse ---------------------------------------------------------------------------------- */

/* Layouts of signed payloads. */
enum hp_signature_format {
    HP_SIGNATURE_NONE,
    HP_SIGNATURE_XENDOC, /* ELF, marker, header, signature, key id, signer: the design document's */
    HP_SIGNATURE_LINUX,  /* ELF, CMS SignedData, header, marker: that of Linux's sign-file */
    HP_SIGNATURE_LINUX37 /* ELF, signer, key id, signature, header, marker: Linux 3.7 to 4.2;
                            recognised only */
};

/* Name of a layout: "xendoc", "linux", "linux37"; "none" for any other. Any context. */
const char *hp_signature_format_name(enum hp_signature_format format);

/* What a signature says that it is. */
enum hp_signature_scheme {
    HP_SCHEME_NONE,
    HP_SCHEME_RSA_PKCS1,
    HP_SCHEME_RSA_PSS,
    HP_SCHEME_ECDSA,
    HP_SCHEME_DSA
};

/* Trailer of a signed payload. Its spans point into the payload; those that a layout has not are
 * empty. Nothing of it is authenticated. */
struct hp_trailer {
    enum hp_signature_format format;
    enum hp_signature_scheme scheme;
    enum hp_hash hash;
    size_t payload_len;       /* bytes that are signed: the extent of the ELF file */
    struct hp_span signature; /* as it stands there; see hp_signature_verify() on xendoc */
    struct hp_span key_id;    /* subject key identifier */
    struct hp_span issuer;    /* linux without a key id: DER of the issuer's Name ... */
    struct hp_span serial;    /* ... and contents octets of the serial number */
    struct hp_span signer;    /* text; any bytes */
};

/*
 * Finds the signature of a payload. The marker counts right behind the ELF file, and then the
 * layout is xendoc, or at the very end; it is never searched for.
 *
 *   data, size  the payload as uploaded; size in bytes
 *   trailer     receives the result; on error format, payload_len and whatever was read before, the
 *               rest zero
 *   diag        names the offset in the file; may be NULL
 *
 * Returns HP_OK, or
 *   any status of hp_elf_extent()
 *   HP_UNSIGNED               nothing follows the ELF file; or all that follows is, or ends with,
 *                             the marker without its last byte
 *   HP_SIGNATURE_TRUNCATED    a header or a length that reaches past the file
 *   HP_SIGNATURE_MALFORMED    anything else that is not exactly one of the layouts: bytes too many
 *                             (format NONE when the marker is at neither place), reserved bytes
 * that are set, CMS that is not DER, or without exactly the fields it must have, or whose two
 * digests differ HP_SIGNATURE_UNSUPPORTED  id type, algorithm or digest unknown; layout linux37
 *   HP_SIGNATURE_POLICY       CMS with attributes, certificates, content, or more than one signer
 *
 * Any context; pure; allocates nothing; time linear in the number of sections and the length of the
 * trailer.
 */
HP_MUST_USE enum hp_status hp_trailer_parse(const void *data, size_t size,
                                            struct hp_trailer *trailer, struct hp_diag *diag);

/* ---- policy --------------------------------------------------------------------------------- */

/* A bit for a value of one of the enums, for the masks below. */
#define HP_ALLOW(value) (UINT32_C(1) << (value))

/* A payload that is not accepted any more although its signature is good. */
struct hp_revoked_payload {
    enum hp_hash hash;
    uint8_t digest[HP_DIGEST_MAX]; /* of the ELF file, under that hash; the rest is not looked at */
};

/*
 * What signatures are accepted. Zero everything, set `size`, then set what is wanted: zero is the
 * default of each field. Owned by the caller; must stay as it is during calls that use it.
 */
struct hp_signature_policy {
    size_t size;            /* sizeof(struct hp_signature_policy) */
    bool require_signature; /* an unsigned payload is refused */
    uint32_t formats;       /* HP_ALLOW(HP_SIGNATURE_...); 0: xendoc and linux */
    uint32_t algorithms;    /* HP_ALLOW(HP_KEY_...); 0: all */
    uint32_t hashes;        /* HP_ALLOW(HP_HASH_...); 0: SHA-256, SHA-384 and SHA-512. HP_HASH_WEAK
                               cannot be allowed */
    uint32_t rsa_bits_min;  /* smallest RSA modulus; 0: HP_RSA_BITS_DEFAULT */
    /* By SHA-256 of their SubjectPublicKeyInfo; may be NULL when the count is 0. */
    const uint8_t (*revoked_keys)[HP_SPKI_HASH_SIZE];
    size_t revoked_key_count;
    /* A payload is found here by the digest that its signature is over, so one that was signed with
     * several digests needs an entry for each. May be NULL when the count is 0. */
    const struct hp_revoked_payload *revoked_payloads;
    size_t revoked_payload_count;
    uint64_t version_min; /* payloads whose version (hotpatch_version in .modinfo, 0 without it) is
                             lower are refused; checked by a load, not by hp_signature_verify() */
};

/* ---- key ring ------------------------------------------------------------------------------- */

/* The keys that are trusted. Caller-owned, as is the array. Read it, but fill it by calls only. */
struct hp_keyring {
    struct hp_key *keys;
    uint32_t count;
    uint32_t capacity; /* entries at keys */
};

/* Prepares an empty ring over an array. Any context; never fails. */
void hp_keyring_init(struct hp_keyring *ring, struct hp_key *keys, uint32_t capacity);

/*
 * Checks a key, computes its spki_sha256 and copies it into the ring; its spans are not copied.
 *
 *   ring    must not be in use by another call
 *   port    handed to hp_port_digest(); NULL where that allows it, as the default does
 *   key     its spki_sha256 is ignored
 *   policy  its rsa_bits_min counts; NULL: all defaults
 *   index   receives the key's place in the ring; may be NULL
 *
 * Returns HP_OK, or
 *   HP_KEY_WEAK      RSA: fewer bits than the minimum, more than HP_RSA_BITS_MAX, n even, e not
 *                    HP_RSA_EXPONENT
 *   HP_KEY_INVALID   no identifier; issuer without serial or the reverse; an unknown algorithm; a
 *                    weak or unknown digest; n or the point not in the form that key.h asks for
 *                    (that a point is on its curve is for the backend to check)
 *   HP_KEY_CONFLICT  an entry of the ring has one of its identifiers, and is another key or differs
 *                    in algorithm or digest. The same key under another identifier is accepted.
 *   HP_KEYRING_FULL, HP_INVALID_ARGUMENT (of policy), or any status of hp_port_digest()
 * The ring is unchanged on error. Context: call. May sleep if hp_port_digest() may.
 */
HP_MUST_USE enum hp_status hp_keyring_add(struct hp_keyring *ring, struct hp_port *port,
                                          const struct hp_key *key,
                                          const struct hp_signature_policy *policy,
                                          uint32_t *index);

/* ---- verify --------------------------------------------------------------------------------- */

#define HP_SIGNER_MAX 256 /* bytes kept of a signer's escaped text, with NUL */

/*
 * Work memory of one verification, for backends that need some: the library's own keeps its big
 * numbers here. Caller-owned; its contents before and after mean nothing.
 */
struct hp_verify_workspace {
    uint32_t words[4 * (HP_RSA_BITS_MAX / 32) + 1];
};

/* What is known of a payload's signature. All that says who signed is zero unless status is HP_OK.
 */
struct hp_signature_result {
    enum hp_status status;
    enum hp_signature_format format; /* HP_SIGNATURE_NONE: no layout was recognised */
    size_t payload_len;              /* bytes that are signed; 0: the ELF file's end is not known */
    uint64_t offset; /* place in the file that was refused; HP_NO_OFFSET: none, or accepted */
    enum hp_key_algorithm algorithm; /* the key's */
    enum hp_hash hash;
    uint32_t key;               /* place in the ring */
    char signer[HP_SIGNER_MAX]; /* the trailer's own text, escaped: a claim which the signature does
                                   not cover. The key's name is the answer to who signed. */
};

/*
 * Verifies the signature of a payload.
 *
 *   port       handed to the port functions; NULL where they allow it, as the defaults do
 *   data,size  the payload as uploaded; nobody may change it during the call, nor before whatever
 *              relies on the answer is done with it
 *   keyring    NULL: an empty one
 *   policy     NULL: all defaults. require_signature and version_min play no part here.
 *   workspace  handed to hp_port_public_verify()
 *   result     receives the answer
 *   diag       may be NULL
 *
 * In the layout xendoc the signature is as long as the modulus of its key, or has its length in two
 * bytes, big-endian, in front.
 *
 * Returns result->status, the first that holds of
 *   any status of hp_trailer_parse(), HP_UNSIGNED included
 *   HP_SIGNATURE_POLICY       the policy does not allow the layout; DSA, PSS or a weak digest
 *   HP_KEY_UNKNOWN            the ring has no such key
 *   HP_SIGNATURE_REVOKED      the key is revoked
 *   HP_SIGNATURE_POLICY       the key's algorithm is not the signature's, or not allowed; the same
 *                             of the digest
 *   HP_KEY_WEAK               the policy asks for a longer modulus than when the key was added
 *   HP_SIGNATURE_MALFORMED    a length in front of the signature that is not its length; a zero
 *                             byte too many
 *   HP_SIGNATURE_BAD          the payload or the signature is not what that key signed
 *   HP_SIGNATURE_REVOKED      the payload is revoked
 *   HP_INVALID_ARGUMENT (of policy), or any status of the port functions
 * Context: call. May sleep if the port functions may. Allocates nothing. Time: one pass over the
 * payload, one public-key operation, linear in the keys and in the lists of what is revoked.
 */
HP_MUST_USE enum hp_status hp_signature_verify(struct hp_port *port, const void *data, size_t size,
                                               const struct hp_keyring *keyring,
                                               const struct hp_signature_policy *policy,
                                               struct hp_verify_workspace *workspace,
                                               struct hp_signature_result *result,
                                               struct hp_diag *diag);

/*
 * Makes text of untrusted bytes: what is not printable ASCII, and the backslash, becomes \xNN. Text
 * that does not fit is cut, and ends with "...".
 *
 *   text  any bytes
 *   buf   receives the text, always NUL-terminated when size > 0
 *   size  bytes at buf
 *
 * Any context; never fails.
 */
void hp_signer_escape(struct hp_span text, char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif
