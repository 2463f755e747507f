/* SPDX-License-Identifier: BSD-2-Clause */
/* Page permissions tried out: what must fault does, what must not does not. */
#include "layout.h"

#include <string.h>

#include <hotpatch/load.h>

#include <minivisor/arch.h>

static const uint8_t code_in_rodata[16] __attribute__((__aligned__(16))) = {MV_ARCH_CODE_BYTES};
static uint8_t code_in_data[16] __attribute__((__aligned__(16))) = {MV_ARCH_CODE_BYTES};

/* In text: a function of its own that does nothing. */
static __attribute__((__noinline__, __noipa__)) void nothing(void)
{
}

/* A region of the payload that was uploaded first. */
static uint64_t payload_region(enum hp_region_kind kind)
{
    const struct hp_image *image;
    struct hp_payload_info info;

    if (hp_manager_list(&mv_manager, 0, &info, NULL)) {
        return 0;
    }
    image = &info.payload->image;
    return image->regions[kind].size > 0 ? info.addr + image->regions[kind].offset : 0;
}

enum { WRITE, CALL };

/* Address 0 in the table: found out when it is tried. */
static const struct {
    const char *what;
    const void *addr;
    uint8_t region; /* of a payload, when addr is NULL */
    uint8_t how;
    uint8_t expected;
} probes[] = {
    {"write hypervisor text", mv_text_start, 0, WRITE, 0},
    {"write the library's text", mv_deny_start, 0, WRITE, 0},
    {"write hypervisor read-only data", mv_rodata_start, 0, WRITE, 0},
    {"write the table of symbols", mv_symbols, 0, WRITE, 0},
    {"write hypervisor data", mv_data_start, 0, WRITE, 1},
    {"write payload text", NULL, HP_REGION_TEXT, WRITE, 0},
    {"write payload read-only data", NULL, HP_REGION_RODATA, WRITE, 0},
    {"write payload data", NULL, HP_REGION_DATA, WRITE, 1},
    {"write through an alias that is gone", (const void *)MV_ARCH_ALIAS_BASE, 0, WRITE, 0},
    {"execute hypervisor data", code_in_data, 0, CALL, 0},
    {"execute hypervisor read-only data", code_in_rodata, 0, CALL, 0},
    {"execute payload data", NULL, HP_REGION_DATA, CALL, 0},
    {"execute payload read-only data", NULL, HP_REGION_RODATA, CALL, 0},
    {"execute hypervisor text", (const void *)nothing, 0, CALL, 1},
};

uint32_t mv_probe_count(void)
{
    return sizeof(probes) / sizeof(probes[0]);
}

void mv_probe(uint32_t index, struct mv_probe *probe)
{
    uint64_t addr = mv_address(probes[index].addr);
    size_t n;

    memset(probe, 0, sizeof(*probe));
    for (n = 0; n + 1 < sizeof(probe->what) && probes[index].what[n] != '\0'; n++) {
        probe->what[n] = probes[index].what[n];
    }
    if (addr == 0) {
        addr = payload_region((enum hp_region_kind)probes[index].region);
    }
    probe->expected = probes[index].expected;
    /* A region that is not there must not pass for one that faults. */
    if (addr == 0) {
        probe->happened = !probe->expected;
    } else if (probes[index].how == CALL) {
        probe->happened = mv_arch_probe_call(addr);
    } else {
        probe->happened = mv_arch_probe_write(addr);
    }
}
