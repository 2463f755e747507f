/* SPDX-License-Identifier: BSD-2-Clause */
/* A target for the payload of arch_payload.c, for any architecture. */
extern const char message[];
extern int counter;
int helper(int n);
int greeting(int n);
int padded(int n);
void entry(void);

const char message[] = "message";
int counter = 1;

__attribute__((noinline)) int helper(int n)
{
    while (n > 0 && message[n & 7] != 'x') {
        counter += message[n & 7];
        n -= 3;
    }
    return counter;
}

__attribute__((noinline)) int greeting(int n)
{
    return helper(n) * 3 + helper(n + counter) + message[counter & 7];
}

__attribute__((noinline)) int padded(int n)
{
    return greeting(n) - helper(n) * counter;
}

void entry(void)
{
    for (;;) {
        counter = padded(counter);
    }
}
