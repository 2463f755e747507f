/* SPDX-License-Identifier: BSD-2-Clause */
/* Payloads whose symbols are named to make loading slow. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "support/elf_builder.h"

#define WORD        8u
#define PREFIX_SIZE 200u /* bytes in common; whole words */
#define NAME_SIZE   (3 * WORD)

/*
 * The step of the index's hash (src/base/symtab.c), which an attacker knows. It can be undone, so
 * names of one hash are simply computed; the caller checks with the library that they are.
 */
static uint64_t hash_step(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

static uint64_t load_word(const char *p)
{
    uint64_t word = 0;
    size_t n;

    for (n = WORD; n > 0; n--) {
        word = (word << 8) | (uint8_t)p[n - 1];
    }
    return word;
}

static void store_word(char *p, uint64_t word)
{
    size_t n;

    for (n = 0; n < WORD; n++) {
        p[n] = (char)(word >> (8 * n));
    }
}

/*
 * The name number `*number`, or the next that has no NUL in it: a word that counts, a word that
 * undoes what the first did to the hash, and one that all names end in.
 */
static void collide(char *name, size_t prefix, uint32_t *number)
{
    const uint64_t wanted = UINT64_C(0x0123456789abcdef);
    const size_t length = prefix + NAME_SIZE;
    uint64_t start = UINT64_C(0x51ed270b9a3c4d67) ^ length;
    size_t n;

    memset(name, 'x', prefix);
    for (n = 0; n < prefix; n += WORD) {
        start = hash_step(start, load_word(name + n));
    }
    name += prefix;
    memcpy(name + 2 * WORD, "_collide", WORD);
    name[NAME_SIZE] = '\0';
    do {
        uint32_t rest = *number;

        for (n = 0; n < WORD; n++) {
            name[n] = (char)('a' + rest % 26);
            rest /= 26;
        }
        store_word(name + WORD, wanted ^ hash_step(start, load_word(name)));
        (*number)++;
    } while (strlen(name) != NAME_SIZE);
}

/* The payload's one function, without which it would have nothing to do. */
static void add_function(struct eb_payload *p, const struct hp_port *port)
{
    eb_payload_function(p, bench_port_name(port, 0), BENCH_SYMBOL_SIZE);
}

static struct bench_payload share_name(struct eb_payload *p, uint32_t count)
{
    uint32_t size = hp_profile_default.symbol_name_max;
    char *name = malloc((size_t)size + 1);
    struct bench_payload file = {0};
    uint32_t first;
    uint32_t index;
    uint64_t offset;
    uint32_t n;

    if (name == NULL) {
        abort();
    }
    memset(name, 'x', size);
    name[size] = '\0';
    first = eb_symbol(p->b, name, HP_STB_WEAK, HP_STT_NOTYPE, EB_UNDEF, 0, 0);
    for (n = 1; n < count; n++) {
        eb_symbol(p->b, "", HP_STB_WEAK, HP_STT_NOTYPE, EB_UNDEF, 0, 0);
    }
    file.data = eb_finish(p->b, &file.size);
    index = eb_symbol_index(p->b, first);
    offset = eb_get_symbol(file.data, index, EB_ST_NAME);
    for (n = 1; n < count; n++) {
        eb_set_symbol(file.data, index + n, EB_ST_NAME, offset);
    }
    eb_free(p->b);
    free(name);
    return file;
}

struct bench_payload bench_attack(enum bench_attack attack, uint32_t count,
                                  const struct hp_port *port)
{
    const uint8_t own_id[4] = {1, 2, 3, (uint8_t)attack};
    const struct eb_ids ids = {.build_id = own_id,
                               .build_id_size = sizeof(own_id),
                               .depends = bench_build_id,
                               .depends_size = sizeof(bench_build_id)};
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);
    char name[PREFIX_SIZE + NAME_SIZE + 1];
    struct bench_payload file = {0};
    uint32_t number = 0;
    uint32_t n;

    add_function(&p, port);
    if (attack == BENCH_LONGEST) {
        return share_name(&p, count);
    }
    for (n = 0; n < count; n++) {
        collide(name, attack == BENCH_COLLIDE_LONG ? PREFIX_SIZE : 0, &number);
        if (attack == BENCH_IMPORT) {
            eb_undefined(p.b, name);
        } else {
            /* Not at the new function itself: that would only override an old one. */
            eb_symbol(p.b, name, HP_STB_GLOBAL, HP_STT_OBJECT, p.text, 1, 1);
        }
    }
    file.data = eb_payload_finish(&p, &file.size);
    return file;
}
