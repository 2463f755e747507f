# SPDX-License-Identifier: BSD-2-Clause
"""Ways to break a payload, and the places that a verdict then names, as words for mutants.py."""

import struct

import elf64
from elf64 import (SHF_ALLOC, SHN_ABS, SHN_XINDEX, SHT_NOBITS, SHT_PROGBITS, SHT_RELA, SHT_SYMTAB,
                   SHT_SYMTAB_SHNDX, Elf)

RECORD_SIZE = 104
RECORD_FIELDS = {"name": (0, "<Q"), "new_addr": (8, "<Q"), "old_addr": (16, "<Q"),
                 "new_size": (24, "<I"), "old_size": (28, "<I"), "version": (32, "<B"),
                 "opaque": (33, "<B"), "opaque_end": (63, "<B"), "applied": (64, "<B"),
                 "pad": (65, "<B"), "pad_end": (71, "<B"), "expect": (72, "<B"),
                 "expect_data": (73, "<B")}

FUNCS, TEXT, STRINGS = ".livepatch.funcs", ".text", ".rodata.str1.1"
RELA_FUNCS, RELA_TEXT = ".rela.livepatch.funcs", ".rela.text"

R_NONE, R_PC32, R_PLT32, R_GOTPCRELX, R_REX_GOTPCRELX = 0, 2, 4, 41, 42
R_32, R_32S, R_16, R_PC16, R_8, R_PC8 = 10, 11, 12, 13, 14, 15


# ---- ways to change a payload: each returns a function of the Elf --------------------------------

def nothing(_):
    """The payload as it is."""


def both(*changes):
    def apply(elf):
        for change in changes:
            change(elf)
    return apply


def settled(fields, elf):
    """Fields with those computed that depend on the payload."""
    return {key: value(elf) if callable(value) else value for key, value in fields.items()}


def header(**fields):
    """ELF header fields as they are to stand in the file."""
    return lambda elf: elf.raw.update(settled(fields, elf))


def ident(offset, value):
    def apply(elf):
        old = bytearray(elf.header["ident"])
        old[offset] = value
        elf.raw["ident"] = bytes(old)
    return apply


def section(which, **fields):
    """Section header fields as they are to stand in the file; the section by name or index."""
    def apply(elf):
        index = elf.index(which) if isinstance(which, str) else which
        elf.sections[index].raw.update(settled(fields, elf))
    return apply


def flags(which, added=0, removed=0):
    def apply(elf):
        found = elf.section(which)
        found.header["flags"] = found.header["flags"] & ~removed | added
    return apply


def symtab(**fields):
    return lambda elf: elf.symtab().raw.update(settled(fields, elf))


def rename(name, new):
    return lambda elf: elf.rename(name, new)


def contents(name, change):
    """New contents of a section, computed from the old ones."""
    def apply(elf):
        found = elf.section(name)
        found.data = bytearray(change(bytes(found.data)))
    return apply


def poke(name, offset, value):
    def apply(elf):
        elf.section(name).data[offset] = value
    return apply


def flip(name, offset):
    def apply(elf):
        elf.section(name).data[offset] ^= 0xFF
    return apply


def add(name, kind=SHT_PROGBITS, flag=SHF_ALLOC, data=b"", **fields):
    return lambda elf: elf.add_section(name, kind, flag, data, **settled(fields, elf))


def symbol(text, **fields):
    def apply(elf):
        for key, value in settled(fields, elf).items():
            setattr(elf.symbol(text), key, value)
    return apply


def new_symbol(text, where=None, **fields):
    """A further global symbol: undefined, or defined in the section `where`."""
    def apply(elf):
        if where:
            fields["shndx"] = elf.index(where)
        elf.add_symbol(text, **fields)
    return apply


def reloc(name, index, **fields):
    """Fields of a relocation entry; a symbol may be given by name."""
    def apply(elf):
        entry = elf.relocs(name)[index(elf) if callable(index) else index]
        for key, value in settled(fields, elf).items():
            if key == "symbol" and isinstance(value, str):
                value = elf.symbol_index(value)
            setattr(entry, key, value)
    return apply


def entry_of(kind, text):
    """Index of the first entry of .rela.text of that type against that symbol."""
    return lambda elf: next(n for n, entry in enumerate(elf.relocs(RELA_TEXT))
                            if (entry.type, entry.symbol) == (kind, elf.symbol_index(text)))


def reloc_to(index, kind, text, value, offset=0):
    """Makes entry `index` of .rela.text one to a new absolute symbol of that value."""
    def apply(elf):
        number = elf.add_symbol(text, shndx=SHN_ABS, value=value % (1 << 64))
        reloc(RELA_TEXT, index, type=kind, symbol=number, addend=0)(elf)
        elf.relocs(RELA_TEXT)[index].offset = offset
    return apply


def distance(kind, value):
    """A relocation at offset 0 of .text whose PC-relative value is `value`."""
    return reloc(RELA_TEXT, 0, type=kind, symbol=TEXT, offset=0, addend=value)


def record(index, **fields):
    """Fields of a function record in its section."""
    def apply(elf):
        for key, value in settled(fields, elf).items():
            offset, form = RECORD_FIELDS[key]
            struct.pack_into(form, elf.section(FUNCS).data, index * RECORD_SIZE + offset, value)
    return apply


def unrelocated(index, field):
    """Takes the relocation off the name or new_addr of a record, which then stays 0."""
    return reloc(RELA_FUNCS, index * 2 + (field == "new_addr"), type=R_NONE)


