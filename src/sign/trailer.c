/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the signature of a payload lies, and what it claims. Written for value analysis: every byte
 * is read through a check against the whole file.
 */
#include "sign/trailer.h"

#include "base/diag.h"
#include "base/span.h"
#include "elf/view.h"

/* The marker of all layouts; its last byte is a line feed, and no NUL follows. */
enum { MARKER_SIZE = 28 };
static const uint8_t marker[MARKER_SIZE] = "~Module signature appended~\n";

/* The header: eight fields. */
enum { HEADER_SIZE = 12, ID_PGP = 0, ID_X509 = 1, ID_PKCS7 = 2, HASH_LAST = 16 };
struct header {
    uint8_t algorithm;
    uint8_t hash;
    uint8_t id_type;
    uint8_t signer_size;
    uint8_t key_id_size;
    bool is_padded; /* its three reserved bytes are zero */
    uint32_t signature_size;
};

/* Whether the first `size` bytes of the marker stand at an offset. */
static bool is_marker(struct hp_span file, uint64_t offset, size_t size)
{
    size_t i;

    for (i = 0; i < size && i < MARKER_SIZE; i++) {
        const uint8_t *p = hp_elf_at(file, offset + i, 1);

        if (!p || *p != marker[i]) {
            return false;
        }
    }
    return true;
}

static bool read_header(struct hp_span file, uint64_t offset, struct header *header)
{
    const uint8_t *p = hp_elf_at(file, offset, HEADER_SIZE);
    const struct header none = {0};

    *header = none;
    if (!p) {
        return false;
    }
    header->algorithm = p[0];
    header->hash = p[1];
    header->id_type = p[2];
    header->signer_size = p[3];
    header->key_id_size = p[4];
    header->is_padded = p[5] == 0 && p[6] == 0 && p[7] == 0;
    header->signature_size =
        ((uint32_t)p[8] << 24) | ((uint32_t)p[9] << 16) | ((uint32_t)p[10] << 8) | p[11];
    return true;
}

/* Translates algorithm and digest of a header with id type X509. */
static enum hp_status read_scheme(const struct header *header, struct hp_trailer *trailer)
{
    if (header->algorithm > 1 || header->hash > HASH_LAST) {
        return HP_SIGNATURE_UNSUPPORTED;
    }
    trailer->scheme = header->algorithm == 1 ? HP_SCHEME_RSA_PKCS1 : HP_SCHEME_DSA;
    switch (header->hash) {
    case 4:
        trailer->hash = HP_HASH_SHA256;
        break;
    case 5:
        trailer->hash = HP_HASH_SHA384;
        break;
    case 6:
        trailer->hash = HP_HASH_SHA512;
        break;
    default:
        trailer->hash = HP_HASH_WEAK;
        break;
    }
    return HP_OK;
}

/*
 * Checks that signature, key id and signer fill `room` bytes exactly. A length that alone is more
 * than what is there is one that reaches past the file.
 */
static enum hp_status check_lengths(const struct header *header, uint64_t room)
{
    const uint64_t sum =
        (uint64_t)header->signature_size + header->key_id_size + header->signer_size;

    if (sum > room) {
        return HP_SIGNATURE_TRUNCATED;
    }
    if (header->signature_size == 0 || sum < room) {
        return HP_SIGNATURE_MALFORMED;
    }
    return HP_OK;
}

/* ELF, marker, header, signature, key id, signer. `at` is where the header begins. */
static enum hp_status read_xendoc(struct hp_span file, uint64_t at, struct hp_trailer *trailer)
{
    struct header header;
    enum hp_status status;

    trailer->format = HP_SIGNATURE_XENDOC;
    if (!read_header(file, at, &header)) {
        return HP_SIGNATURE_TRUNCATED;
    }
    if (header.id_type == ID_PGP || header.id_type > ID_PKCS7) {
        return HP_SIGNATURE_UNSUPPORTED;
    }
    if (header.id_type != ID_X509 || !header.is_padded) {
        return HP_SIGNATURE_MALFORMED;
    }
    at += HEADER_SIZE;
    status = check_lengths(&header, file.size - at);
    if (status == HP_OK) {
        status = read_scheme(&header, trailer);
    }
    if (status) {
        return status;
    }
    trailer->signature = hp_span_slice(file, at, header.signature_size);
    at += header.signature_size;
    trailer->key_id = hp_span_slice(file, at, header.key_id_size);
    at += header.key_id_size;
    trailer->signer = hp_span_slice(file, at, header.signer_size);
    return HP_OK;
}

