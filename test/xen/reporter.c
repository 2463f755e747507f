/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What generated payloads answer in place of functions of Xen: a tag of the payload and how often
 * its other new functions ran, and how often each of its hooks did.
 */
#define HIDDEN __attribute__((visibility("hidden")))

#define HOOK_KINDS 8

/* Of the generated half of the payload. */
extern HIDDEN const char tally_tag[4];
extern HIDDEN unsigned int tally_calls;
extern HIDDEN unsigned int tally_hooks[HOOK_KINDS];

HIDDEN const char *tally_extra(void);
HIDDEN const char *tally_changeset(void);

static char tally_extra_text[16];
static char tally_changeset_text[64];

/* "TAG:calls", the calls in hexadecimal. */
const char *tally_extra(void)
{
    unsigned int calls = tally_calls;
    char *out = tally_extra_text;
    int n;

    for (n = 0; n < 4; n++) {
        out[n] = tally_tag[n];
    }
    out[4] = ':';
    for (n = 0; n < 8; n++) {
        out[5 + n] = "0123456789abcdef"[calls >> (28 - 4 * n) & 15];
    }
    return out;
}

/* "TAG:" and a digit for each kind of hook. */
const char *tally_changeset(void)
{
    char *out = tally_changeset_text;
    int n;

    for (n = 0; n < 4; n++) {
        out[n] = tally_tag[n];
    }
    out[4] = ':';
    for (n = 0; n < HOOK_KINDS; n++) {
        out[5 + n] = "0123456789abcdef"[tally_hooks[n] & 15];
    }
    return out;
}
