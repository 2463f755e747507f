/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signing of payloads, and keys from X.509 certificates: the hosted side of sign.h, on libcrypto.
 *
 * The host library also defines hp_port_digest() and hp_port_public_verify() on libcrypto, so that
 * hp_signature_verify() checks RSA as well as ECDSA signatures there; port may be NULL for both.
 *
 * Nothing here prompts, prints or looks at the environment. Errors are explained in words in
 * diag->name, at HP_STAGE_CALL. Any thread may call any function; one object is for one thread at a
 * time. Not in a build with HP_WITH_SIGNATURES off. Source: SPEC section 13.
 */
#ifndef HOTPATCH_HOST_SIGN_H
#define HOTPATCH_HOST_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/sign.h>
#include <hotpatch/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- certificates ---------------------------------------------------------------------------- */

struct hp_certificate;

/*
 * Reads an X.509 certificate and checks that its key may sign code: an extended key usage, where
 * there is one, names codeSigning, and a key usage digitalSignature. Who issued it plays no part: a
 * certificate is trusted because somebody put it into a key ring.
 *
 *   certificate  receives it; give it back with hp_certificate_free(). NULL on error
 *   data, size   one certificate in DER and nothing else, or PEM with one certificate among other
 *                things; copied
 *   diag         may be NULL
 *
 * Returns HP_OK, HP_NO_MEMORY, or
 *   HP_CERTIFICATE_INVALID  not exactly one well-formed certificate, or a critical extension that
 *                           is not known
 *   HP_CERTIFICATE_USAGE    it does not let its key sign code
 *   HP_KEY_INVALID          the key is neither RSA nor on P-256 or P-384
 */
HP_MUST_USE enum hp_status hp_certificate_read(struct hp_certificate **certificate,
                                               const void *data, size_t size, struct hp_diag *diag);

/* The key, for hp_keyring_add(); its name is the subject's common name. Valid until
 * hp_certificate_free(). */
const struct hp_key *hp_certificate_key(const struct hp_certificate *certificate);

/*
 * Checks the validity dates.
 *
 *   now  seconds since 1970, UTC
 *
 * Returns HP_OK or HP_CERTIFICATE_EXPIRED (not yet valid included).
 */
HP_MUST_USE enum hp_status hp_certificate_check_time(const struct hp_certificate *certificate,
                                                     int64_t now, struct hp_diag *diag);

/*
 * Makes text of an X.501 Name, such as a trailer's issuer: RFC 2253, with everything escaped that
 * is not printable ASCII.
 *
 *   der  the Name with its tag; any bytes
 *   buf  receives the text, cut to size - 1 bytes; empty when it is no Name
 */
void hp_issuer_text(struct hp_span der, char *buf, size_t size);

/* NULL is allowed. */
void hp_certificate_free(struct hp_certificate *certificate);

/* ---- key rings from files -------------------------------------------------------------------- */

struct hp_host_keyring;

/*
 * Fills a key ring from a folder of certificates.
 *
 *   keyring  receives it; give it back with hp_host_keyring_close(). NULL on error
 *   path     a folder, of which every file counts whose name ends in .pem, .crt, .cer, .der or
 *            .x509 and does not begin with a dot, in the order of their names; or one such file,
 *            whatever its name
 *   policy   as for hp_keyring_add()
 *   diag     names the file as well; may be NULL
 *
 * One file that cannot be used refuses the whole: any status of hp_certificate_read() and
 * hp_keyring_add() but HP_KEYRING_FULL; HP_KEYRING_FILE when a file cannot be read or there is
 * none. Validity dates are not looked at.
 */
HP_MUST_USE enum hp_status hp_host_keyring_open(struct hp_host_keyring **keyring, const char *path,
                                                const struct hp_signature_policy *policy,
                                                struct hp_diag *diag);

/* The ring, valid until it is closed. */
const struct hp_keyring *hp_host_keyring_ring(const struct hp_host_keyring *keyring);

/*
 * hp_certificate_check_time() for a key of the ring: the library takes no notice of dates, as a
 * hypervisor has no clock that it could trust.
 *
 *   key  place in the ring, as in struct hp_signature_result
 */
HP_MUST_USE enum hp_status hp_host_keyring_check_time(const struct hp_host_keyring *keyring,
                                                      uint32_t key, int64_t now,
                                                      struct hp_diag *diag);

/* NULL is allowed. */
void hp_host_keyring_close(struct hp_host_keyring *keyring);

/* ---- private keys ---------------------------------------------------------------------------- */

struct hp_private_key;

/*
 * Reads a private key.
 *
 *   key         receives it; give it back with hp_private_key_free(). NULL on error
 *   data, size  PEM or DER; PKCS #8, encrypted or not, or the older forms
 *   passphrase  NULL: none
 *   diag        may be NULL
 *
 * Returns HP_OK, HP_NO_MEMORY, HP_KEY_LOCKED (it needs a passphrase, or another one) or
 * HP_KEY_INVALID.
 */
