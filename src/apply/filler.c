/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verified filler: a function that is too small for a jump may give it the bytes up to the next
 * symbol, when those are what linkers put between functions. SPEC section 9.1.
 */
#include "apply/filler.h"

#include "arch/arch.h"

/* Bytes that are read behind those needed, so that the last instruction is seen whole. */
#define BEHIND 12u

/* Reads the bytes behind the function; *size comes down to what is code of the target. */
static enum hp_status read_behind(const struct hp_capture *capture, uint64_t start, size_t needed,
                                  uint8_t *bytes, size_t *size, uint32_t *uncertain)
{
    while (*size > needed && hp_port_patchable(capture->payload->port, start, *size) != HP_OK) {
        (*size)--;
    }
    return hp_memory_read(&capture->memory, start, bytes, *size, uncertain);
}

/* Whether a symbol begins in the byte at addr, or reaches into it: `start` is where filler begins.
 */
static enum hp_status check_symbol(const struct hp_capture *capture, uint64_t start, uint64_t addr)
{
    struct hp_target_symbol symbol = {NULL, 0, 0, HP_KIND_UNKNOWN};
    enum hp_status status = hp_port_symbol_by_address(capture->payload->port, addr, &symbol);

    if (status == HP_SYMBOL_UNDEFINED) {
        return HP_OK;
    }
    if (status) {
        return status;
    }
    /* A label without a size, further down, says nothing of where it ends. */
    return symbol.addr < start && symbol.size == 0 ? HP_OK : HP_PATCH_FILLER;
}

enum hp_status hp_filler_check(const struct hp_capture *capture, const struct hp_record *record,
                               uint64_t needed)
{
    const struct hp_arch *arch = capture->payload->arch;
    uint64_t start = record->old_addr + record->old_size;
    size_t more = (size_t)(needed - record->old_size);
    size_t size = more + BEHIND;
    uint8_t bytes[HP_WRITE_MAX];
    uint32_t uncertain = 0;
    enum hp_status status;
    size_t n = 0;

    if (record->limit > start) {
        return hp_fail_numbers(capture->diag, HP_STAGE_PLAN, HP_RECORD_OLD_SIZE, needed,
                               record->old_size);
    }
    status = read_behind(capture, start, more, bytes, &size, &uncertain);
    if (status == HP_OK && uncertain != 0) {
        capture->payload->undecided.expectations++;
    }
    while (status == HP_OK && uncertain == 0 && n < more) {
        size_t step = arch->filler(bytes + n, size - n);

        status = step == 0 ? HP_PATCH_FILLER : HP_OK;
        n += step;
    }
    for (n = 0; status == HP_OK && n < more; n++) {
        status = check_symbol(capture, start, start + n);
    }
    if (status == HP_PATCH_FILLER) {
        return hp_fail_numbers(capture->diag, HP_STAGE_PLAN, status, more, start);
    }
    return status == HP_OK ? HP_OK : hp_capture_fail(capture, status);
}
