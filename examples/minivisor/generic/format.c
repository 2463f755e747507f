/* SPDX-License-Identifier: BSD-2-Clause */
#include <minivisor/format.h>

#include <stdbool.h>
#include <stdint.h>

struct output {
    char *buf;
    size_t size;
    size_t used;
};

/* One conversion. */
struct field {
    size_t width;
    bool left;
    char fill;
    bool wide; /* 64 bits */
};

static void emit(struct output *output, char c)
{
    if (output->used + 1 < output->size) {
        output->buf[output->used++] = c;
    }
}

static void emit_padded(struct output *output, const struct field *field, const char *text,
                        size_t length)
{
    size_t pad = field->width > length ? field->width - length : 0;
    size_t n;

    for (n = 0; n < pad && !field->left; n++) {
        emit(output, field->fill);
    }
    for (n = 0; n < length; n++) {
        emit(output, text[n]);
    }
    for (n = 0; n < pad && field->left; n++) {
        emit(output, ' ');
    }
}

static void emit_number(struct output *output, const struct field *field, uint64_t value,
                        unsigned base, bool negative)
{
    char digits[24];
    size_t start = sizeof(digits);

    do {
        digits[--start] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative) {
        digits[--start] = '-';
    }
    emit_padded(output, field, digits + start, sizeof(digits) - start);
}

static void emit_string(struct output *output, const struct field *field, const char *text)
{
    size_t length = 0;

    while (text[length] != '\0') {
        length++;
    }
    emit_padded(output, field, text, length);
}

/* Reads what stands between the per cent sign and the letter. */
static const char *read_field(const char *format, struct field *field)
{
    *field = (struct field){.fill = ' '};
    if (*format == '-') {
        field->left = true;
        format++;
    }
    if (*format == '0') {
        field->fill = '0';
        format++;
    }
    while (*format >= '0' && *format <= '9') {
        field->width = field->width * 10 + (size_t)(*format - '0');
        format++;
    }
    while (*format == 'l') {
        field->wide = true;
        format++;
    }
    return format;
}

size_t mv_format(char *buf, size_t size, const char *format, va_list args)
{
    struct output output = {buf, size, 0};
    struct field field;
    int64_t value;

    for (; *format != '\0'; format++) {
        if (*format != '%') {
            emit(&output, *format);
            continue;
        }
        format = read_field(format + 1, &field);
        switch (*format) {
        case 's':
            emit_string(&output, &field, va_arg(args, const char *));
            break;
        case 'c':
            emit(&output, (char)va_arg(args, int));
            break;
        case 'd':
            value = field.wide ? va_arg(args, long) : va_arg(args, int);
            emit_number(&output, &field, value < 0 ? -(uint64_t)value : (uint64_t)value, 10,
                        value < 0);
            break;
        case 'u':
        case 'x':
            emit_number(&output, &field,
                        field.wide ? va_arg(args, unsigned long) : va_arg(args, unsigned),
                        *format == 'x' ? 16 : 10, false);
            break;
        default:
            emit(&output, *format);
            break;
        }
    }
    if (size > 0) {
        buf[output.used] = '\0';
    }
    return output.used;
}
