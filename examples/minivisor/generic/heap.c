/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks for the library: a list of free ranges in the order of addresses, first fit. */
#include "layout.h"
#include "lock.h"

#define HEAP_SIZE  (12u << 20)
#define HEAP_ALIGN 16u

struct range {
    struct range *next;
    size_t size;
};

static uint8_t heap[HEAP_SIZE] __attribute__((__aligned__(4096)));
static struct range *free_ranges;
static uint64_t heap_used;
static struct mv_lock heap_lock;

static size_t rounded(size_t size)
{
    return (size + HEAP_ALIGN - 1) & ~(size_t)(HEAP_ALIGN - 1);
}

void mv_heap_init(void)
{
    free_ranges = (struct range *)(void *)heap;
    free_ranges->next = NULL;
    free_ranges->size = sizeof(heap);
}

void *mv_heap_alloc(size_t size)
{
    struct range **link = &free_ranges;
    struct range *found;

    if (size == 0 || size > HEAP_SIZE) {
        return NULL;
    }
    size = rounded(size);
    mv_lock(&heap_lock);
    while (*link != NULL && (*link)->size < size) {
        link = &(*link)->next;
    }
    found = *link;
    if (found != NULL) {
        /* The end of the range, so that the rest keeps its place in the list. */
        found->size -= size;
        if (found->size == 0) {
            *link = found->next;
        }
        found = (struct range *)(void *)((uint8_t *)found + found->size);
        heap_used += size;
    }
    mv_unlock(&heap_lock);
    return found;
}

/* Joins a range with the next when they touch. */
static void join(struct range *range)
{
    if (range->next != NULL && (uint8_t *)range + range->size == (uint8_t *)range->next) {
        range->size += range->next->size;
        range->next = range->next->next;
    }
}

void mv_heap_free(void *memory, size_t size)
{
    struct range *range = memory;
    struct range **link = &free_ranges;
    struct range *before = NULL;

    if (memory == NULL) {
        return;
    }
    mv_lock(&heap_lock);
    while (*link != NULL && *link < range) {
        before = *link;
        link = &before->next;
    }
    range->size = rounded(size);
    range->next = *link;
    *link = range;
    heap_used -= range->size;
    join(range);
    if (before != NULL) {
        join(before);
    }
    mv_unlock(&heap_lock);
}

uint64_t mv_heap_used(void)
{
    return heap_used;
}
