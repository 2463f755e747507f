/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of a test program that patches itself, and payloads for them. */
#ifndef TEST_SELF_H
#define TEST_SELF_H

#include <stddef.h>
#include <stdint.h>

#include <hotpatch/port.h>

#define SELF_FUNCTIONS 3u

/* They return 1, until they are patched. */
unsigned stress_0(void);
unsigned stress_1(void);
unsigned stress_2(void);

/*
 * A payload, malloc'ed, that makes all of them return `answer`, which is its build-id, too.
 *
 *   below  build-id of the payload that it stacks on; 0: the process itself
 */
uint8_t *self_payload(const struct hp_target *target, uint8_t answer, uint8_t below, size_t *size);

/* Permissions of the page at an address, as "r-xs"; fails when anything is writable and executable.
 */
void self_permissions(const volatile void *place, char out[5]);

/* Fails when a port has something in use, or its contract was broken. */
void self_assert_released(struct hp_port *port);

/* A base for payloads (struct hp_host_options) that is out of reach of the executable's code. */
uint64_t self_far_base(void);

#endif
