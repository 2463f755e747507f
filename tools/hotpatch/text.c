/* SPDX-License-Identifier: BSD-2-Clause */
/* Shows untrusted bytes safely, as text and as JSON, and words the verdicts. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* fileno, strnlen */
#endif

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

static const char hex_digits[] = "0123456789abcdef";

/*
 * Characters that a terminal does not show as themselves: controls, line and paragraph separators,
 * and those that reorder or hide what stands next to them.
 */
static bool is_deceptive(uint32_t c)
{
    return c < 0xa0 || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

/* Bytes of the printable UTF-8 character at p, 0 when there is none. */
static size_t printable_size(const uint8_t *p, size_t left)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c;
    size_t size;
    size_t i;

    if (p[0] < 0x80) {
        return p[0] >= 0x20 && p[0] < 0x7f && p[0] != '\\' ? 1 : 0;
    }
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        size = 2;
        c = p[0] & 0x1fu;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        size = 3;
        c = p[0] & 0x0fu;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        size = 4;
        c = p[0] & 0x07u;
    } else {
        return 0;
    }
    if (size > left) {
        return 0;
    }
    for (i = 1; i < size; i++) {
        if ((p[i] & 0xc0u) != 0x80) {
            return 0;
        }
        c = (c << 6) | (p[i] & 0x3fu);
    }
    if (c < smallest[size] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || is_deceptive(c)) {
        return 0;
    }
    return size;
}

char *text_escape(const void *bytes, size_t size, size_t max)
{
    const uint8_t *p = bytes;
    size_t shown = size < max ? size : max;
    char *text = tool_alloc(shown + 1, sizeof("..."));
    char *out = text;
    size_t i = 0;

    while (i < shown) {
        size_t step = printable_size(p + i, shown - i);

        if (step == 0) {
            *out++ = '\\';
            *out++ = 'x';
            *out++ = hex_digits[p[i] >> 4];
            *out++ = hex_digits[p[i] & 15];
            i++;
            continue;
        }
        memcpy(out, p + i, step);
        out += step;
        i += step;
    }
    if (size > max) {
        memcpy(out, "...", 3);
        out += 3;
    }
    *out = '\0';
    return text;
}

/* Escapes a NUL-terminated name without looking far past what is shown. */
static char *escape_name(const char *name)
{
    return text_escape(name, strnlen(name, TEXT_NAME_MAX + 1), TEXT_NAME_MAX);
}

void print_name(FILE *out, const char *name, int width)
{
    char *shown = escape_name(name);

    fprintf(out, "%-*s", width, shown);
    free(shown);
}

void print_hex(FILE *out, const uint8_t *bytes, size_t size, const char *separator)
{
    size_t i;

    for (i = 0; i < size; i++) {
        fprintf(out, "%s%02x", i == 0 ? "" : separator, bytes[i]);
    }
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static struct json_object *json_checked(struct json_object *value)
{
    if (value == NULL) {
        out_of_memory();
    }
    return value;
}

struct json_object *json_new(void)
{
    return json_checked(json_object_new_object());
}

struct json_object *json_list(void)
{
    return json_checked(json_object_new_array());
}

struct json_object *json_text(const char *trusted)
{
    return json_checked(json_object_new_string(trusted));
}

struct json_object *json_bytes_text(const void *untrusted, size_t size)
{
    char *shown = text_escape(untrusted, size, TEXT_ALL);
    struct json_object *value = json_text(shown);

    free(shown);
    return value;
}

struct json_object *json_name(const char *untrusted)
{
    char *shown = escape_name(untrusted);
    struct json_object *value = json_text(shown);

    free(shown);
    return value;
}

struct json_object *json_number(uint64_t value)
{
    return json_checked(json_object_new_uint64(value));
}

struct json_object *json_flag(bool value)
{
    return json_checked(json_object_new_boolean(value));
}

struct json_object *json_hex(const uint8_t *bytes, size_t size)
{
    char *text = tool_alloc(size + 1, 2);
    struct json_object *value;
    size_t i;

    for (i = 0; i < size; i++) {
        text[2 * i] = hex_digits[bytes[i] >> 4];
        text[2 * i + 1] = hex_digits[bytes[i] & 15];
    }
    value = json_text(text);
    free(text);
    return value;
}

/* Addresses are strings: most JSON readers keep only 53 bits of a number. */
struct json_object *json_address(uint64_t addr)
{
    char text[sizeof("0x0123456789abcdef")];

    snprintf(text, sizeof(text), "0x%" PRIx64, addr);
    return json_text(text);
}

void json_put(struct json_object *object, const char *key, struct json_object *value)
{
    if (json_object_object_add(object, key, value) != 0) {
        out_of_memory();
    }
}

void json_append(struct json_object *list, struct json_object *value)
{
    if (json_object_array_add(list, value) != 0) {
        out_of_memory();
    }
}

void json_emit(struct json_object *value)
{
    const char *line = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
                                                                 JSON_C_TO_STRING_NOSLASHESCAPE);

    if (line != NULL) {
        puts(line);
    } else {
        out_of_memory();
    }
    json_object_put(value);
}

/* ---- verdicts ------------------------------------------------------------------------------- */

bool want_colour(FILE *out)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(fileno(out)) == 1 && (no_color == NULL || no_color[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

void print_refusal(FILE *out, const char *path, const struct hp_diag *diag, bool colour)
{
    char *shown = text_escape(path, strlen(path), TEXT_ALL);
    char why[1024];

    (void)hp_diag_format(diag, why, sizeof(why));
    fprintf(out, "%s: %srefused%s: %s: %s\n", shown, colour ? "\033[31m" : "",
            colour ? "\033[0m" : "", hp_status_name(diag->status), why);
    free(shown);
}

/* Counts what a target's image could not answer, in words. Returns the length, 0 for nothing. */
static size_t count_undecided(const struct hp_undecided *undecided, char *text, size_t size)
{
    const struct {
        uint32_t count;
        const char *one;
        const char *many;
    } parts[] = {
        {undecided->symbols, "symbol", "symbols"},
        {undecided->relocations, "relocation", "relocations"},
        {undecided->records, "record", "records"},
        {undecided->expectations, "expectation", "expectations"},
        {undecided->writes, "write", "writes"},
        {undecided->alternatives, "alternative", "alternatives"},
    };
    size_t used = 0;
    size_t i;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].count != 0) {
            used += (size_t)snprintf(text + used, size - used, "%s%" PRIu32 " %s",
                                     used == 0 ? "not decidable offline: " : ", ", parts[i].count,
                                     parts[i].count == 1 ? parts[i].one : parts[i].many);
        }
    }
    return used;
}

char *undecided_text(const struct hp_undecided *undecided)
{
    static const char no_target[] =
        "not checked without --target: target build-id, symbols, code bytes";
    const size_t size = 256; /* six counts of ten digits with their words, and the signature */
    char *text = tool_alloc(size, 1);
    size_t used;

    if (undecided->target) {
        memcpy(text, no_target, sizeof(no_target));
        used = sizeof(no_target) - 1;
    } else {
        used = count_undecided(undecided, text, size);
    }
    if (undecided->signature) {
        used += (size_t)snprintf(text + used, size - used, "%ssignature not verified",
                                 used == 0 ? "" : "; ");
    }
    if (used == 0) {
        free(text);
        return NULL;
    }
    return text;
}
