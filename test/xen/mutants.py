#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Breaks valid payloads in one way each and compares the verdict and its place with a table.

    mutants.py HOTPATCH TARGET PAYLOADS OUT

PAYLOADS is the folder with the payloads that run.sh builds, OUT a folder for the broken ones.
Prints what differs and, last, "N passed, N failed".
"""

import json
import os
import struct
import subprocess
import sys
from collections import namedtuple

from elf64 import (SHF_ALLOC, SHF_COMPRESSED, SHF_EXECINSTR, SHF_WRITE, SHN_COMMON, SHN_XINDEX,
                   SHT_NOBITS, SHT_REL, SHT_SYMTAB, SHT_SYMTAB_SHNDX, Elf)
from mutate import (FUNCS, RECORD_SIZE, RELA_FUNCS, RELA_TEXT, R_16, R_32, R_32S, R_8,
                    R_GOTPCRELX, R_NONE, R_PC16, R_PC32, R_PC8, R_PLT32, R_REX_GOTPCRELX, STRINGS,
                    TEXT, add, at, base_for, both, bytes_of, contents, count_in_section_0,
                    distance, elf32, entry_of, extended_index, flags, flip, half, header, ident,
                    index_of, larger_headers, last_header_cut, local_name, many_sections,
                    new_function_at, new_symbol, no_table_number, nothing, overlapping_relocs,
                    own_rec, plan_rec, poke, rec, record, record_name, rel, reloc, reloc_to,
                    rename, section, settled, sym, symbol, symbol_index_of, symtab, symtab_missing,
                    tail, target_symbol, unrelocated, version_1)

# A row of the table: name of the variant, payload it is made from, how, and the verdict. `where`
# holds the fields of the verdict that are not null; `run` the options of the run.
Case = namedtuple("Case", "name base change status errno where run")

NO_SECTION = 0x7000
RESERVED_SECTION = 0xff20
NO_OFFSET = (1 << 64) - 1
MIB = 1 << 20
MAGIC = b"~Module signature appended~\n"
XEN = ("--profile", "xen-4.17")


def case(name, base, change, status="ok", errno=None, where=None, run=()):
    return Case(name, base, change, status, errno, where or {}, run)


LONG = "n" * 124 + "..."  # a longer name, as verdicts show it
UNVERIFIED = {"message": "signature not verified"}
SHOW = "common/keyhandler.c#show_handlers"

FILES = [
    case("empty", "hello", bytes_of(lambda _: b""), "file-empty", "EINVAL"),
    case("too-large", "hello", add(".filler", flag=0, data=bytes(2 * MIB)),
         "file-too-large", "EINVAL"),
    case("cut-by-one", "hello", bytes_of(last_header_cut), "elf-truncated", "EINVAL"),
    case("cut-in-half", "hello", bytes_of(half), "elf-truncated", "EINVAL"),
    case("cut-in-header", "hello", bytes_of(lambda data: data[:63]), "elf-truncated", "EINVAL"),
    case("trailing-byte", "hello", tail(b"\0"), "trailing-bytes", "EBADMSG"),
    case("trailing-part-of-magic", "hello", tail(MAGIC[:-1]), "trailing-bytes", "EBADMSG"),
    case("signed", "hello", tail(MAGIC + bytes([1, 4, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0]) + bytes(256)),
         where=UNVERIFIED),
    case("signed-by-no-der", "hello",
         tail(bytes(100) + bytes([0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 100]) + MAGIC),
         "signature-malformed", "EBADMSG"),
]

HEADERS = [
    case("magic", "hello", ident(3, ord("G")), "elf-magic", "EINVAL"),
    case("class-0", "hello", ident(4, 0), "elf-class", "EOPNOTSUPP"),
    case("class-3", "hello", ident(4, 3), "elf-class", "EOPNOTSUPP"),
    case("class-32", "hello", bytes_of(elf32), "elf-class", "EOPNOTSUPP"),
    case("big-endian", "hello", ident(5, 2), "elf-byte-order", "EOPNOTSUPP"),
    case("byte-order-0", "hello", ident(5, 0), "elf-byte-order", "EOPNOTSUPP"),
    case("ident-version", "hello", ident(6, 0), "elf-version", "EOPNOTSUPP"),
    case("version", "hello", header(version=2), "elf-version", "EOPNOTSUPP"),
    case("osabi-linux", "hello", ident(7, 3), "elf-osabi", "EOPNOTSUPP"),
    case("osabi-freebsd", "hello", ident(7, 9)),
    case("abi-version", "hello", ident(8, 1), "elf-abi-version", "EOPNOTSUPP"),
    case("type-exec", "hello", header(type=2), "elf-type", "EOPNOTSUPP"),
    case("type-dyn", "hello", header(type=3), "elf-type", "EOPNOTSUPP"),
    case("machine-arm64", "hello", header(machine=183), "elf-machine", "EOPNOTSUPP"),
    case("machine-i386", "hello", header(machine=3), "elf-machine", "EOPNOTSUPP"),
    case("program-header", "hello", header(phnum=1), "elf-phnum", "EOPNOTSUPP"),
    case("header-size-63", "hello", header(shentsize=63), "elf-shentsize", "EINVAL"),
    case("header-size-0", "hello", header(shentsize=0), "elf-shentsize", "EINVAL"),
    case("header-size-80", "hello", larger_headers),
    case("no-header-table", "hello", header(shoff=0), "elf-no-sections", "EINVAL"),
    case("header-table-outside", "hello", header(shoff=1 << 40), "elf-truncated", "EINVAL"),
    case("header-table-wraps", "hello", header(shoff=(1 << 64) - 64), "elf-truncated", "EINVAL"),
    case("one-section-too-many", "hello", header(shnum=lambda elf: len(elf.sections) + 1),
         "elf-truncated", "EINVAL"),
    case("no-sections", "hello", header(shnum=0), "elf-no-sections", "EINVAL"),
    case("count-in-section-0", "hello", count_in_section_0),
    case("count-in-section-0-wild", "hello", both(header(shnum=0), section(0, size=1 << 58)),
         "elf-too-many-sections", "EINVAL"),
    case("name-table-0", "hello", header(shstrndx=0), "elf-shstrndx", "EINVAL"),
    case("name-table-past-the-end", "hello", header(shstrndx=lambda elf: len(elf.sections)),
         "elf-shstrndx", "EINVAL"),
    case("name-table-in-section-0", "hello", no_table_number),
    case("name-table-in-section-0-wild", "hello",
         both(header(shstrndx=SHN_XINDEX), section(0, link=1000)), "elf-shstrndx", "EINVAL"),
]

SECTIONS = [
    case("bounds-wrap", "hello", section(TEXT, offset=(1 << 64) - 16, size=32),
         "section-bounds", "EINVAL", index_of(TEXT)),
    case("bounds-offset", "hello", section(TEXT, offset=1 << 32), "section-bounds", "EINVAL",
         index_of(TEXT)),
    case("bounds-size", "hello", section(TEXT, size=1 << 32), "section-bounds", "EINVAL",
         index_of(TEXT)),
    case("bounds-of-zero-fill", "two", section(".bss", offset=(1 << 64) - 1)),
    case("name-at-end-of-table", "hello",
         section(TEXT, name=lambda elf: len(elf.section(".shstrtab").data)),
         "section-name", "EINVAL", index_of(TEXT)),
    case("name-past-the-table", "hello", section(TEXT, name=0xFFFFFFFF),
         "section-name", "EINVAL", index_of(TEXT)),
    case("align-0", "hello", section(TEXT, align=0)),
    case("align-1", "hello", section(TEXT, align=1)),
    case("align-3", "hello", section(TEXT, align=3), "section-align", "EINVAL", at(TEXT)),
    case("align-all-ones", "hello", section(TEXT, align=(1 << 64) - 1),
         "section-align", "EINVAL", at(TEXT)),
    case("address-16", "hello", section(TEXT, addr=16)),
    case("address-1", "hello", section(TEXT, addr=1), "section-address", "EINVAL", at(TEXT)),
    case("address-3-of-symbols", "hello", section(".symtab", addr=3), "section-address", "EINVAL",
         at(".symtab")),
    case("offset-in-header", "hello", section(".comment", offset=8, size=4)),
    case("offset-of-nothing-in-header", "hello", section(".note.GNU-stack", offset=0)),
    case("null", "hello", section(".comment", type=0)),
    case("null-align-3", "hello", section(".comment", type=0, align=3)),
    case("null-outside", "hello", section(".comment", type=0, offset=1 << 40)),
    case("align-2-to-63", "two", section(".bss", align=1 << 63), "image-too-large", "EINVAL",
         at(".bss")),
    case("symbols-entry-size-0", "hello", symtab(entsize=0), "section-entsize", "EINVAL",
         at(".symtab")),
    case("symbols-entry-size-16", "hello", symtab(entsize=16), "section-entsize", "EINVAL",
         at(".symtab")),
    case("symbols-entry-size-48", "hello", symtab(entsize=48), "section-entsize", "EINVAL",
         at(".symtab")),
    case("symbols-part-of-one", "hello", contents(".symtab", lambda data: data[:-1]),
         "section-entsize", "EINVAL", at(".symtab")),
    case("relocs-entry-size-0", "hello", section(RELA_TEXT, entsize=0),
         "section-entsize", "EINVAL", at(RELA_TEXT)),
    case("relocs-entry-size-16", "hello", section(RELA_TEXT, entsize=16),
         "section-entsize", "EINVAL", at(RELA_TEXT)),
    case("relocs-entry-size-48", "two", section(RELA_TEXT, entsize=48),
         "section-entsize", "EINVAL", at(RELA_TEXT)),
    case("relocs-part-of-one", "hello", contents(RELA_TEXT, lambda data: data + b"\0"),
         "section-entsize", "EINVAL", at(RELA_TEXT)),
    case("symbols-link-0", "hello", symtab(link=0), "section-link", "EINVAL", at(".symtab")),
    case("symbols-link-to-text", "hello", symtab(link=lambda elf: elf.index(TEXT)),
         "section-link", "EINVAL", at(".symtab")),
    case("symbols-link-outside", "hello", symtab(link=lambda elf: len(elf.sections)),
         "section-link", "EINVAL", at(".symtab")),
    case("relocs-link-0", "hello", section(RELA_TEXT, link=0), "section-link", "EINVAL",
         at(RELA_TEXT)),
    case("relocs-link-to-strings", "hello",
         section(RELA_TEXT, link=lambda elf: elf.index(".strtab")),
         "section-link", "EINVAL", at(RELA_TEXT)),
    case("relocs-info-0", "hello", section(RELA_TEXT, info=0), "section-info", "EINVAL",
         at(RELA_TEXT)),
    case("relocs-info-outside", "hello", section(RELA_TEXT, info=lambda elf: len(elf.sections)),
         "section-info", "EINVAL", at(RELA_TEXT)),
    case("relocs-info-to-comment", "hello",
         section(RELA_TEXT, info=lambda elf: elf.index(".comment"))),
    case("relocs-of-zero-fill", "two", section(RELA_TEXT, info=lambda elf: elf.index(".bss")),
         "reloc-target", "EINVAL", at(RELA_TEXT)),
    case("relocs-without-addend", "two",
         both(section(RELA_TEXT, type=SHT_REL, entsize=16),
              contents(RELA_TEXT, lambda data: data[:-(len(data) % 16) or None])),
         "reloc-form", "EOPNOTSUPP", at(RELA_TEXT)),
    case("relocs-overlap", "relocs", overlapping_relocs, "reloc-tables-size", "EINVAL",
         at(".rela.again")),
    case("writable-text", "hello", flags(TEXT, SHF_WRITE), "section-wx", "EINVAL", at(TEXT)),
    case("executable-data", "two", flags(".data", SHF_EXECINSTR), "section-wx", "EINVAL",
         at(".data")),
    case("compressed", "two", flags(".rodata", SHF_COMPRESSED), "section-compressed", "EOPNOTSUPP",
         at(".rodata")),
    case("section-names-no-first-nul", "hello", poke(".shstrtab", 0, ord("x")),
         "strtab-unterminated", "EINVAL", index_of(".shstrtab")),
    case("section-names-no-last-nul", "hello",
         contents(".shstrtab", lambda data: data[:-1] + b"x"),
         "strtab-unterminated", "EINVAL", index_of(".shstrtab")),
    case("symbol-names-no-first-nul", "hello", poke(".strtab", 0, ord("x")),
         "strtab-unterminated", "EINVAL", at(".strtab")),
    case("symbol-names-no-last-nul", "hello", contents(".strtab", lambda data: data[:-1] + b"x"),
         "strtab-unterminated", "EINVAL", at(".strtab")),
    case("symbol-names-empty", "hello", contents(".strtab", lambda data: b""),
         "strtab-unterminated", "EINVAL", at(".strtab")),
    case("no-symbols", "hello", symtab_missing, "symtab-missing", "EINVAL"),
    case("two-symbol-tables", "hello",
         add(".symtab2", SHT_SYMTAB, 0, bytes(24), align=8, entsize=24,
             link=lambda elf: elf.index(".strtab")),
         "symtab-duplicate", "EINVAL", at(".symtab2")),
    case("extended-index", "hello", extended_index),
    case("extended-index-too-short", "hello",
         both(extended_index, contents(".symtab_shndx", lambda data: data[:-4])),
         "symtab-shndx", "EINVAL", at(".symtab_shndx")),
    case("extended-index-twice", "hello",
         both(extended_index,
              lambda elf: elf.add_section(".symtab_shndx2", SHT_SYMTAB_SHNDX, 0,
                                          elf.section(".symtab_shndx").data,
                                          link=elf.sections.index(elf.symtab()), entsize=4)),
         "symtab-shndx", "EINVAL", at(".symtab_shndx2")),
    case("extended-index-missing", "hello", symbol("hello_version", shndx=SHN_XINDEX),
         "symtab-shndx", "EINVAL", symbol_index_of("hello_version")),
    case("odd-size", "hello", add(".rodata.odd", data=b"odd")),
    case("zero-size-with-symbol", "hello",
         both(add(".rodata.none"), new_symbol("nothing_here", ".rodata.none"))),
    case("zero-fill-limit", "two", section(".bss", size=2 * MIB)),
    case("zero-fill-above", "two", section(".bss", size=2 * MIB + 1), "nobits-too-large", "EINVAL",
         at(".bss")),
    case("zero-fill-sum", "two",
         both(*(add(f".bss.{n}", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, size=2 * MIB)
                for n in range(4))),
         "image-too-large", "EINVAL", at(".bss.3")),
]

SPECIALS = [
    case("funcs-twice", "two", rename(".data", FUNCS), "special-duplicate", "EINVAL", at(FUNCS)),
    case("build-id-twice", "two", rename(".rodata", ".note.gnu.build-id"),
         "special-duplicate", "EINVAL", at(".note.gnu.build-id")),
    case("funcs-not-loaded", "hello", flags(FUNCS, removed=SHF_ALLOC),
         "special-not-loaded", "EINVAL", at(FUNCS)),
    case("funcs-zero-fill", "hello", section(FUNCS, type=SHT_NOBITS),
         "special-not-loaded", "EINVAL", at(FUNCS)),
    case("note-not-loaded", "hello", flags(".livepatch.depends", removed=SHF_ALLOC),
         "special-not-loaded", "EINVAL", at(".livepatch.depends")),
    case("no-depends", "hello", rename(".livepatch.depends", ".note.other"),
         "special-missing", "EINVAL", at(".livepatch.depends")),
    case("no-xen-depends", "hello", rename(".livepatch.xen_depends", ".note.other"),
         "special-missing", "EINVAL", at(".livepatch.xen_depends")),
    case("no-build-id", "hello", rename(".note.gnu.build-id", ".note.other"),
         "special-missing", "EINVAL", at(".note.gnu.build-id")),
    case("funcs-empty", "hello",
         both(contents(FUNCS, lambda data: b""), contents(RELA_FUNCS, lambda data: b"")),
         "special-empty", "EINVAL", at(FUNCS)),
    case("hooks-empty", "hooks",
         both(contents(".livepatch.hooks.load", lambda data: b""),
              contents(".rela.livepatch.hooks.load", lambda data: b"")),
         "special-empty", "EINVAL", at(".livepatch.hooks.load")),
    case("nothing-to-do", "hello", rename(FUNCS, ".data.funcs"), "nothing-to-do", "EINVAL"),
    case("modinfo-empty", "hello", add(".modinfo"), "modinfo", "EINVAL", at(".modinfo")),
    case("modinfo-no-nul", "hello", add(".modinfo", data=b"key=value"), "modinfo", "EINVAL",
         at(".modinfo")),
    case("modinfo", "hello", add(".modinfo", data=b"key=value\0")),
    case("ex-table", "hello", add(".ex_table", data=bytes(8)), "ex-fault", "EINVAL",
         at(".ex_table") | {"record": 0}),
    case("ex-table-size", "hello", add(".ex_table", data=bytes(12)), "table-size", "EINVAL",
         at(".ex_table")),
    case("ex-table-empty", "hello", add(".ex_table")),
    case("alternatives", "hello", add(".altinstructions", data=bytes(14)), "alt-site", "EINVAL",
         at(".altinstructions") | {"record": 0}),
    case("alternatives-size", "hello", add(".altinstructions", data=bytes(27)), "table-size",
         "EINVAL", at(".altinstructions")),
    case("alternatives-empty", "hello",
         both(add(".altinstructions"),
              add(".altinstr_replacement", flag=SHF_ALLOC | SHF_EXECINSTR),
              new_symbol("replacement", ".altinstr_replacement"))),
    case("bug-frames", "hello", add(".bug_frames.2", data=bytes(8)), "bug-address", "EINVAL",
         at(".bug_frames.2") | {"record": 0}),
    case("bug-frames-size", "hello", add(".bug_frames.3", data=bytes(8)), "table-size", "EINVAL",
         at(".bug_frames.3")),
    # Xen 4.17 keeps alternative calls among the alternatives.
    case("alternative-calls", "hello", add(".alt_call_sites", data=bytes(4)),
         "special-unsupported", "EOPNOTSUPP", at(".alt_call_sites")),
    case("splices-size", "hello", add(".hotpatch.splices", data=bytes(64)), "record-size",
         "EINVAL", at(".hotpatch.splices")),
    case("splices-zero", "hello", add(".hotpatch.splices", data=bytes(112)), "record-version",
         "EOPNOTSUPP", at(".hotpatch.splices") | {"record": 0}),
    case("splices-for-xen", "hello", add(".hotpatch.splices", data=bytes(112)),
         "special-unsupported", "EOPNOTSUPP", at(".hotpatch.splices"), XEN),
]

IDENTITY = [
    case("note-name-size", "hello", poke(".livepatch.depends", 0, 5), "note", "EINVAL",
         at(".livepatch.depends")),
    case("note-name", "hello", poke(".livepatch.depends", 14, ord("X")), "note", "EINVAL",
         at(".livepatch.depends")),
    case("note-type", "hello", poke(".note.gnu.build-id", 8, 1), "note", "EINVAL",
         at(".note.gnu.build-id")),
    case("note-no-id", "hello", poke(".livepatch.xen_depends", 4, 0), "note", "EINVAL",
         at(".livepatch.xen_depends")),
    case("note-id-outside", "hello", poke(".livepatch.xen_depends", 4, 21), "note", "EINVAL",
         at(".livepatch.xen_depends")),
    case("note-id-size-wild", "hello", poke(".livepatch.xen_depends", 7, 0xFF), "note", "EINVAL",
         at(".livepatch.xen_depends")),
    case("note-cut", "hello", contents(".livepatch.depends", lambda data: data[:8]), "note",
         "EINVAL", at(".livepatch.depends")),
    case("two-notes", "hello", contents(".livepatch.depends", lambda data: data + data), "note",
         "EINVAL", at(".livepatch.depends")),
    case("other-target", "hello", flip(".livepatch.xen_depends", 16), "target-build-id", "EINVAL",
         at(".livepatch.xen_depends")),
    case("other-target-last-byte", "hello", flip(".livepatch.xen_depends", 35),
         "target-build-id", "EINVAL", at(".livepatch.xen_depends")),
    case("other-target-shorter-id", "hello", poke(".livepatch.xen_depends", 4, 16),
         "note", "EINVAL", at(".livepatch.xen_depends")),
    case("other-target-shorter-note", "hello",
         contents(".livepatch.xen_depends",
                  lambda data: struct.pack("<III", 4, 16, 3) + data[12:32]),
         "target-build-id", "EINVAL", at(".livepatch.xen_depends")),
    case("other-target-and-alternatives", "hello",
         both(flip(".livepatch.xen_depends", 16), add(".altinstructions", data=b"\xff" * 13)),
         "target-build-id", "EINVAL", at(".livepatch.xen_depends")),
    case("other-stack", "hello", flip(".livepatch.depends", 16), "depends-build-id", "EINVAL",
         at(".livepatch.depends")),
    case("stacked-on-nothing", "stacked", nothing, "depends-build-id", "EINVAL",
         at(".livepatch.depends")),
    case("stacked", "stacked", nothing, run=("--after", "hello")),
    case("not-stacked", "expect", nothing, "depends-build-id", "EINVAL", at(".livepatch.depends"),
         run=("--after", "hello")),
    case("loaded-already", "hello", nothing, "build-id-exists", "EEXIST",
         at(".note.gnu.build-id"), run=("--after", "hello")),
]

SYMBOLS = [
    case("symbol-name-past-the-table", "two", symbol("printk", name=0xFFFFFFFF), "symbol-name",
         "EINVAL", symbol_index_of("printk")),
    case("symbol-name-at-end-of-table", "two",
         symbol("printk", name=lambda elf: len(elf.strtab().data)), "symbol-name",
         "EINVAL", symbol_index_of("printk")),
    case("undefined-without-name", "two", symbol("printk", name=0), "symbol-name", "EINVAL",
         symbol_index_of("printk")),
    case("undefined", "two", target_symbol("no_such_function"), "symbol-undefined", "ENOENT",
         sym("no_such_function")),
    case("undefined-file-scoped", "two", target_symbol("show_handlers"),
         "symbol-undefined", "ENOENT", sym("show_handlers")),
    case("file-scoped", "two", target_symbol(SHOW)),
    case("freed-after-booting", "two", target_symbol("alloc_boot_pages"),
         "symbol-undefined", "ENOENT", sym("alloc_boot_pages")),
    case("undefined-in-that-file", "two", target_symbol("common/kernel.c#show_handlers"),
         "symbol-undefined", "ENOENT", sym("common/kernel.c#show_handlers")),
    case("undefined-name-limit", "two", target_symbol("n" * 511), "symbol-undefined", "ENOENT",
         sym(LONG)),
    case("undefined-name-above", "two", target_symbol("n" * 512), "symbol-name-length", "EINVAL",
         sym(LONG)),
    case("undefined-weak", "two", both(new_symbol("no_such_function", info=0x20))),
    case("symbol-section", "hello", symbol("hello_version", shndx=NO_SECTION), "symbol-section",
         "EINVAL", symbol_index_of("hello_version")),
    case("symbol-section-reserved", "hello", symbol("hello_version", shndx=RESERVED_SECTION),
         "symbol-section", "EINVAL", symbol_index_of("hello_version")),
    case("symbol-at-end", "hello",
         symbol("hello_version", value=lambda elf: len(elf.section(TEXT).data), size=0)),
    case("symbol-past-end", "hello",
         symbol("hello_version", value=lambda elf: len(elf.section(TEXT).data) + 1, size=0),
         "symbol-value", "EINVAL", sym("hello_version")),
    case("symbol-value-wraps", "hello", symbol("hello_version", value=(1 << 64) - 1),
         "symbol-value", "EINVAL", sym("hello_version")),
    case("common", "two", symbol("printk", shndx=SHN_COMMON), "symbol-common", "EINVAL",
         sym("printk")),
    case("thread-local", "two", symbol("printk", info=0x16), "symbol-tls", "EOPNOTSUPP",
         sym("printk")),
    case("indirect-function", "two", symbol("two_version", info=0x1A), "symbol-ifunc", "EOPNOTSUPP",
         sym("two_version")),
    case("new-symbol", "two", new_symbol("brand_new", ".data", info=0x11)),
    case("new-symbol-exists", "two", new_symbol("nr_cpu_ids", ".data", info=0x11),
         "symbol-exists", "EEXIST", sym("nr_cpu_ids")),
    case("new-symbol-like-a-file-scoped-one", "two",
         new_symbol("vprintk_common", TEXT, info=0x12, value=1)),
    case("override-is-not-new", "hello",
         new_symbol("xen_extra_version", TEXT, info=0x12)),
    case("symbol-not-loaded", "hello", reloc(RELA_TEXT, 0, symbol=".comment"),
         "symbol-not-loaded", "EINVAL", rel(RELA_TEXT, 0, ".comment")),
]

RELOCS = [
    case("type-unknown", "hello", reloc(RELA_TEXT, 0, type=0xFFFFFFFF), "reloc-type", "EOPNOTSUPP",
         rel(RELA_TEXT, 0, ".LC0")),
    case("type-copy", "hello", reloc(RELA_TEXT, 0, type=5), "reloc-type", "EOPNOTSUPP",
         rel(RELA_TEXT, 0, ".LC0")),
    case("type-tpoff32", "hello", reloc(RELA_TEXT, 0, type=23), "reloc-type", "EOPNOTSUPP",
         rel(RELA_TEXT, 0, ".LC0")),
    case("type-size32", "two", reloc(RELA_TEXT, entry_of(R_PLT32, "printk"), type=32),
         "reloc-type", "EOPNOTSUPP", rel(RELA_TEXT, entry_of(R_PLT32, "printk"), "printk")),
    case("symbol-0", "hello", reloc(RELA_TEXT, 0, symbol=0), "reloc-symbol-zero", "EOPNOTSUPP",
         rel(RELA_TEXT, 0)),
    case("symbol-0-none", "hello", reloc(RELA_TEXT, 0, symbol=0, type=R_NONE)),
    case("symbol-count", "hello", reloc(RELA_TEXT, 0, symbol=lambda elf: len(elf.symbols)),
         "reloc-symbol-index", "EINVAL", rel(RELA_TEXT, 0)),
    case("symbol-wild", "hello", reloc(RELA_TEXT, 0, symbol=0xFFFFFFFF),
         "reloc-symbol-index", "EINVAL", rel(RELA_TEXT, 0)),
    case("offset-last", "hello",
         reloc(RELA_TEXT, 0, offset=lambda elf: len(elf.section(TEXT).data) - 4)),
    case("offset-last-and-1", "hello",
         reloc(RELA_TEXT, 0, offset=lambda elf: len(elf.section(TEXT).data) - 3),
         "reloc-offset", "EINVAL", rel(RELA_TEXT, 0, ".LC0")),
    case("offset-end", "hello",
         reloc(RELA_TEXT, 0, offset=lambda elf: len(elf.section(TEXT).data)),
         "reloc-offset", "EINVAL", rel(RELA_TEXT, 0, ".LC0")),
    case("offset-wraps", "hello", reloc(RELA_TEXT, 0, offset=(1 << 64) - 1),
         "reloc-offset", "EINVAL", rel(RELA_TEXT, 0, ".LC0")),
    case("offset-in-records", "hello", reloc(RELA_FUNCS, 1, offset=RECORD_SIZE - 7),
         "reloc-offset", "EINVAL", rel(RELA_FUNCS, 1, TEXT)),
    case("pc32-highest", "two", distance(R_PC32, (1 << 31) - 1)),
    case("pc32-above", "two", distance(R_PC32, 1 << 31), "reloc-overflow", "EOVERFLOW",
         rel(RELA_TEXT, 0, TEXT)),
    case("pc32-lowest", "two", distance(R_PC32, -(1 << 31))),
    case("pc32-below", "two", distance(R_PC32, -(1 << 31) - 1), "reloc-overflow", "EOVERFLOW",
         rel(RELA_TEXT, 0, TEXT)),
    case("plt32-above", "two", distance(R_PLT32, 1 << 31), "reloc-overflow", "EOVERFLOW",
         rel(RELA_TEXT, 0, TEXT)),
    case("pc16-highest", "two", distance(R_PC16, 0x7FFF)),
    case("pc16-above", "two", distance(R_PC16, 0x8000), "reloc-overflow", "EOVERFLOW",
         rel(RELA_TEXT, 0, TEXT)),
    case("pc16-below", "two", distance(R_PC16, -0x8001), "reloc-overflow", "EOVERFLOW",
         rel(RELA_TEXT, 0, TEXT)),
    case("pc8-lowest", "two", distance(R_PC8, -0x80)),
    case("pc8-above", "two", distance(R_PC8, 0x80), "reloc-overflow", "EOVERFLOW",
         rel(RELA_TEXT, 0, TEXT)),
    case("pc8-below", "two", distance(R_PC8, -0x81), "reloc-overflow", "EOVERFLOW",
         rel(RELA_TEXT, 0, TEXT)),
    case("pc32-to-nowhere", "two", reloc_to(0, R_PC32, "far_away", 0x1000), "reloc-overflow",
         "EOVERFLOW", rel(RELA_TEXT, 0, "far_away")),
    case("32-highest", "two", reloc_to(0, R_32, "edge", 0xFFFFFFFF)),
    case("32-above", "two", reloc_to(0, R_32, "edge", 1 << 32), "reloc-overflow", "EOVERFLOW",
         rel(RELA_TEXT, 0, "edge")),
    case("32-negative", "two", reloc_to(0, R_32, "edge", -1), "reloc-overflow", "EOVERFLOW",
         rel(RELA_TEXT, 0, "edge")),
    case("32-of-the-target", "two", reloc(RELA_TEXT, entry_of(R_PLT32, "printk"), type=R_32),
         "reloc-overflow", "EOVERFLOW", rel(RELA_TEXT, entry_of(R_PLT32, "printk"), "printk")),
    case("32s-lowest", "two", reloc_to(0, R_32S, "edge", -(1 << 31))),
    case("32s-above", "two", reloc_to(0, R_32S, "edge", 1 << 31), "reloc-overflow", "EOVERFLOW",
         rel(RELA_TEXT, 0, "edge")),
    case("32s-below", "two", reloc_to(0, R_32S, "edge", -(1 << 31) - 1), "reloc-overflow",
         "EOVERFLOW", rel(RELA_TEXT, 0, "edge")),
    case("16-highest", "two", reloc_to(0, R_16, "edge", 0xFFFF)),
    case("16-above", "two", reloc_to(0, R_16, "edge", 0x10000), "reloc-overflow", "EOVERFLOW",
         rel(RELA_TEXT, 0, "edge")),
    case("8-highest", "two", reloc_to(0, R_8, "edge", 0xFF)),
    case("8-above", "two", reloc_to(0, R_8, "edge", 0x100), "reloc-overflow", "EOVERFLOW",
         rel(RELA_TEXT, 0, "edge")),
    case("got-above", "relocs",
         reloc(RELA_TEXT, entry_of(R_GOTPCRELX, "printk"), addend=1 << 31),
         "reloc-overflow", "EOVERFLOW", rel(RELA_TEXT, entry_of(R_GOTPCRELX, "printk"), "printk")),
    case("note-relocated", "hello",
         section(RELA_TEXT, info=lambda elf: elf.index(".livepatch.depends")),
         "reloc-target", "EINVAL", at(RELA_TEXT)),
]

RECORDS = [
    case("size", "hello", contents(FUNCS, lambda data: data[:-1]), "record-size", "EINVAL",
         at(FUNCS)),
    case("size-above", "hello", contents(FUNCS, lambda data: data + bytes(8)), "record-size",
         "EINVAL", at(FUNCS)),
    case("version-0", "hello", record(0, version=0), "record-version", "EOPNOTSUPP",
         rec(name=None)),
    case("version-3", "hello", record(0, version=3), "record-version", "EOPNOTSUPP",
         rec(name=None)),
    case("version-mixed", "two", record(1, version=1), "record-version-mixed", "EOPNOTSUPP",
         rec(1, None)),
    case("version-1", "hello", version_1),
    case("version-1-no-xen-depends", "hello",
         both(version_1, rename(".livepatch.xen_depends", ".note.other"))),
    case("opaque-first", "hello", record(0, opaque=1), "record-reserved", "EINVAL", rec(name=None)),
    case("opaque-last", "hello", record(0, opaque_end=1), "record-reserved", "EINVAL",
         rec(name=None)),
    case("applied", "hello", record(0, applied=1), "record-reserved", "EINVAL", rec(name=None)),
    case("pad-first", "hello", record(0, pad=0x80), "record-reserved", "EINVAL", rec(name=None)),
    case("pad-last", "two", record(1, pad_end=1), "record-reserved", "EINVAL", rec(1, None)),
    case("name-null", "hello", unrelocated(0, "name"), "record-name-null", "EINVAL",
         rec(name=None)),
    case("name-outside", "hello", reloc(RELA_FUNCS, 0, addend=1 << 20), "record-name-outside",
         "EINVAL", rec(name=None)),
    case("name-wild", "hello", both(unrelocated(0, "name"), record(0, name=1)),
         "record-name-outside", "EINVAL", rec(name=None)),
    case("name-not-terminated", "hello", contents(STRINGS, lambda data: data[:-1] + b"x"),
         "record-name-unterminated", "EINVAL", rec(name=None)),
    case("name-empty", "hello", record_name(0, ""), "record-name-unterminated", "EINVAL",
         rec(name=None)),
    case("name-limit", "hello", record_name(0, "n" * 511), "record-target", "ENOENT",
         rec(0, LONG)),
    case("name-too-long", "hello", record_name(0, "n" * 512), "record-name-unterminated", "EINVAL",
         rec(name=None)),
    case("name-offset-no-number", "hello", record_name(0, "xen_extra_version+x"),
         "record-name-offset", "EINVAL", rec(0, "xen_extra_version+x")),
    case("name-offset-none", "hello", record_name(0, "xen_extra_version+"), "record-name-offset",
         "EINVAL", rec(0, "xen_extra_version+")),
    case("name-offset-wraps", "hello", record_name(0, "xen_extra_version+0x10000000000000000"),
         "record-name-offset", "EINVAL", rec(0, "xen_extra_version+0x10000000000000000")),
    case("name-offset-past-symbol", "hello", record_name(0, "xen_extra_version+12"),
         "record-name-offset", "EINVAL", rec(0, "xen_extra_version+12")),
    case("name-offset-0", "hello", record_name(0, "xen_extra_version+0x0")),
    case("target-unknown", "hello", record_name(0, "no_such_function"), "record-target", "ENOENT",
         rec(0, "no_such_function")),
    case("target-file-scoped", "hello", record_name(0, "show_handlers"), "record-target", "ENOENT",
         rec(0, "show_handlers")),
    case("target-in-that-file", "hello", record_name(0, SHOW)),
    case("target-not-in-that-file", "hello", record_name(0, "common/kernel.c#show_handlers"),
         "record-target", "ENOENT", rec(0, "common/kernel.c#show_handlers")),
    case("target-data", "hello", record_name(0, "nr_cpu_ids"), "record-target-kind", "EINVAL",
         rec(0, "nr_cpu_ids")),
    case("new-addr-in-data", "hello", reloc(RELA_FUNCS, 1, symbol=STRINGS), "record-new-addr",
         "EINVAL", rec()),
    case("new-addr-at-end-of-text", "hello",
         reloc(RELA_FUNCS, 1, addend=lambda elf: len(elf.section(TEXT).data)),
         "record-new-addr", "EINVAL", rec()),
    case("new-addr-before-text", "hello", reloc(RELA_FUNCS, 1, addend=-1), "record-new-addr",
         "EINVAL", rec()),
    case("old-size-0", "hello", record(0, old_size=0), "record-old-size", "EINVAL", rec()),
    case("old-size-4", "hello", record(0, old_size=4), "record-old-size", "EINVAL", rec()),
    case("old-size-5", "hello", record(0, old_size=5)),
    case("old-size-8-with-pad", "endbr", record(0, old_size=8), "record-old-size", "EINVAL",
         plan_rec(0, "no_action")),
    case("old-addr-given", "hello",
         both(unrelocated(0, "name"),
              record(0, old_addr=lambda elf: elf.target["xen_extra_version"]))),
    case("old-addr-nowhere", "hello", record(0, old_addr=0x1000), "patch-range", "EINVAL",
         plan_rec()),
    case("old-addr-in-data", "hello",
         record(0, old_addr=lambda elf: elf.target["nr_cpu_ids"]), "patch-range", "EINVAL",
         plan_rec()),
    case("old-addr-in-init-text", "hello",
         record(0, old_addr=lambda elf: elf.target["__start_xen"]), "patch-range", "EINVAL",
         plan_rec()),
    case("past-function", "hello", record_name(0, "xen_extra_version+8"), "patch-past-function",
         "EINVAL", plan_rec(0, "xen_extra_version+8")),
    case("inside-function", "hello",
         both(record_name(0, "xen_extra_version+7"), record(0, old_size=5))),
    case("nop-31", "nop", record(0, new_size=31, old_size=31)),
    case("nop-32", "nop", record(0, new_size=32, old_size=32), "nop-too-long", "EOPNOTSUPP",
         own_rec),
    case("nop-above-old-size", "nop", record(0, new_size=6), "nop-size", "EINVAL",
         own_rec),
    case("nop-whole-range", "nop", record(0, new_size=0)),
    case("nop-whole-function", "hello",
         both(unrelocated(0, "new_addr"), record(0, new_size=0)), "nop-whole", "EINVAL", rec()),
    case("nop-past-function", "hello",
         both(unrelocated(0, "new_addr"), record(0, new_size=13, old_size=13)),
         "patch-past-function", "EINVAL", plan_rec()),
    case("nop-below-pad", "endbr", both(unrelocated(0, "new_addr"), record(0, new_size=3)),
         "nop-size", "EINVAL", plan_rec(0, "no_action")),
    case("expect-reserved-6", "expect", record(0, expect=0x40 | 12 << 1 | 1), "expect-reserved",
         "EINVAL", rec(0, "xen_changeset")),
    case("expect-reserved-7", "expect", record(0, expect=0x80 | 12 << 1 | 1), "expect-reserved",
         "EINVAL", rec(0, "xen_changeset")),
    case("expect-above-old-size", "expect", record(0, old_size=11), "expect-length", "ERANGE",
         rec(0, "xen_changeset")),
    case("expect-31-of-12", "expect", record(0, expect=31 << 1 | 1), "expect-length", "ERANGE",
         rec(0, "xen_changeset")),
    case("expect-mismatch", "expect", record(0, expect_data=0xCC), "expect-mismatch", "EINVAL",
         plan_rec(0, "xen_changeset")),
    case("expect-off", "expect", record(0, expect=0, expect_data=0xCC)),
    case("same-function-twice", "two", record_name(1, "xen_extra_version"), "patch-overlap",
         "EINVAL", plan_rec(1)),
    case("overlap", "two", both(record_name(1, "xen_extra_version+4"), record(1, old_size=8)),
         "patch-overlap", "EINVAL", plan_rec(1, "xen_extra_version+4")),
    case("adjacent", "two", both(record_name(1, "xen_extra_version+5"), record(1, old_size=7))),
]

HOOKS = [
    case("hook-size-7", "hooks", both(contents(".livepatch.hooks.load", lambda data: data[:-1]),
                                      reloc(".rela.livepatch.hooks.load", 1, type=R_NONE)),
         "hook-size", "EINVAL", at(".livepatch.hooks.load")),
    case("two-preapply", "hooks", contents(".livepatch.hooks.preapply", lambda data: data * 2),
         "hook-size", "EINVAL", at(".livepatch.hooks.preapply")),
    case("two-revert", "hooks", contents(".livepatch.hooks.revert", lambda data: data * 2),
         "hook-size", "EINVAL", at(".livepatch.hooks.revert")),
    case("hook-null", "hooks", reloc(".rela.livepatch.hooks.load", 1, type=R_NONE),
         "hook-pointer", "EINVAL", {"section": ".livepatch.hooks.load", "record": 1}),
    case("hook-in-data", "hooks", reloc(".rela.livepatch.hooks.apply", 0, symbol=".bss"),
         "hook-pointer", "EINVAL", {"section": ".livepatch.hooks.apply", "record": 0}),
    case("hook-in-target", "hooks",
         reloc(".rela.livepatch.hooks.postrevert", 0, symbol="printk", addend=0),
         "hook-pointer", "EINVAL", {"section": ".livepatch.hooks.postrevert", "record": 0}),
]

REACH = [
    case("jump-highest", "hello", new_function_at(0x7FFFFFFF), run=base_for(0x7FFFFFFF)),
    case("jump-above", "hello", new_function_at(0x80000000), "patch-reach", "EOVERFLOW", plan_rec(),
         base_for(0x80000000)),
    case("jump-lowest", "hello", new_function_at(-0x80000000), run=base_for(-0x80000000)),
    case("jump-below", "hello", new_function_at(-0x80000001), "patch-reach", "EOVERFLOW",
         plan_rec(), base_for(-0x80000001)),
    case("call-out-of-reach", "two", nothing, "reloc-overflow", "EOVERFLOW",
         rel(RELA_TEXT, entry_of(R_PLT32, "printk"), "printk"), ("--base", "0x100000000000")),
]

PROFILES = [
    case("xen-hello", "hello", nothing, run=XEN),
    case("xen-hooks", "hooks", nothing, run=XEN),
    case("xen-stacked", "stacked", nothing, run=XEN + ("--after", "hello")),
    case("default-got", "two", nothing),
    case("xen-got", "two", nothing, "reloc-type", "EOPNOTSUPP",
         rel(RELA_TEXT, entry_of(R_REX_GOTPCRELX, "nr_cpu_ids"), "nr_cpu_ids"), XEN),
    case("default-pc64", "relocs", nothing),
    case("xen-32s", "hello", reloc_to(0, R_32S, "small", 1), "reloc-type", "EOPNOTSUPP",
         rel(RELA_TEXT, 0, "small"), XEN),
    case("xen-version-1", "hello", version_1, "record-version", "EOPNOTSUPP", rec(name=None), XEN),
    case("xen-record-name-limit", "hello", record_name(0, "n" * 127), "record-target", "ENOENT",
         rec(0, "n" * 127), XEN),
    case("xen-record-name-too-long", "hello", record_name(0, "n" * 128),
         "record-name-unterminated", "EINVAL", rec(name=None), XEN),
    case("xen-name-offset", "hello", record_name(0, "xen_extra_version+0x0"), "record-target",
         "ENOENT", rec(0, "xen_extra_version+0x0"), XEN),
    case("xen-count-in-section-0", "hello", count_in_section_0, "elf-no-sections", "EINVAL",
         run=XEN),
    case("xen-name-table-in-section-0", "hello", no_table_number, "elf-shstrndx", "EINVAL",
         run=XEN),
    case("xen-symbol-0-none", "hello", reloc(RELA_TEXT, 0, symbol=0, type=R_NONE),
         "reloc-symbol-zero", "EOPNOTSUPP", rel(RELA_TEXT, 0), XEN),
    case("xen-extended-index", "hello", extended_index, "symtab-shndx", "EINVAL", run=XEN),
    case("default-local-exists", "hello", local_name("nr_cpu_ids")),
    case("xen-local-exists", "hello", local_name("nr_cpu_ids"), "symbol-exists", "EEXIST",
         sym("nr_cpu_ids"), XEN),
    case("xen-weak", "hello", new_symbol("no_such_function", info=0x20), "symbol-undefined",
         "ENOENT", sym("no_such_function"), XEN),
    case("default-1024-sections", "hello", many_sections(1024)),
    case("xen-1023-sections", "hello", many_sections(1023), run=XEN),
    case("xen-1024-sections", "hello", many_sections(1024), "elf-too-many-sections", "EINVAL",
         run=XEN),
]

TABLES = {"files": FILES, "headers": HEADERS, "sections": SECTIONS, "specials": SPECIALS,
          "identity": IDENTITY, "symbols": SYMBOLS, "relocs": RELOCS, "records": RECORDS,
          "hooks": HOOKS, "reach": REACH, "profiles": PROFILES}

PLACES = ("section", "relocation", "symbol", "record")


# ---- making the variants and judging them --------------------------------------------------------

def addresses(path):
    """Symbols of the target: the global ones, which are unique."""
    with open(path, "rb") as file:
        target = Elf(file.read())
    return {found.text: found.value for found in target.symbols if found.info >> 4 == 1}


def read_base(payloads, name, target):
    with open(os.path.join(payloads, f"xen_{name}.livepatch"), "rb") as file:
        data = file.read()
    elf = Elf(data)
    elf.target = target
    return data, elf


def variant(row, payloads, target):
    """The variant's bytes, and it as an Elf."""
    data, elf = read_base(payloads, row.base, target)
    if getattr(row.change, "on_bytes", False):
        return row.change(data), elf
    row.change(elf)
    return elf.build(), elf