HP_MUST_USE enum hp_status hp_private_key_read(struct hp_private_key **key, const void *data,
                                               size_t size, const char *passphrase,
                                               struct hp_diag *diag);

/*
 * Opens a private key that stays in a token, by libcrypto's engine "pkcs11" (of libp11), which is
 * looked for at run time.
 *
 *   key   receives it; give it back with hp_private_key_free(). NULL on error
 *   uri   "pkcs11:..." (RFC 7512)
 *   pin   NULL: none
 *   diag  may be NULL
 *
 * Returns HP_OK, HP_NO_MEMORY, HP_KEY_ENGINE (there is no such engine), HP_KEY_LOCKED (there is no
 * such key, or not without a PIN, or not with this one: tokens do not say which).
 */
HP_MUST_USE enum hp_status hp_private_key_open_token(struct hp_private_key **key, const char *uri,
                                                     const char *pin, struct hp_diag *diag);

/* NULL is allowed. */
void hp_private_key_free(struct hp_private_key *key);

/* ---- signing --------------------------------------------------------------------------------- */

#define HP_RSA_BITS_SIGN 3072 /* smallest RSA modulus to sign with */

/* Options of hp_sign() and hp_sign_attach(). Zero everything, set `size`, then what is wanted. */
struct hp_sign_options {
    size_t size;                     /* sizeof(struct hp_sign_options) */
    enum hp_signature_format format; /* HP_SIGNATURE_NONE: xendoc */
    enum hp_hash hash;               /* HP_HASH_NONE: SHA-256 */
    bool resign;                     /* replace the signature that is there */
    bool allow_weak_key;             /* RSA from HP_RSA_BITS_DEFAULT bits on */
};

/* A signed payload in memory. */
struct hp_signed {
    uint8_t *data;
    size_t size;
};

/*
 * Signs a payload. What comes out has passed hp_signature_verify() with a ring of this one key.
 *
 *   signed_payload  receives it; free it with hp_signed_free(). Empty on error
 *   data, size   any ELF file that the library takes, without or (options->resign) with a signature
 *   key          of the certificate
 *   certificate  says how the key is found; its dates are not looked at
 *   options      NULL: all defaults
 *   diag         may be NULL
 *
 * Returns HP_OK, HP_NO_MEMORY, HP_INVALID_ARGUMENT (of options), any status of hp_elf_extent(), or
 *   HP_ALREADY_SIGNED          a signature follows the ELF file, be it a broken one
 *   HP_TRAILING_BYTES          something else does
 *   HP_KEY_MISMATCH            key and certificate do not belong together
 *   HP_KEY_WEAK                any of hp_keyring_add()'s reasons, or RSA below HP_RSA_BITS_SIGN
 *   HP_KEY_INVALID             xendoc: the certificate has no subjectKeyIdentifier
 *   HP_SIGNATURE_UNSUPPORTED   xendoc has no ECDSA; linux37 is not written
 *   HP_SIGNING_FAILED          libcrypto or the token could not do it
 */
HP_MUST_USE enum hp_status hp_sign(struct hp_signed *signed_payload, const void *data, size_t size,
                                   const struct hp_private_key *key,
                                   const struct hp_certificate *certificate,
                                   const struct hp_sign_options *options, struct hp_diag *diag);

/*
 * hp_sign() with a signature that was made elsewhere, over the digest of the ELF file.
 *
 *   signature  RSA PKCS#1 v1.5: as long as the modulus; ECDSA: DER of {r, s}
 *
 * Returns like hp_sign(), or HP_SIGNATURE_BAD when it is no signature of this payload by the
 * certificate's key under options->hash.
 */
HP_MUST_USE enum hp_status hp_sign_attach(struct hp_signed *signed_payload, const void *data,
                                          size_t size, struct hp_span signature,
                                          const struct hp_certificate *certificate,
                                          const struct hp_sign_options *options,
                                          struct hp_diag *diag);

/*
 * The digest that an off-line signer has to sign for hp_sign_attach().
 *
 *   digest   receives HP_DIGEST_MAX bytes at most
 *   size_of  receives how many
 *   options  hash and resign count
 *
 * Returns like hp_sign(), as far as it concerns the payload and the options.
 */
HP_MUST_USE enum hp_status hp_sign_digest(uint8_t *digest, size_t *size_of, const void *data,
                                          size_t size, const struct hp_sign_options *options,
                                          struct hp_diag *diag);

/* Frees what is in it, and empties it. */
void hp_signed_free(struct hp_signed *signed_payload);

#ifdef __cplusplus
}
#endif

#endif
