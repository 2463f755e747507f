/* SPDX-License-Identifier: BSD-2-Clause */
/* Applies the relocation sections to the image, each in one run of the architecture's loop. */
#include "reloc/job.h"
#include "reloc/loading.h"

/* Names the entry that failed. */
static void note_entry(const struct hp_loading *loading, const struct hp_reloc_job *job,
                       bool is_rela)
{
    struct hp_reloc reloc = hp_reloc_decode(loading->elf->is64, is_rela,
                                            job->entries + (size_t)job->current * job->stride);

    hp_note_relocation(loading->diag, loading->elf->machine, job->current, reloc.type);
    hp_note_offset(loading->diag, reloc.offset);
    hp_loading_note_symbol(loading, reloc.symbol);
}

static enum hp_status apply_section(struct hp_loading *loading, const struct hp_section *relocs,
                                    const struct hp_section *target)
{
    const struct hp_image *image = &loading->payload->image;
    const struct hp_placed_section *place = hp_loading_place(loading, target->index);
    struct hp_span entries = hp_elf_contents(loading->elf, relocs);
    bool is_rela = relocs->type == HP_SHT_RELA;
    struct hp_reloc_job job = {0};
    enum hp_status status;

    if (place == NULL) {
        return HP_OK;
    }
    job.entries = entries.data;
    job.stride = hp_elf_reloc_size(loading->elf->is64, relocs->type);
    job.count = hp_elf_reloc_count(loading->elf, relocs);
    job.is64 = loading->elf->is64;
    job.is_rela = is_rela;
    job.flags = loading->target.flags;
    job.host = image->memory.host + place->offset;
    job.addr = image->memory.addr + place->offset;
    job.size = place->size;
    job.got = image->got_count > 0 ? image->memory.addr + image->got_offset : 0;
    job.veneers = image->memory.host + image->veneer_offset;
    job.veneers_at = image->memory.addr + image->veneer_offset;
    job.veneer_of = loading->veneers;
    job.pairs = loading->pairs;
    job.symbols = loading->symbols;
    status = loading->payload->arch->relocate(&job, loading->diag);
    loading->payload->undecided.relocations += job.undecided;
    if (status) {
        note_entry(loading, &job, is_rela);
        hp_note_section(loading->diag, relocs->index, relocs->name);
    }
    return status;
}

enum hp_status hp_reloc_apply(struct hp_loading *loading)
{
    uint32_t n;

    for (n = 1; n < loading->elf->shnum; n++) {
        struct hp_section relocs;
        struct hp_section target;
        enum hp_status status;

        if (!hp_loading_is_relocs(loading, n)) {
            continue;
        }
        status = hp_loading_relocs_at(loading, n, &relocs, &target);
        if (status == HP_OK && relocs.type != HP_SHT_NULL) {
            status = apply_section(loading, &relocs, &target);
        }
        if (status) {
            return status;
        }
    }
    return HP_OK;
}
