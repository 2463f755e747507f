/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hypervisor and its guests agree on: hypercalls, their structures, a guest's memory.
 *
 * A hypercall is the architecture's instruction for it (VMMCALL, HVC) with a number and three
 * arguments, and returns one 64-bit value:
 *
 *   x86-64  number in RAX, arguments in RDI, RSI, RDX; result in RAX
 *   Arm64   number in X8, arguments in X0, X1, X2; result in X0
 *
 * All other registers keep their values. Addresses are guest-physical; a guest of this example maps
 * its memory one to one or not at all.
 */
#ifndef MINIVISOR_ABI_H
#define MINIVISOR_ABI_H

#include <stdint.h>

#define MV_CPUS    4   /* CPUs at most, and guests: guest n runs on CPU n for good */
#define MV_TARGETS 500 /* functions mv_target_0 ... that exist only to be patched in numbers */

/* ---- a guest's memory, from guest-physical address 0 -------------------------------------- */

#define MV_GUEST_TABLES UINT64_C(0x1000)   /* four pages for the architecture: page tables */
#define MV_GUEST_PAGE   UINT64_C(0x8000)   /* struct mv_guest_page, written by the guest */
#define MV_GUEST_STACK  UINT64_C(0x10000)  /* top of its stack */
#define MV_GUEST_IMAGE  UINT64_C(0x10000)  /* its code is loaded and entered here */
#define MV_GUEST_BUFFER UINT64_C(0x100000) /* free for files */
#define MV_GUEST_RAM    UINT64_C(0x400000) /* end of its memory */

/* ---- hypercalls ---------------------------------------------------------------------------- */

enum mv_call {
    MV_CALL_ANSWER,   /* returns an mv_answer: what payloads change. Any guest */
    MV_CALL_SPARE,    /* returns MV_SPARE; another entry of the table of hypercalls. Any guest */
    MV_CALL_HOTPATCH, /* (address of a struct hp_control_op): SPEC section 12. Guest 0, others
                         -EPERM */
    /* The rest serves the script that guest 0 is; others get -EPERM. */
    MV_CALL_PRINT,  /* (address, bytes): writes to the console */
    MV_CALL_FILE,   /* (address of a struct mv_file): a file handed in at boot */
    MV_CALL_GUEST,  /* (guest, address of a struct mv_guest_info) */
    MV_CALL_REPORT, /* (address of a struct mv_report) */
    MV_CALL_TEST,   /* (enum mv_test, argument): see there */
    MV_CALL_EXIT,   /* (0: success, else failure): ends the machine */
    MV_CALLS
};

#define MV_SPARE UINT64_C(0x5a5a)

/*
 * An answer is {version, 32 bits; tag, 16 bits; version again, 16 bits}. The versions come from two
 * functions that are patched together, so that a mixture shows; the tag is set by a third function,
 * whose call one payload replaces by NOPs.
 */
#define MV_ANSWER(version, tag)                                                                    \
    ((uint64_t)(version) << 32 | (uint64_t)(tag) << 16 | (uint64_t)(version))

enum { MV_VERSION_OLD = 1, MV_VERSION_FIRST, MV_VERSION_SECOND, MV_VERSION_SPLICED, MV_VERSIONS };

/* What a guest tells the world. It writes, others read: every field is a counter or a switch. */
struct mv_guest_page {
    uint64_t calls;                /* answers received */
    uint64_t seen[MV_VERSIONS][2]; /* of them, by version and tag */
    uint64_t wrong;                /* neither: 0 to the end */
    uint64_t last_wrong;
    int64_t control; /* what MV_CALL_HOTPATCH has answered to a guest that is not guest 0 */
    uint64_t alive;  /* rounds of its loop, with or without hypercalls */
    uint64_t silent; /* the hypervisor's: loop without hypercalls while it is not 0 */
};

struct mv_file {
    char name[64];   /* IN, with NUL */
    uint64_t buffer; /* IN: where its contents go */
    uint64_t room;   /* IN: bytes there */
    uint64_t size;   /* OUT: bytes of the file; -ENOENT when there is none, -ENOBUFS when large */
};

struct mv_guest_info {
    struct mv_guest_page page; /* a copy of the guest's own */
    uint64_t calls;            /* MV_CALL_ANSWER as the hypervisor counted them */
    uint64_t exits;            /* all exits of the guest */
    uint64_t kicks;            /* of them, for an interrupt */
    uint64_t nmis;             /* NMIs that its CPU has handled */
    uint64_t nmis_held;        /* NMIs that came in a window and were put off */
    uint64_t nmi_version;      /* version of the code that handled the last one */
};

/* How the last request ended, in the library's words. */
struct mv_report {
    char status[32];  /* hp_status_name() of the last refusal, or of the action's end */
    char detail[192]; /* the diagnostics as one line; empty when nothing was refused */
    uint32_t cpus;    /* CPUs that exist */
    uint32_t actor;   /* as in struct hp_action_report */
    uint32_t arrived;
    uint32_t missing_count;
    uint32_t missing[MV_CPUS];
    uint64_t window_ns;
    uint64_t wait_ns;
    uint64_t window_count; /* mv_arch_counter() from window enter to window leave */
    uint64_t action_count; /* the same from the request to the end of the action */
    char hooks[16];        /* one letter for each hook that ran since MV_TEST_HOOKS */
};

enum mv_test {
    MV_TEST_STALL,  /* (guest): its CPU waits in the hypervisor and passes no safe point ... */
    MV_TEST_RESUME, /* (guest): ... until this */
    MV_TEST_SILENT, /* (guest): it makes no hypercalls ... */
    MV_TEST_TALK,   /* (guest): ... until this */
    MV_TEST_HOOKS,  /* forgets which hooks ran, and what they shall refuse; argument: a letter,
                       the hook that shall refuse, or 0 */
    MV_TEST_PROBES, /* returns how many probes of page permissions there are */
    MV_TEST_PROBE,  /* (index, address of a struct mv_probe): does one */
    MV_TEST_NMI,    /* whether the architecture has NMIs */
    MV_TEST_MEMORY, /* bytes in use for payloads and the library */
};

/* An access to a page that must or must not be allowed. */
struct mv_probe {
    char what[48];
    uint32_t expected; /* 1: it must go through, 0: it must fault */
    uint32_t happened; /* the same */
};

#endif
