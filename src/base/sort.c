/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heap sort: payloads choose what is sorted, so the worst case has to be the ordinary case. An
 * input that is in order already, which is what linkers write, is found with one pass.
 */
#include "base/sort.h"

static void sift_down(const struct hp_sortable *what, uint32_t root, uint32_t count)
{
    while (count / 2 > root) {
        uint32_t child = 2 * root + 1;

        if (child + 1 < count && what->less(what->data, child, child + 1)) {
            child++;
        }
        if (!what->less(what->data, root, child)) {
            return;
        }
        what->swap(what->data, root, child);
        root = child;
    }
}

static bool in_order(const struct hp_sortable *what, uint32_t count)
{
    uint32_t n;

    for (n = 1; n < count; n++) {
        if (what->less(what->data, n, n - 1)) {
            return false;
        }
    }
    return true;
}

void hp_sort(const struct hp_sortable *what, uint32_t count)
{
    uint32_t n;

    if (in_order(what, count)) {
        return;
    }
    for (n = count / 2; n > 0; n--) {
        sift_down(what, n - 1, count);
    }
    for (n = count; n > 1; n--) {
        what->swap(what->data, 0, n - 1);
        sift_down(what, 0, n - 1);
    }
}
