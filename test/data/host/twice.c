/* SPDX-License-Identifier: BSD-2-Clause */
/* Compiled under one name in two folders (NAME): two file-scoped symbols that cannot be told apart.
 */
#ifndef NAME
#define NAME twice_pointer
#endif

static int twice(int x)
{
    return x + 1;
}

int (*const NAME)(int) = twice;
