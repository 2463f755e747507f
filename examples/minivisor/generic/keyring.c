/* SPDX-License-Identifier: BSD-2-Clause */
/* The key ring that is built in: one key, and a policy that lets nothing else in. */
#include "keyring.h"

extern const uint8_t mv_key_modulus[];
extern const uint8_t mv_key_modulus_end[];
extern const uint8_t mv_key_id[];
extern const uint8_t mv_key_id_end[];

static struct hp_key keys[1];
static struct hp_keyring ring;
static const struct hp_signature_policy policy = {.size = sizeof(policy),
                                                  .require_signature = true};

static struct hp_span between(const uint8_t *start, const uint8_t *end)
{
    return (struct hp_span){start, (size_t)(end - start)};
}

enum hp_status mv_keyring_init(struct hp_manager_options *options)
{
    static const uint8_t name[] = {'m', 'i', 'n', 'i', 'v', 'i', 's', 'o', 'r'};
    const struct hp_key key = {.algorithm = HP_KEY_RSA_PKCS1,
                               .hash = HP_HASH_SHA256,
                               .name = {name, sizeof(name)},
                               .subject_key_id = between(mv_key_id, mv_key_id_end),
                               .modulus = between(mv_key_modulus, mv_key_modulus_end),
                               .exponent = HP_RSA_EXPONENT};

    hp_keyring_init(&ring, keys, sizeof(keys) / sizeof(keys[0]));
    options->keyring = &ring;
    options->policy = &policy;
    return hp_keyring_add(&ring, NULL, &key, &policy, NULL);
}
