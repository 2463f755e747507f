/* SPDX-License-Identifier: BSD-2-Clause */
/* GNU build-id notes (SPEC section 5). */
#include "base/diag.h"
#include "base/span.h"
#include "elf/view.h"

enum {
    NOTE_HEADER_SIZE = 16, /* namesz, descsz, type, and the four bytes "GNU\0" */
    NT_GNU_BUILD_ID = 3
};

enum hp_status hp_elf_build_id(const struct hp_elf *elf, enum hp_special which, struct hp_span *id,
                               struct hp_diag *diag)
{
    const struct hp_span none = {NULL, 0};
    struct hp_section section;
    const uint8_t *p = NULL;
    uint64_t size;
    uint32_t desc_size;
    enum hp_status status;

    *id = none;
    if (which != HP_SPECIAL_BUILD_ID && which != HP_SPECIAL_DEPENDS &&
        which != HP_SPECIAL_XEN_DEPENDS) {
        return HP_INVALID_ARGUMENT;
    }
    if (elf->special[which] == 0) {
        return HP_OK;
    }
    status = hp_elf_section(elf, elf->special[which], &section);
    if (status) {
        return status;
    }
    size = section.size;
    if (hp_range_fits(elf->file.size, section.offset, size) && size > NOTE_HEADER_SIZE) {
        p = hp_elf_at(elf->file, section.offset, NOTE_HEADER_SIZE);
    }
    if (!p || hp_le32(p) != 4 || hp_le32(p + 8) != NT_GNU_BUILD_ID || p[12] != 'G' ||
        p[13] != 'N' || p[14] != 'U' || p[15] != '\0') {
        return hp_elf_section_fail(elf, &section, HP_NOTE, diag);
    }
    /* One note and no more: what may follow the descriptor is its padding to four bytes. */
    desc_size = hp_le32(p + 4);
    if (desc_size == 0 || desc_size > size - NOTE_HEADER_SIZE ||
        size - NOTE_HEADER_SIZE - desc_size > (4 - desc_size % 4) % 4) {
        return hp_elf_section_fail_numbers(elf, &section, HP_NOTE, size - NOTE_HEADER_SIZE,
                                           desc_size, diag);
    }
    *id = hp_span_slice(elf->file, section.offset + NOTE_HEADER_SIZE, desc_size);
    return HP_OK;
}
