/* SPDX-License-Identifier: BSD-2-Clause */
/* Safe points as a hypervisor has them, to be looked at in their compiled form. */
#include <hotpatch/manager.h>

extern struct hp_manager manager;

void by_pointer(struct hp_safepoint *safepoint);
void of_the_manager(void);

void by_pointer(struct hp_safepoint *safepoint)
{
    hp_safe_point(safepoint);
}

void of_the_manager(void)
{
    hp_safe_point(&manager.safepoint);
}
