/* SPDX-License-Identifier: BSD-2-Clause */
/* Applies the relocation sections to the image, each in one run of the architecture's loop. */
#include "reloc/job.h"
#include "reloc/loading.h"

/* Names the entry that failed. */
static void note_entry(const struct hp_loading *loading, const struct hp_reloc_job *job)
{
    const struct hp_reloc reloc =
        hp_reloc_decode(job->is64, job->is_rela, job->entries + (size_t)job->current * job->stride);

    hp_note_relocation(loading->diag, loading->elf->machine, job->current, reloc.type);
    hp_note_offset(loading->diag, reloc.offset);
    hp_loading_note_symbol(loading, reloc.symbol);
}

static enum hp_status apply_section(struct hp_loading *loading, const struct hp_section *relocs,
                                    const struct hp_section *target)
{
    const struct hp_image *image = &loading->payload->image;
    const struct hp_placed_section *place = hp_loading_place(loading, target->index);
    struct hp_reloc_job job;
    enum hp_status status;

    if (place == NULL) {
        return HP_OK;
    }
    hp_reloc_job_open(&job, loading, relocs, target);
    job.flags = loading->target.flags;
    job.host = image->memory.host + place->offset;
    job.addr = image->memory.addr + place->offset;
    job.got = image->got_count > 0 ? image->memory.addr + image->got_offset : 0;
    job.veneers = image->memory.host + image->veneer_offset;
    job.veneers_at = image->memory.addr + image->veneer_offset;
    job.veneer_of = loading->veneers;
    job.pairs = loading->pairs;
    job.pair_count = 0;
    job.symbols = loading->symbols;
    job.undecided = 0;
    job.current = 0;
    status = job.arch->relocate(&job, loading->diag);
    loading->payload->undecided.relocations += job.undecided;
    if (status) {
        note_entry(loading, &job);
        hp_note_section(loading->diag, relocs->index, relocs->name);
    }
    return status;
}

enum hp_status hp_reloc_apply(struct hp_loading *loading)
{
    enum hp_status status = HP_OK;
    uint32_t n;

    for (n = 1; status == HP_OK && n < loading->elf->shnum; n++) {
        const struct hp_section *relocs = &loading->sections[n];
        const struct hp_section *target = hp_loading_target(loading, relocs);

        if (target != NULL) {
            status = apply_section(loading, relocs, target);
        }
    }
    return status;
}
