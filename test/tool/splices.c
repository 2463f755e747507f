/* SPDX-License-Identifier: BSD-2-Clause */
/* A splice of every kind, and nothing else. */
#include <hotpatch/payload.h>

static void new_print(void)
{
}

HP_SPLICE_CALL(call, "dispatcher", "print", new_print);
HP_SPLICE_JUMP(condition, "dispatcher+5", "print", new_print);
HP_SPLICE_JUMP(jump, "dispatcher+0xb", "print", new_print);
HP_SPLICE_POINTER(pointer, "hypercall_table+8*1", "print", new_print);
HP_SPLICE_BYTES(message, "message", ('o', 'l', 'd'), ('n', 'e', 'w'));
