/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a payload may be looked at. SPEC sections 7 and 13. */
#include "apply/authenticate.h"

#include <string.h>

#include "base/config.h"
#include "sign/trailer.h"

static bool is_required(const struct hp_loading *loading)
{
    return loading->options->policy != NULL && loading->options->policy->require_signature;
}

/* Without a signature nothing may follow the ELF file. */
static enum hp_status check_trailing(struct hp_loading *loading, size_t size, size_t extent)
{
    enum hp_status status;

    if (size == extent) {
        return HP_OK;
    }
    status = hp_fail_numbers(loading->diag, HP_STAGE_SIGNATURE, HP_TRAILING_BYTES, extent, size);
    hp_note_offset(loading->diag, extent);
    return status;
}

#if HP_WITH_SIGNATURES

/* Says which of the keys' algorithms the profile's hypervisor has. */
static enum hp_status check_profile(struct hp_loading *loading, struct hp_signature_result *result)
{
    const struct hp_profile *profile = loading->payload->profile;

    if (profile->signature_algorithms == 0 ||
        (profile->signature_algorithms & HP_ALLOW(result->algorithm)) != 0) {
        return HP_OK;
    }
    /* What it would have said on who signed is said of verified payloads alone. */
    result->status = HP_SIGNATURE_POLICY;
    result->offset = result->payload_len;
    result->algorithm = HP_KEY_NONE;
    result->hash = HP_HASH_NONE;
    result->key = 0;
    memset(result->signer, 0, sizeof(result->signer));
    hp_note_profile(loading->diag, profile->name);
    return HP_SIGNATURE_POLICY;
}

/* Verifies a signature in work memory of the port's. */
static enum hp_status verify(struct hp_loading *loading, struct hp_span file,
                             const struct hp_trailer *trailer, struct hp_signature_result *result)
{
    struct hp_port *port = loading->payload->port;
    struct hp_verify_workspace *workspace = NULL;
    enum hp_status status;

    /* Without keys the answer needs no computing. */
    if (loading->options->keyring != NULL) {
        workspace = hp_port_alloc(port, sizeof(*workspace));
        if (workspace == NULL) {
            result->status = HP_NO_MEMORY;
            return HP_NO_MEMORY;
        }
    }
    status = hp_signature_check(port, file, trailer, loading->options->keyring,
                                loading->options->policy, workspace, result);
    if (workspace != NULL) {
        hp_port_free(port, workspace, sizeof(*workspace));
    }
    return status ? status : check_profile(loading, result);
}

/* A verdict without a key ring is one on everything but the key. */
static bool is_undecided(const struct hp_loading *loading, enum hp_status status)
{
    return status == HP_KEY_UNKNOWN && loading->options->keyring == NULL &&
           loading->options->allow_undecided && !is_required(loading);
}

enum hp_status hp_loading_authenticate(struct hp_loading *loading, const void *data, size_t size,
                                       size_t *extent)
{
    const struct hp_span file = {data, size};
    struct hp_signature_result *result = &loading->payload->signature;
    struct hp_trailer trailer;
    enum hp_status status = hp_elf_extent(data, size, extent, loading->diag);

    result->offset = HP_NO_OFFSET;
    if (status) {
        result->status = status;
        return status;
    }
    status = hp_trailer_read(file, *extent, &trailer, &result->offset);
    result->status = status;
    result->format = trailer.format;
    result->payload_len = trailer.payload_len;
    if (trailer.format == HP_SIGNATURE_NONE && !is_required(loading)) {
        return check_trailing(loading, size, *extent);
    }
    if (status == HP_OK) {
        loading->payload->has_signature = true;
        status = verify(loading, file, &trailer, result);
    }
    if (is_undecided(loading, status)) {
        loading->payload->undecided.signature = true;
        status = HP_OK;
    }
    if (status) {
        status = hp_fail(loading->diag, HP_STAGE_SIGNATURE, status);
        hp_note_offset(loading->diag, result->offset);
    }
    return status;
}

#else

enum hp_status hp_loading_authenticate(struct hp_loading *loading, const void *data, size_t size,
                                       size_t *extent)
{
    struct hp_signature_result *result = &loading->payload->signature;
    enum hp_status status = hp_elf_extent(data, size, extent, loading->diag);

    result->offset = HP_NO_OFFSET;
    if (status == HP_OK && is_required(loading)) {
        status = hp_fail(loading->diag, HP_STAGE_SIGNATURE, HP_SIGNATURE_UNSUPPORTED);
    }
    result->status = status ? status : HP_UNSIGNED;
    return status ? status : check_trailing(loading, size, *extent);
}

#endif

/* Reads a decimal number that fills the text; false when it is none or does not fit. */
static bool read_decimal(struct hp_span text, uint64_t *value)
{
    size_t n;

    *value = 0;
    for (n = 0; n < text.size; n++) {
        const uint8_t digit = (uint8_t)(text.data[n] - '0');
        uint64_t sum;

        if (digit > 9 || *value > UINT64_MAX / 10 || !hp_add_u64(*value * 10, digit, &sum)) {
            return false;
        }
        *value = sum;
    }
    return text.size > 0;
}

enum hp_status hp_loading_check_version(struct hp_loading *loading)
{
    static const char key[] = "hotpatch_version=";
    const size_t key_size = sizeof(key) - 1;
    const struct hp_signature_policy *policy = loading->options->policy;
    uint64_t *version = &loading->payload->version;
    struct hp_span entry;
    size_t pos = 0;
    bool is_found = false;
    enum hp_status status = HP_OK;

    while (hp_elf_modinfo_next(loading->elf, &pos, &entry)) {
        if (entry.size < key_size || memcmp(entry.data, key, key_size) != 0) {
            continue;
        }
        entry.data += key_size;
        entry.size -= key_size;
        /* A second one would let two readers see two versions. */
        if (is_found || !read_decimal(entry, version)) {
            status = hp_fail(loading->diag, HP_STAGE_IDENTITY, HP_VERSION);
            break;
        }
        is_found = true;
    }
    if (status == HP_OK && policy != NULL && *version < policy->version_min) {
        status = hp_fail_numbers(loading->diag, HP_STAGE_IDENTITY, HP_ROLLBACK, policy->version_min,
                                 *version);
    }
    if (status) {
        const uint32_t section = loading->elf->special[HP_SPECIAL_MODINFO];

        hp_note_section(loading->diag, section != 0 ? section : HP_NO_INDEX,
                        hp_special_name(HP_SPECIAL_MODINFO));
    }
    return status;
}
