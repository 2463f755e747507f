/* SPDX-License-Identifier: BSD-2-Clause */
/* One of ten files (NUMBER 0 to 9) that all have a static function `work` and a static `state`. */
#ifndef NUMBER
#define NUMBER 0
#endif

#define JOIN(a, b)     a##b
#define NUMBERED(a, b) JOIN(a, b)
#define WORK_POINTER   NUMBERED(work_of_, NUMBER)
#define STATE_POINTER  NUMBERED(state_of_, NUMBER)

static int state = NUMBER;

static int work(int x)
{
    state += x;
    return state * (NUMBER + 3);
}

int (*const WORK_POINTER)(int) = work;
int *const STATE_POINTER = &state;