/* ELF, CMS, header, marker: the CMS begins at the extent and ends at `at`, the header. */
static enum hp_status read_linux(struct hp_span file, uint64_t extent, uint64_t at,
                                 const struct header *header, struct hp_trailer *trailer,
                                 uint64_t *offset)
{
    struct hp_der der = {file, extent, at};
    enum hp_status status;

    trailer->format = HP_SIGNATURE_LINUX;
    if (header->signature_size > at) {
        return HP_SIGNATURE_TRUNCATED;
    }
    if (header->algorithm != 0 || header->hash != 0 || header->signer_size != 0 ||
        header->key_id_size != 0 || !header->is_padded || header->signature_size == 0 ||
        header->signature_size != at - extent) {
        return HP_SIGNATURE_MALFORMED;
    }
    status = hp_cms_read(&der, trailer);
    *offset = der.at;
    return status;
}

/* ELF, signer, key id, signature, header, marker: told apart, but not verified. */
static enum hp_status read_linux37(uint64_t extent, uint64_t at, const struct header *header,
                                   struct hp_trailer *trailer)
{
    enum hp_status status;

    trailer->format = HP_SIGNATURE_LINUX37;
    if (!header->is_padded) {
        return HP_SIGNATURE_MALFORMED;
    }
    status = check_lengths(header, at - extent);
    return status ? status : HP_SIGNATURE_UNSUPPORTED;
}

/* The marker is at the file's end: the layouts of Linux. */
static enum hp_status read_at_end(struct hp_span file, uint64_t extent, struct hp_trailer *trailer,
                                  uint64_t *offset)
{
    struct header header;
    uint64_t at;

    trailer->format = HP_SIGNATURE_LINUX;
    if (file.size - extent < MARKER_SIZE + HEADER_SIZE) {
        return HP_SIGNATURE_TRUNCATED;
    }
    at = file.size - MARKER_SIZE - HEADER_SIZE;
    *offset = at;
    if (!read_header(file, at, &header)) {
        return HP_SIGNATURE_TRUNCATED;
    }
    switch (header.id_type) {
    case ID_PKCS7:
        return read_linux(file, extent, at, &header, trailer, offset);
    case ID_X509:
        return read_linux37(extent, at, &header, trailer);
    default:
        return HP_SIGNATURE_UNSUPPORTED;
    }
}

enum hp_status hp_trailer_read(struct hp_span file, size_t extent, struct hp_trailer *trailer,
                               uint64_t *offset)
{
    const struct hp_trailer none = {0};
    const uint64_t room = file.size < extent ? 0 : file.size - extent;
    enum hp_status status;

    *trailer = none;
    trailer->payload_len = extent;
    *offset = extent;
    if (room == 0) {
        *offset = HP_NO_OFFSET;
        return HP_UNSIGNED;
    }
    if (room >= MARKER_SIZE && is_marker(file, extent, MARKER_SIZE)) {
        *offset = extent + MARKER_SIZE;
        status = read_xendoc(file, extent + MARKER_SIZE, trailer);
    } else if (room >= MARKER_SIZE && is_marker(file, file.size - MARKER_SIZE, MARKER_SIZE)) {
        status = read_at_end(file, extent, trailer, offset);
    } else if (room >= MARKER_SIZE - 1 &&
               is_marker(file, file.size - (MARKER_SIZE - 1), MARKER_SIZE - 1)) {
        status = HP_UNSIGNED;
    } else {
        status = HP_SIGNATURE_MALFORMED;
    }
    if (status == HP_OK) {
        *offset = HP_NO_OFFSET;
    }
    return status;
}

enum hp_status hp_trailer_parse(const void *data, size_t size, struct hp_trailer *trailer,
                                struct hp_diag *diag)
{
    const struct hp_trailer none = {0};
    const struct hp_span file = {data, data ? size : 0};
    uint64_t offset;
    size_t extent;
    enum hp_status status;

    *trailer = none;
    status = hp_elf_extent(data, size, &extent, diag);
    if (status) {
        return status;
    }
    status = hp_trailer_read(file, extent, trailer, &offset);
    if (status) {
        hp_note_offset(diag, offset);
        status = hp_fail(diag, HP_STAGE_SIGNATURE, status);
    }
    return status;
}
