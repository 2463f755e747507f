/* SPDX-License-Identifier: BSD-2-Clause */
/* hotpatch link: writes a relocated payload as an ELF image at its addresses. */
#include "link.h"

/* Writes the image to an open file; on failure false with a message. */
static bool write_image(void *context, int fd, const char *path)
{
    struct linker *linker = context;
    bool ok = false;

    linker->out = elf_begin(fd, ELF_C_WRITE, NULL);
    if (linker->out != NULL) {
        /* The addresses decide on the layout, not libelf. */
        (void)elf_flagelf(linker->out, ELF_C_SET, ELF_F_LAYOUT);
        ok = link_describe(linker) && elf_update(linker->out, ELF_C_WRITE) >= 0;
    }
    if (!ok) {
        complain(path, elf_errmsg(-1));
    }
    if (linker->out != NULL) {
        (void)elf_end(linker->out);
    }
    link_free(linker);
    return ok;
}

static int link_payload(const struct stack *stack, const struct loaded *loaded, const char *path)
{
    struct hp_target target;
    struct linker linker = {
        .stack = stack,
        .loaded = loaded,
        .word = loaded->elf.is64 ? 8 : 4,
    };

    if (loaded->payload.image.section_count >= SHN_LORESERVE - LINK_EXTRA_SECTIONS) {
        complain(path, "more sections than an image can have");
        return TOOL_TROUBLE;
    }
    hp_port_target(stack->port, &target);
    linker.page = target.page_size;
    (void)elf_version(EV_CURRENT);
    return output_write(path, write_image, &linker) ? TOOL_ACCEPTED : TOOL_TROUBLE;
}

int link_run(const struct options *options)
{
    struct stack stack;
    struct loaded loaded = {0};
    int rc = stack_open(&stack, options);

    if (rc == TOOL_ACCEPTED) {
        rc = loaded_open(&loaded, options->files[0], &stack);
    }
    if (rc == TOOL_ACCEPTED) {
        rc = link_payload(&stack, &loaded, options->output);
    }
    loaded_free(&loaded);
    stack_close(&stack);
    return rc;
}
