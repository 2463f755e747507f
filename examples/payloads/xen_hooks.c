/* SPDX-License-Identifier: BSD-2-Clause */
/* Hooks only, one of each kind and two for loading: each says that it runs. */
#include <hotpatch/payload.h>

/* Hidden, so that the compiler calls it directly instead of through a table of addresses. */
extern __attribute__((visibility("hidden"))) int printk(const char *format, ...);

static unsigned int applications;

static void on_load(void)
{
    printk("hooks: load, CPUs are stopped\n");
}

static void on_load_again(void)
{
    printk("hooks: the second load hook\n");
}

static void on_unload(void)
{
    printk("hooks: unload after %u applications\n", applications);
}

static int before_apply(struct hp_payload_handle *payload)
{
    printk("hooks: about to apply %p\n", (void *)payload);
    return 0;
}

static int on_apply(struct hp_payload_handle *payload)
{
    (void)payload;
    applications++;
    return 0;
}

static void after_apply(struct hp_payload_handle *payload)
{
    printk("hooks: applied %p\n", (void *)payload);
}

static int before_revert(struct hp_payload_handle *payload)
{
    printk("hooks: about to revert %p\n", (void *)payload);
    return 0;
}

static int on_revert(struct hp_payload_handle *payload)
{
    (void)payload;
    return 0;
}

static void after_revert(struct hp_payload_handle *payload)
{
    printk("hooks: reverted %p\n", (void *)payload);
}

HP_HOOK_LOAD(on_load);
HP_HOOK_LOAD(on_load_again);
HP_HOOK_UNLOAD(on_unload);
HP_HOOK_PREAPPLY(before_apply);
HP_HOOK_APPLY(on_apply);
HP_HOOK_POSTAPPLY(after_apply);
HP_HOOK_PREREVERT(before_revert);
HP_HOOK_REVERT(on_revert);
HP_HOOK_POSTREVERT(after_revert);

HP_PAYLOAD_INFO(title, "title", "a payload of hooks");
HP_PAYLOAD_INFO(version, "hotpatch_version", "1");
