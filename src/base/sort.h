/* SPDX-License-Identifier: BSD-2-Clause */
/* Sorting in place, n log n whatever the input, without recursion or memory of its own. */
#ifndef HP_BASE_SORT_H
#define HP_BASE_SORT_H

#include <stdbool.h>
#include <stdint.h>

/* What is sorted, by index; `data` is passed to both functions. */
struct hp_sortable {
    void *data;
    bool (*less)(const void *data, uint32_t a, uint32_t b);
    void (*swap)(void *data, uint32_t a, uint32_t b);
};

/* Sorts elements 0 to count - 1 in ascending order. Not stable. */
void hp_sort(const struct hp_sortable *what, uint32_t count);

#endif
