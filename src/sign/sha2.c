/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SHA-256, SHA-384 and SHA-512 (FIPS 180-4), small before fast.
 *
 * The constants are fractional parts of roots of the first primes, of 64 bits for SHA-512. SHA-256
 * takes the upper 32 bits of the same, so one table serves both.
 */
#include "sign/sha2.h"

#include <string.h>

/* Cube roots of the first 80 primes (section 4.2). */
static const uint64_t round_constants[80] = {
    UINT64_C(0x428a2f98d728ae22), UINT64_C(0x7137449123ef65cd), UINT64_C(0xb5c0fbcfec4d3b2f),
    UINT64_C(0xe9b5dba58189dbbc), UINT64_C(0x3956c25bf348b538), UINT64_C(0x59f111f1b605d019),
    UINT64_C(0x923f82a4af194f9b), UINT64_C(0xab1c5ed5da6d8118), UINT64_C(0xd807aa98a3030242),
    UINT64_C(0x12835b0145706fbe), UINT64_C(0x243185be4ee4b28c), UINT64_C(0x550c7dc3d5ffb4e2),
    UINT64_C(0x72be5d74f27b896f), UINT64_C(0x80deb1fe3b1696b1), UINT64_C(0x9bdc06a725c71235),
    UINT64_C(0xc19bf174cf692694), UINT64_C(0xe49b69c19ef14ad2), UINT64_C(0xefbe4786384f25e3),
    UINT64_C(0x0fc19dc68b8cd5b5), UINT64_C(0x240ca1cc77ac9c65), UINT64_C(0x2de92c6f592b0275),
    UINT64_C(0x4a7484aa6ea6e483), UINT64_C(0x5cb0a9dcbd41fbd4), UINT64_C(0x76f988da831153b5),
    UINT64_C(0x983e5152ee66dfab), UINT64_C(0xa831c66d2db43210), UINT64_C(0xb00327c898fb213f),
    UINT64_C(0xbf597fc7beef0ee4), UINT64_C(0xc6e00bf33da88fc2), UINT64_C(0xd5a79147930aa725),
    UINT64_C(0x06ca6351e003826f), UINT64_C(0x142929670a0e6e70), UINT64_C(0x27b70a8546d22ffc),
    UINT64_C(0x2e1b21385c26c926), UINT64_C(0x4d2c6dfc5ac42aed), UINT64_C(0x53380d139d95b3df),
    UINT64_C(0x650a73548baf63de), UINT64_C(0x766a0abb3c77b2a8), UINT64_C(0x81c2c92e47edaee6),
    UINT64_C(0x92722c851482353b), UINT64_C(0xa2bfe8a14cf10364), UINT64_C(0xa81a664bbc423001),
    UINT64_C(0xc24b8b70d0f89791), UINT64_C(0xc76c51a30654be30), UINT64_C(0xd192e819d6ef5218),
    UINT64_C(0xd69906245565a910), UINT64_C(0xf40e35855771202a), UINT64_C(0x106aa07032bbd1b8),
    UINT64_C(0x19a4c116b8d2d0c8), UINT64_C(0x1e376c085141ab53), UINT64_C(0x2748774cdf8eeb99),
    UINT64_C(0x34b0bcb5e19b48a8), UINT64_C(0x391c0cb3c5c95a63), UINT64_C(0x4ed8aa4ae3418acb),
    UINT64_C(0x5b9cca4f7763e373), UINT64_C(0x682e6ff3d6b2b8a3), UINT64_C(0x748f82ee5defb2fc),
    UINT64_C(0x78a5636f43172f60), UINT64_C(0x84c87814a1f0ab72), UINT64_C(0x8cc702081a6439ec),
    UINT64_C(0x90befffa23631e28), UINT64_C(0xa4506cebde82bde9), UINT64_C(0xbef9a3f7b2c67915),
    UINT64_C(0xc67178f2e372532b), UINT64_C(0xca273eceea26619c), UINT64_C(0xd186b8c721c0c207),
    UINT64_C(0xeada7dd6cde0eb1e), UINT64_C(0xf57d4f7fee6ed178), UINT64_C(0x06f067aa72176fba),
    UINT64_C(0x0a637dc5a2c898a6), UINT64_C(0x113f9804bef90dae), UINT64_C(0x1b710b35131c471b),
    UINT64_C(0x28db77f523047d84), UINT64_C(0x32caab7b40c72493), UINT64_C(0x3c9ebe0a15c9bebc),
    UINT64_C(0x431d67c49c100d4c), UINT64_C(0x4cc5d4becb3e42b6), UINT64_C(0x597f299cfc657e2a),
    UINT64_C(0x5fcb6fab3ad6faec), UINT64_C(0x6c44198c4a475817),
};

