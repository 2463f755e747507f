/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers of the host port about target memory: what it holds and what may be patched. */
#include <string.h>

#include "base/span.h"
#include "internal.h"

size_t hp_host_section_above(const struct hp_port *port, uint64_t addr)
{
    size_t low = 0;
    size_t high = port->section_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (port->sections[middle].addr + port->sections[middle].size <= addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct hp_host_section *hp_host_section_at(const struct hp_port *port, uint64_t addr)
{
    size_t i = hp_host_section_above(port, addr);

    return i < port->section_count && port->sections[i].addr <= addr ? &port->sections[i] : NULL;
}

void hp_port_target(struct hp_port *port, struct hp_target *target)
{
    *target = port->target;
}

/*
 * Copies memory of this process. A payload may name any place of it: where AddressSanitizer has put
 * a zone that must not be read, or what a thread that is no CPU is just writing. Volatile keeps the
 * loop from becoming a call of memcpy(), which looks at both.
 */
#if defined(__clang__) || defined(__GNUC__)
__attribute__((no_sanitize("address", "thread")))
#endif
void
hp_host_copy_live(uint8_t *out, uint64_t addr, size_t size)
{
    const volatile uint8_t *from = (const volatile uint8_t *)(uintptr_t)addr;
    size_t i;

    for (i = 0; i < size; i++) {
        out[i] = from[i];
    }
}

/*
 * True when an image's bytes are those of variables. Hypervisors link much with all sections
 * writable; code is what it is nevertheless, and so are constants that the image delimits.
 */
static bool is_variable(const struct hp_port *port, const struct hp_host_section *section,
                        uint64_t addr, size_t size)
{
    const struct hp_host_range *constants = &port->constants;

    if (port->live || !section->writable || section->exec) {
        return false;
    }
    return addr < constants->start || addr >= constants->end || constants->end - addr < size;
}

/*
 * Copies what one section or one payload holds of [addr, addr + size). Returns the number of bytes
 * copied, 0 when nothing is mapped at addr.
 */
static size_t copy_piece(const struct hp_port *port, uint64_t addr, uint8_t *out, size_t size,
                         bool *rewritten)
{
    const struct hp_host_image *image = hp_host_image_at(port, addr);
    const struct hp_host_section *section;
    uint64_t left;

    if (image != NULL) {
        left = image->addr + image->size - addr;
        size = left < size ? (size_t)left : size;
        memcpy(out, image->host + (addr - image->addr), size);
        return size;
    }
    section = hp_host_section_at(port, addr);
    if (section == NULL || section->discarded) {
        return 0;
    }
    left = section->addr + section->size - addr;
    size = left < size ? (size_t)left : size;
    if (port->live) {
        hp_host_copy_live(out, addr, size);
    } else if (section->bytes == NULL) {
        memset(out, 0, size);
    } else {
        memcpy(out, section->bytes + (addr - section->addr), size);
    }
    *rewritten = *rewritten || is_variable(port, section, addr, size) ||
                 hp_host_is_rewritten(port, addr, size);
    return size;
}

enum hp_status hp_port_target_read(struct hp_port *port, uint64_t addr, void *buf, size_t size)
{
    bool rewritten = false;
    uint8_t *out = buf;
    size_t done = 0;

    hp_host_check_context(port, __func__, HP_HOST_CALL);
    if (hp_host_must_fail(port)) {
        return HP_TARGET_READ;
    }
    while (done < size) {
        /* The sum does not come round to 0: nothing is ever mapped at the last address. */
        size_t n = copy_piece(port, addr + done, out + done, size - done, &rewritten);
        if (n == 0) {
            memset(out, 0, size);
            return port->has_target ? HP_TARGET_READ : HP_UNDECIDED;
        }
        done += n;
    }
    return rewritten ? HP_UNDECIDED : HP_OK;
}

enum hp_status hp_port_patchable(struct hp_port *port, uint64_t addr, size_t size)
{
    const struct hp_host_image *image = hp_host_image_at(port, addr);
    const struct hp_host_section *section;

    hp_host_check_context(port, __func__, HP_HOST_CALL);
    if (hp_host_must_fail(port) || size == 0) {
        return HP_PATCH_RANGE;
    }
    if (image != NULL && image->island) {
        return HP_PATCH_DENIED;
    }
    if (image != NULL) {
        return hp_host_is_image(port, addr, size, HP_PROTECT_TEXT) ? HP_OK : HP_PATCH_RANGE;
    }
    if (!port->has_target) {
        return HP_UNDECIDED;
    }
    section = hp_host_section_at(port, addr);
    if (section == NULL || !section->exec || section->discarded ||
        !hp_range_fits(section->size, addr - section->addr, size)) {
        return HP_PATCH_RANGE;
    }
    return (port->live && hp_host_is_denied(addr, size)) ||
                   hp_host_is_on_deny_list(port, addr, size)
               ? HP_PATCH_DENIED
               : HP_OK;
}
