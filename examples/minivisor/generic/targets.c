/* SPDX-License-Identifier: BSD-2-Clause */
/* MV_TARGETS functions to be patched in numbers: mv_target_000 to mv_target_499. */
#include <minivisor/mv.h>

#define TARGET(n)                                                                                  \
    __attribute__((__noinline__, __noclone__, __noipa__, __used__))                                \
    uint32_t mv_target_##n(uint32_t value);                                                        \
    uint32_t mv_target_##n(uint32_t value)                                                         \
    {                                                                                              \
        return value * UINT32_C(2654435761) + 1##n##u;                                             \
    }

#define TEN(n)                                                                                     \
    TARGET(n##0)                                                                                   \
    TARGET(n##1)                                                                                   \
    TARGET(n##2)                                                                                   \
    TARGET(n##3)                                                                                   \
    TARGET(n##4)                                                                                   \
    TARGET(n##5)                                                                                   \
    TARGET(n##6)                                                                                   \
    TARGET(n##7)                                                                                   \
    TARGET(n##8)                                                                                   \
    TARGET(n##9)

#define HUNDRED(n)                                                                                 \
    TEN(n##0)                                                                                      \
    TEN(n##1)                                                                                      \
    TEN(n##2)                                                                                      \
    TEN(n##3)                                                                                      \
    TEN(n##4)                                                                                      \
    TEN(n##5)                                                                                      \
    TEN(n##6)                                                                                      \
    TEN(n##7)                                                                                      \
    TEN(n##8)                                                                                      \
    TEN(n##9)

HUNDRED(0)
HUNDRED(1)
HUNDRED(2)
HUNDRED(3)
HUNDRED(4)