/* Square roots of the first 8 primes: SHA-512 and SHA-256. Of the next 8: SHA-384. (section 5.3) */
static const uint64_t initial_512[8] = {
    UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b), UINT64_C(0x3c6ef372fe94f82b),
    UINT64_C(0xa54ff53a5f1d36f1), UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
    UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179),
};
static const uint64_t initial_384[8] = {
    UINT64_C(0xcbbb9d5dc1059ed8), UINT64_C(0x629a292a367cd507), UINT64_C(0x9159015a3070dd17),
    UINT64_C(0x152fecd8f70e5939), UINT64_C(0x67332667ffc00b31), UINT64_C(0x8eb44a8768581511),
    UINT64_C(0xdb0c2e0d64f98fa7), UINT64_C(0x47b5481dbefa4fa4),
};

#define BLOCK_MAX 128u /* bytes of a block of SHA-512; half of that for SHA-256 */

/* A digest in progress. SHA-256 uses the lower half of each word. */
struct sha2 {
    uint64_t words[8];
    uint8_t block[BLOCK_MAX];
    size_t used;       /* bytes in block */
    size_t block_size; /* 64 or 128 */
    uint64_t total;    /* bytes so far */
};

#define ROTATE32(x, n) (((x) >> (n)) | ((x) << (32 - (n))))
#define ROTATE64(x, n) (((x) >> (n)) | ((x) << (64 - (n))))

