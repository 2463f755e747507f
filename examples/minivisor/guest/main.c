/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest: asks for answers for ever, and guest 0 runs the script. */
#include "guest.h"

void guest_main(uint64_t id)
{
    struct mv_guest_page *page = (struct mv_guest_page *)MV_GUEST_PAGE;

    if (id == 0) {
        if (file_exists("measure")) {
            run_measure();
        } else {
            run_script();
        }
    }
    page->control = guest_call(MV_CALL_HOTPATCH, MV_GUEST_BUFFER, 0, 0);
    for (;;) {
        if (__atomic_load_n(&page->silent, __ATOMIC_ACQUIRE) == 0) {
            (void)ask();
        } else {
            guest_relax();
        }
        page->alive++;
    }
}