def make(row, payloads, target):
    """The variant's bytes and the places that its verdict is to name."""
    data, elf = variant(row, payloads, target)
    pristine = read_base(payloads, row.base, target)[1]
    where = settled(row.where(pristine) if callable(row.where) else row.where, pristine)
    expected = {**dict.fromkeys(PLACES), **where}
    if expected["relocation"] is not None:
        offset = elf.relocs(expected["section"])[expected["relocation"]].offset
        expected["offset"] = None if offset == NO_OFFSET else offset
    return data, expected


def judge(tool, target, run, paths):
    """Verdicts of one run of the tool, by file, and whether it ran as it must."""
    done = subprocess.run([tool, "validate", "--json", "--target", target, *run, *paths],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    # An output that breaks off has no newline at its end.
    verdicts = [json.loads(line) for line in done.stdout.split(b"\n")[:-1]]
    refused = any(verdict["verdict"] != "accepted" for verdict in verdicts)
    good = not done.stderr and done.returncode == refused
    if not good:
        print(f"{tool} {' '.join(run)}: exit status {done.returncode}, {len(verdicts)} verdicts on "
              f"{len(paths)} files: {done.stderr.decode(errors='replace')}")
    return {verdict["file"]: verdict for verdict in verdicts}, good


def differences(expected, found):
    """What is wrong with a verdict, in words."""
    if found is None:
        return ["no verdict"]
    wrong = [f"{key} {found.get(key)!r} instead of {value!r}"
             for key, value in expected.items() if found.get(key) != value]
    if wrong or (found["verdict"] == "refused" and not found["message"]):
        wrong.append(f"message {found['message']!r}")
    return wrong


def main():
    tool, target, payloads, out = sys.argv[1:]
    symbols = addresses(target)
    runs = {}
    for table, rows in TABLES.items():
        for row in rows:
            data, expected = make(row, payloads, symbols)
            expected.update(verdict="refused" if row.errno else "accepted", status=row.status,
                            errno=row.errno)
            path = os.path.join(out, f"{table}-{row.name}.livepatch")
            with open(path, "wb") as file:
                file.write(data)
            run = row.run(symbols) if callable(row.run) else row.run
            run = tuple(os.path.join(payloads, f"xen_{word}.livepatch") if previous == "--after"
                        else word for previous, word in zip((None, *run), run))
            if path in runs.setdefault(run, {}):
                sys.exit(f"two rows are called {table}-{row.name}")
            runs[run][path] = expected
    passed = failed = 0
    for run, cases in runs.items():
        verdicts, good = judge(tool, target, run, list(cases))
        passed, failed = passed + good, failed + (not good)
        for path, expected in cases.items():
            wrong = differences(expected, verdicts.get(path))
            passed, failed = passed + (not wrong), failed + bool(wrong)
            if wrong:
                print(f"{os.path.basename(path)}: {', '.join(wrong)}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