static uint32_t load_be32(const uint8_t *p)
{
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

static void store_be32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

/* One block of SHA-256 (section 6.2.2). The schedule's last 16 words are all that is kept of it. */
static void compress_256(uint64_t *words, const uint8_t *block)
{
    uint32_t schedule[16];
    uint32_t a = (uint32_t)words[0];
    uint32_t b = (uint32_t)words[1];
    uint32_t c = (uint32_t)words[2];
    uint32_t d = (uint32_t)words[3];
    uint32_t e = (uint32_t)words[4];
    uint32_t f = (uint32_t)words[5];
    uint32_t g = (uint32_t)words[6];
    uint32_t h = (uint32_t)words[7];
    size_t i;

    for (i = 0; i < 64; i++) {
        uint32_t *w = &schedule[i % 16];
        uint32_t first;
        uint32_t second;

        if (i < 16) {
            *w = load_be32(block + 4 * i);
        } else {
            const uint32_t w2 = schedule[(i - 2) % 16];
            const uint32_t w15 = schedule[(i - 15) % 16];

            *w += (ROTATE32(w2, 17) ^ ROTATE32(w2, 19) ^ (w2 >> 10)) + schedule[(i - 7) % 16] +
                  (ROTATE32(w15, 7) ^ ROTATE32(w15, 18) ^ (w15 >> 3));
        }
        first = h + (ROTATE32(e, 6) ^ ROTATE32(e, 11) ^ ROTATE32(e, 25)) + ((e & f) ^ (~e & g)) +
                (uint32_t)(round_constants[i] >> 32) + *w;
        second =
            (ROTATE32(a, 2) ^ ROTATE32(a, 13) ^ ROTATE32(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + first;
        d = c;
        c = b;
        b = a;
        a = first + second;
    }
    words[0] = (uint32_t)words[0] + a;
    words[1] = (uint32_t)words[1] + b;
    words[2] = (uint32_t)words[2] + c;
    words[3] = (uint32_t)words[3] + d;
    words[4] = (uint32_t)words[4] + e;
    words[5] = (uint32_t)words[5] + f;
    words[6] = (uint32_t)words[6] + g;
    words[7] = (uint32_t)words[7] + h;
}

/* One block of SHA-384 or SHA-512 (section 6.4.2). */
static void compress_512(uint64_t *words, const uint8_t *block)
{
    uint64_t schedule[16];
    uint64_t a = words[0];
    uint64_t b = words[1];
    uint64_t c = words[2];
    uint64_t d = words[3];
    uint64_t e = words[4];
    uint64_t f = words[5];
    uint64_t g = words[6];
    uint64_t h = words[7];
    size_t i;

    for (i = 0; i < 80; i++) {
        uint64_t *w = &schedule[i % 16];
        uint64_t first;
        uint64_t second;

        if (i < 16) {
            *w = ((uint64_t)load_be32(block + 8 * i) << 32) | load_be32(block + 8 * i + 4);
        } else {
            const uint64_t w2 = schedule[(i - 2) % 16];
            const uint64_t w15 = schedule[(i - 15) % 16];

            *w += (ROTATE64(w2, 19) ^ ROTATE64(w2, 61) ^ (w2 >> 6)) + schedule[(i - 7) % 16] +
                  (ROTATE64(w15, 1) ^ ROTATE64(w15, 8) ^ (w15 >> 7));
        }
        first = h + (ROTATE64(e, 14) ^ ROTATE64(e, 18) ^ ROTATE64(e, 41)) + ((e & f) ^ (~e & g)) +
                round_constants[i] + *w;
        second =
            (ROTATE64(a, 28) ^ ROTATE64(a, 34) ^ ROTATE64(a, 39)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + first;
        d = c;
        c = b;
        b = a;
        a = first + second;
    }
    words[0] = words[0] + a;
    words[1] = words[1] + b;
    words[2] = words[2] + c;
    words[3] = words[3] + d;
    words[4] = words[4] + e;
    words[5] = words[5] + f;
    words[6] = words[6] + g;
    words[7] = words[7] + h;
}

static void compress(struct sha2 *state, const uint8_t *block)
{
    if (state->block_size == BLOCK_MAX) {
        compress_512(state->words, block);
    } else {
        compress_256(state->words, block);
    }
}

static void begin(struct sha2 *state, enum hp_hash hash)
{
    size_t i;

    memcpy(state->words, hash == HP_HASH_SHA384 ? initial_384 : initial_512, sizeof(state->words));
    state->used = 0;
    state->total = 0;
    state->block_size = BLOCK_MAX;
    if (hash == HP_HASH_SHA256) {
        state->block_size = BLOCK_MAX / 2;
        for (i = 0; i < 8; i++) {
            state->words[i] >>= 32;
        }
    }
}

static void add(struct sha2 *state, const uint8_t *data, size_t size)
{
    state->total += size;
    while (size > 0) {
        size_t chunk = state->block_size - state->used;

        if (state->used == 0 && size >= chunk) {
            compress(state, data);
        } else {
            chunk = chunk < size ? chunk : size;
            memcpy(state->block + state->used, data, chunk);
            state->used += chunk;
            if (state->used == state->block_size) {
                compress(state, state->block);
                state->used = 0;
            }
        }
        data += chunk;
        size -= chunk;
    }
}

/* Padding (section 5.1): a one bit, zeros, and the length in bits as the block's last bytes. */
static void end(struct sha2 *state)
{
    static const uint8_t one = 0x80;
    const uint64_t bits = state->total << 3;
    const size_t length_size = state->block_size / 8;

    add(state, &one, 1);
    memset(state->block + state->used, 0, state->block_size - state->used);
    if (state->block_size - state->used < length_size) {
        compress(state, state->block);
        memset(state->block, 0, state->block_size);
    }
    /* Of the length, which is 128 bits long in SHA-512, no file needs more than 64. */
    store_be32(state->block + state->block_size - 8, (uint32_t)(bits >> 32));
    store_be32(state->block + state->block_size - 4, (uint32_t)bits);
    compress(state, state->block);
}

enum hp_status hp_sha2_digest(enum hp_hash hash, const struct hp_span *parts, size_t count,
                              uint8_t *digest)
{
    const size_t size = hp_sha2_size(hash);
    const size_t word = hash == HP_HASH_SHA256 ? 4 : 8;
    struct sha2 state;
    size_t i;

    if (size == 0) {
        return HP_SIGNATURE_UNSUPPORTED;
    }
    begin(&state, hash);
    for (i = 0; i < count; i++) {
        add(&state, parts[i].data, parts[i].size);
    }
    end(&state);
    for (i = 0; i < size / word; i++) {
        if (word == 8) {
            store_be32(digest + 8 * i, (uint32_t)(state.words[i] >> 32));
        }
        store_be32(digest + word * (i + 1) - 4, (uint32_t)state.words[i]);
    }
    return HP_OK;
}
