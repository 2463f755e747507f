/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry points for Frama-C's value analysis (run.sh): the trailer of a payload, and the CMS in it,
 * on a file of any bytes and any extent. SIZE and EXACT are as in eva_elf.c.
 */
#include <__fc_builtin.h>
#include <stdint.h>

#include <hotpatch/sign.h>

#include "sign/trailer.h"

#ifndef SIZE
#define SIZE 4096
#endif

static uint8_t file[SIZE];

static size_t any_length(void)
{
#ifdef EXACT
    return SIZE;
#else
    return (size_t)Frama_C_unsigned_int_interval(0, SIZE);
#endif
}

/* Any number: of a place in the file, or past it. */
static size_t any_number(void)
{
    return (size_t)Frama_C_unsigned_long_interval(0, SIZE_MAX);
}

/* Entry point: hp_trailer_read() with any extent, as if the extent function were wrong. */
void eva_trailer(void)
{
    const struct hp_span span = {file, any_length()};
    struct hp_trailer trailer;
    uint64_t offset;
    enum hp_status st;

    Frama_C_make_unknown((char *)file, SIZE);
    st = hp_trailer_read(span, any_number(), &trailer, &offset);
    Frama_C_show_each_trailer(st, trailer.signature.size, trailer.serial.size, offset);
}

/* Entry point: hp_cms_read() on any part of the file. */
void eva_cms(void)
{
    const struct hp_trailer none = {0};
    struct hp_trailer trailer = none;
    struct hp_der der = {{file, any_length()}, any_number(), any_number()};
    enum hp_status st;

    Frama_C_make_unknown((char *)file, SIZE);
    st = hp_cms_read(&der, &trailer);
    Frama_C_show_each_cms(st, trailer.key_id.size, trailer.issuer.size);
}

/* Entry point: hp_trailer_parse(), the extent included. */
void eva_parse(void)
{
    struct hp_trailer trailer;
    struct hp_diag diag;
    enum hp_status st;

    Frama_C_make_unknown((char *)file, SIZE);
    hp_diag_init(&diag);
    st = hp_trailer_parse(file, any_length(), &trailer, &diag);
    Frama_C_show_each_parse(st, trailer.payload_len);
}
