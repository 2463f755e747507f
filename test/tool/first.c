/* SPDX-License-Identifier: BSD-2-Clause */
/* A payload with one of everything that the tool shows. */
#include <hotpatch/payload.h>

#define HIDDEN __attribute__((__visibility__("hidden")))

extern void print(const char *text) HIDDEN;
extern const char message[]; /* not hidden, so that its address comes from the GOT */
extern int nobody_has_this __attribute__((__weak__));

int calls;
static char zeroes[64] __attribute__((__used__));

HIDDEN const char *new_greeting(void)
{
    calls++;
    print("called");
    return message;
}

/* For the payload that stacks on this one, which also patches it: long enough for a jump. */
int shared_answer(int a)
{
    return a * 1234567 + 7654321;
}

static void on_load(void)
{
    if (&nobody_has_this != 0) {
        calls = nobody_has_this;
    }
}

static int before_apply(struct hp_payload_handle *payload)
{
    return payload == 0;
}

HP_PATCH_FUNCTION_EXPECT(greeting, "greeting", new_greeting, TARGET_SIZE_greeting, 0x48, 0x8d);
HP_HOOK_LOAD(on_load);
HP_HOOK_PREAPPLY(before_apply);
HP_PAYLOAD_INFO(author, "author", "J\xc3\xbcrgen \\ \x1b[31m\xff");
HP_PAYLOAD_INFO(bare, "bare", "");
