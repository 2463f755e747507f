/* SPDX-License-Identifier: BSD-2-Clause */
/* Policy files: one rule a line, documented in hotpatch(1). */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* strtok_r */
#endif

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

/* The arrays that a policy points to. */
struct policy_lists {
    uint8_t (*keys)[HP_SPKI_HASH_SIZE];
    size_t key_count;
    struct hp_revoked_payload *payloads;
    size_t payload_count;
};

/* One line, taken apart word by word. */
struct rule {
    struct trust *trust;
    char *rest;
};

static const char *next_word(struct rule *rule)
{
    return strtok_r(NULL, " \t\r", &rule->rest);
}

static enum hp_hash find_hash(const char *name)
{
    enum hp_hash hash;

    for (hash = HP_HASH_SHA256; hash < HP_HASH_WEAK; hash++) {
        if (strcmp(name, hp_hash_name(hash)) == 0) {
            return hash;
        }
    }
    return HP_HASH_NONE;
}

static unsigned find_format(const char *name)
{
    unsigned format;

    for (format = HP_SIGNATURE_XENDOC; format <= HP_SIGNATURE_LINUX; format++) {
        if (strcmp(name, hp_signature_format_name(format)) == 0) {
            return format;
        }
    }
    return HP_SIGNATURE_NONE;
}

static unsigned find_algorithm(const char *name)
{
    unsigned algorithm;

    for (algorithm = HP_KEY_RSA_PKCS1; algorithm <= HP_KEY_ECDSA_P384; algorithm++) {
        if (strcmp(name, hp_key_algorithm_name(algorithm)) == 0) {
            return algorithm;
        }
    }
    return HP_KEY_NONE;
}

static unsigned find_any_hash(const char *name)
{
    return find_hash(name);
}

/* A list of names into a mask; 0 when one is not known, or there is none. */
static uint32_t take_mask(struct rule *rule, unsigned (*find)(const char *name))
{
    uint32_t mask = 0;
    const char *word;

    while ((word = next_word(rule)) != NULL) {
        const unsigned value = find(word);

        if (value == 0) {
            return 0;
        }
        mask |= HP_ALLOW(value);
    }
    return mask;
}

static bool take_number(struct rule *rule, uint64_t max, uint64_t *value)
{
    const char *word = next_word(rule);
    unsigned long long parsed;

    if (word == NULL || strspn(word, "0123456789") != strlen(word)) {
        return false;
    }
    errno = 0;
    parsed = strtoull(word, NULL, 10);
    *value = parsed;
    return errno == 0 && parsed <= max;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly `size` bytes in hex. */
static bool take_bytes(struct rule *rule, uint8_t *bytes, size_t size)
{
    const char *word = next_word(rule);
    size_t i;

    if (word == NULL || strlen(word) != 2 * size) {
        return false;
    }
    for (i = 0; i < size; i++) {
        const int high = digit_of(word[2 * i]);
        const int low = digit_of(word[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

/* An array with room for one more; ends the program when there is no memory. */
static void *grow(void *array, size_t count, size_t size)
{
    void *bigger = realloc(array, (count + 1) * size);

    if (bigger == NULL) {
        out_of_memory();
    }
    return bigger;
}

static bool take_revoked_key(struct rule *rule)
{
    struct policy_lists *lists = rule->trust->lists;

    lists->keys = grow(lists->keys, lists->key_count, sizeof(lists->keys[0]));
    return take_bytes(rule, lists->keys[lists->key_count++], HP_SPKI_HASH_SIZE);
}

static bool take_revoked_payload(struct rule *rule)
{
    struct policy_lists *lists = rule->trust->lists;
    const char *word = next_word(rule);
    const enum hp_hash hash = word != NULL ? find_hash(word) : HP_HASH_NONE;
    struct hp_revoked_payload *revoked;

    lists->payloads = grow(lists->payloads, lists->payload_count, sizeof(lists->payloads[0]));
    revoked = &lists->payloads[lists->payload_count++];
    memset(revoked, 0, sizeof(*revoked));
    revoked->hash = hash;
    return hash != HP_HASH_NONE && take_bytes(rule, revoked->digest, hp_hash_size(hash));
}

static bool take_rule(struct rule *rule, const char *name)
{
    struct hp_signature_policy *policy = &rule->trust->policy;
    uint64_t value = 0;
    bool ok;

    if (strcmp(name, "require-signature") == 0) {
        policy->require_signature = true;
        ok = true;
    } else if (strcmp(name, "formats") == 0) {
        ok = (policy->formats = take_mask(rule, find_format)) != 0;
    } else if (strcmp(name, "algorithms") == 0) {
        ok = (policy->algorithms = take_mask(rule, find_algorithm)) != 0;
    } else if (strcmp(name, "hashes") == 0) {
        ok = (policy->hashes = take_mask(rule, find_any_hash)) != 0;
    } else if (strcmp(name, "rsa-bits-min") == 0) {
        ok = take_number(rule, HP_RSA_BITS_MAX, &value) && value >= HP_RSA_BITS_DEFAULT;
        policy->rsa_bits_min = (uint32_t)value;
    } else if (strcmp(name, "version-min") == 0) {
        ok = take_number(rule, UINT64_MAX, &policy->version_min);
    } else if (strcmp(name, "revoke-key") == 0) {
        ok = take_revoked_key(rule);
    } else if (strcmp(name, "revoke-payload") == 0) {
        ok = take_revoked_payload(rule);
    } else {
        ok = false;
    }
    return ok && next_word(rule) == NULL;
}

/* One line, without its end; '#' begins a comment. */
static bool take_line(struct trust *trust, char *line)
{
    struct rule rule = {.trust = trust};
    const char *name;
    char *comment = strchr(line, '#');

    if (comment != NULL) {
        *comment = '\0';
    }
    name = strtok_r(line, " \t\r", &rule.rest);
    return name == NULL || take_rule(&rule, name);
}

static bool take_text(struct trust *trust, char *text, const char *path)
{
    unsigned long number = 0;
    char *line = text;

    while (line != NULL) {
        char *end = strchr(line, '\n');

        number++;
        if (end != NULL) {
            *end++ = '\0';
        }
        if (!take_line(trust, line)) {
            char message[64];

            snprintf(message, sizeof(message), "line %lu is no rule of a policy", number);
            complain(path, message);
            return false;
        }
        line = end;
    }
    return true;
}

bool policy_read(struct trust *trust, const char *path)
{
    struct file file;
    char *text;
    bool ok;
    int err = file_read(&file, path);

    if (err != 0) {
        complain(path, strerror(err));
        return false;
    }
    trust->lists = tool_alloc(1, sizeof(*trust->lists));
    text = tool_alloc(file.size + 1, 1);
    memcpy(text, file.data, file.size);
    ok = memchr(text, '\0', file.size) == NULL;
    if (!ok) {
        complain(path, "not a text file");
    }
    ok = ok && take_text(trust, text, path);
    free(text);
    free(file.data);
    trust->policy.revoked_keys = trust->lists->keys;
    trust->policy.revoked_key_count = trust->lists->key_count;
    trust->policy.revoked_payloads = trust->lists->payloads;
    trust->policy.revoked_payload_count = trust->lists->payload_count;
    return ok;
}

void policy_free(struct trust *trust)
{
    if (trust->lists != NULL) {
        free(trust->lists->keys);
        free(trust->lists->payloads);
        free(trust->lists);
        trust->lists = NULL;
    }
}