def record_name(index, text):
    """Another name for a record, in a section of its own."""
    def apply(elf):
        added = elf.add_section(f".rodata.name{index}", SHT_PROGBITS, SHF_ALLOC,
                                text.encode() + b"\0")
        entry = elf.relocs(RELA_FUNCS)[index * 2]
        entry.symbol = elf.add_symbol(f"name_of_record_{index}", shndx=added)
        entry.addend = 0
    return apply


def version_1(elf):
    """Turns the one record into one of version 1."""
    found = elf.section(FUNCS)
    found.data = found.data[:64]
    found.data[RECORD_FIELDS["version"][0]] = 1


def target_symbol(name):
    """Makes the symbol printk another one of the target."""
    return lambda elf: setattr(elf.symbol("printk"), "name", elf.add_string(elf.strtab(), name))


def extended_index(elf):
    """Gives the symbol of the new function its section through SHT_SYMTAB_SHNDX."""
    wanted = elf.symbol("hello_version")
    table = [0] * len(elf.symbols)
    table[elf.symbol_index("hello_version")] = wanted.shndx
    wanted.shndx = SHN_XINDEX
    elf.add_section(".symtab_shndx", SHT_SYMTAB_SHNDX, 0, struct.pack(f"<{len(table)}I", *table),
                    link=elf.sections.index(elf.symtab()), entsize=4)


def many_sections(count):
    def apply(elf):
        while len(elf.sections) < count:
            elf.add_section(".many", SHT_PROGBITS, 0)
    return apply


def symtab_missing(elf):
    for found in elf.sections:
        if found.header["type"] in (SHT_SYMTAB, SHT_RELA):
            found.raw["type"] = SHT_PROGBITS


def overlapping_relocs(elf):
    """Many relocation sections over the same bytes."""
    elf.build()
    model = dict(elf.section(".rela.rodata.relocs").header)
    for _ in range(30):
        index = elf.add_section(".rela.again", SHT_RELA, 0, align=8)
        elf.sections[index].raw = {key: value for key, value in model.items() if key != "name"}


def larger_headers(elf):
    elf.header["shentsize"] = 80


def local_name(text):
    """Another name for the local symbol of the record."""
    return symbol("hp_patch_hello", name=lambda elf: elf.add_string(elf.strtab(), text))


def new_function_at(distance_of_jump):
    """Puts the new function where the jump, 5 bytes in xen_extra_version, has that displacement."""
    def apply(elf):
        elf.section(TEXT).data += bytes([0x90]) * 8192
        destination = elf.target["xen_extra_version"] + 5 + distance_of_jump
        elf.relocs(RELA_FUNCS)[1].addend = destination % 4096
    return apply


def base_for(distance_of_jump):
    """The option that places a payload for new_function_at()."""
    return lambda target: ("--base", hex((target["xen_extra_version"] + 5 + distance_of_jump)
                                         // 4096 * 4096))


def no_table_number(elf):
    """The name table's index in section 0, as where it is too large for the header."""
    elf.sections[0].raw["link"] = elf.header["shstrndx"]
    elf.raw["shstrndx"] = SHN_XINDEX


def count_in_section_0(elf):
    elf.sections[0].raw["size"] = len(elf.sections)
    elf.raw["shnum"] = 0


def tail(data):
    return lambda elf: setattr(elf, "tail", data)


def bytes_of(change):
    """Marks a change that works on the file's bytes instead of the Elf."""
    change.on_bytes = True
    return change


def elf32(data):
    """The payload as a well-formed 32-bit file of the same machine, without its relocations."""
    elf = Elf(data)
    symbols = b"".join(struct.pack("<IIIBBH", s.name, s.value, s.size, s.info, s.other, s.shndx)
                       for s in elf.symbols)
    headers, body = b"", bytearray(52)
    for found in elf.sections:
        values = dict(found.header, offset=len(body))
        if values["type"] == SHT_SYMTAB:
            found.data, values["entsize"] = symbols, 16
        if values["type"] == SHT_RELA:
            found.data, values["entsize"] = b"", 12
        if values["type"] != SHT_NOBITS:
            values["size"] = len(found.data)
        body += found.data
        headers += struct.pack("<10I", *(values[field] for field in elf64.SHDR_FIELDS))
    body[:52] = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01" + bytes(9), 1, 62, 1, 0, 0,
                            len(body), 0, 52, 0, 0, 40, len(elf.sections), elf.header["shstrndx"])
    return bytes(body) + headers


def last_header_cut(data):
    return data[:-1]


def half(data):
    return data[:len(data) // 2]


# ---- expected places -----------------------------------------------------------------------------

def at(name):
    return {"section": name}


def sym(text):
    return {"symbol": text}


def rel(name, index, text=None):
    return {"section": name, "relocation": index, **({"symbol": text} if text else {})}


def rec(index=0, name="xen_extra_version"):
    return {"section": FUNCS, "record": index, **({"symbol": name} if name else {})}


def plan_rec(index=0, name="xen_extra_version"):
    """A record whose defect shows against the target's code, when its section is done with."""
    return {"record": index, "symbol": name}


def index_of(name):
    """A section that has no name yet where the defect is found."""
    return lambda elf: {"section": elf.index(name)}


def symbol_index_of(text):
    """A symbol that has no readable name."""
    return lambda elf: {"symbol": elf.symbol_index(text)}


def own_rec(elf):
    """The first record, by the name that the build gave it."""
    entry = elf.relocs(RELA_FUNCS)[0]
    strings = elf.sections[elf.symbols[entry.symbol].shndx].data
    return rec(0, elf64.text_at(strings, elf.symbols[entry.symbol].value + entry.addend))
