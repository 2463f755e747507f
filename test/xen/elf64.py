# SPDX-License-Identifier: BSD-2-Clause
"""Reads, changes and writes 64-bit little-endian ELF files; what it writes may be broken."""

import struct

EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
EHDR_FIELDS = ("ident", "type", "machine", "version", "entry", "phoff", "shoff", "flags", "ehsize",
               "phentsize", "phnum", "shentsize", "shnum", "shstrndx")
SHDR = struct.Struct("<IIQQQQIIQQ")
SHDR_FIELDS = ("name", "type", "flags", "addr", "offset", "size", "link", "info", "align",
               "entsize")
SYM = struct.Struct("<IBBHQQ")
SYM_FIELDS = ("name", "info", "other", "shndx", "value", "size")
RELA = struct.Struct("<QQq")

SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA = range(5)
SHT_NOTE, SHT_NOBITS, SHT_REL, SHT_SYMTAB_SHNDX = 7, 8, 9, 18
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_MERGE, SHF_COMPRESSED = 1, 2, 4, 0x10, 0x800
SHN_ABS, SHN_COMMON, SHN_XINDEX = 0xFFF1, 0xFFF2, 0xFFFF


def text_at(table, offset):
    """The NUL-terminated string at an offset of a string table."""
    return bytes(table[offset:table.index(0, offset)]).decode()


class Section:
    """A section: header fields, name and contents. Fields in `raw` are written as they stand."""

    def __init__(self, header, name, data):
        self.header = header
        self.name = name
        self.data = bytearray(data)
        self.raw = {}


class Symbol:
    """A symbol table entry; `text` is the name."""

    def __init__(self, values, text):
        for field, value in zip(SYM_FIELDS, values):
            setattr(self, field, value)
        self.text = text

    def pack(self):
        return SYM.pack(*(getattr(self, field) for field in SYM_FIELDS))


class Reloc:
    """A RELA entry."""

    def __init__(self, offset, kind, symbol, addend):
        self.offset, self.type, self.symbol, self.addend = offset, kind, symbol, addend

    def pack(self):
        return RELA.pack(self.offset, self.symbol << 32 | self.type, self.addend)


class Elf:
    """An ELF file as lists that may be changed freely before build()."""

    def __init__(self, data):
        self.header = dict(zip(EHDR_FIELDS, EHDR.unpack_from(data)))
        self.raw = {}
        self.tail = b""
        headers = []
        for index in range(self.header["shnum"]):
            at = self.header["shoff"] + index * self.header["shentsize"]
            headers.append(dict(zip(SHDR_FIELDS, SHDR.unpack_from(data, at))))
        names = headers[self.header["shstrndx"]]
        names = data[names["offset"]:names["offset"] + names["size"]]
        self.sections = []
        for header in headers:
            has_data = header["type"] not in (SHT_NULL, SHT_NOBITS)
            end = header["offset"] + (header["size"] if has_data else 0)
            self.sections.append(Section(header, text_at(names, header["name"]),
                                         data[header["offset"]:end]))
        self._symbols = None
        self._relocs = {}

    def index(self, name):
        """Index of the first section of that name."""
        return next(i for i, s in enumerate(self.sections) if i and s.name == name)

    def section(self, name):
        return self.sections[self.index(name)]

    def symtab(self):
        return next(s for s in self.sections if s.header["type"] == SHT_SYMTAB)

    def strtab(self):
        return self.sections[self.symtab().header["link"]]

    @property
    def symbols(self):
        """The symbols; changes are written by build()."""
        if self._symbols is None:
            strings = self.strtab().data
            self._symbols = [Symbol(values, text_at(strings, values[0]))
                             for values in SYM.iter_unpack(self.symtab().data)]
        return self._symbols

    def symbol_index(self, text):
        """Index of the first symbol of that name; of a section symbol by the section's name."""
        for index, symbol in enumerate(self.symbols):
            if symbol.info & 15 == 3 and self.sections[symbol.shndx].name == text:
                return index
            if symbol.info & 15 != 3 and symbol.text == text:
                return index
        raise KeyError(text)

    def symbol(self, text):
        return self.symbols[self.symbol_index(text)]

    def relocs(self, name):
        """The entries of a RELA section; changes are written by build()."""
        if name not in self._relocs:
            self._relocs[name] = [Reloc(offset, info & 0xFFFFFFFF, info >> 32, addend)
                                  for offset, info, addend
                                  in RELA.iter_unpack(self.section(name).data)]
        return self._relocs[name]

    def add_string(self, table, text):
        """Appends a string to a string table; returns its offset."""
        offset = len(table.data)
        table.data += text.encode() + b"\0"
        return offset

    def rename(self, name, new):
        section = self.section(name)
        section.name = new
        section.header["name"] = self.add_string(self.sections[self.header["shstrndx"]], new)

    def add_section(self, name, kind, flags, data=b"", **fields):
        """Appends a section; returns its index."""
        header = dict.fromkeys(SHDR_FIELDS, 0)
        header.update(type=kind, flags=flags, align=1)
        header.update(fields)
        header["name"] = self.add_string(self.sections[self.header["shstrndx"]], name)
        self.sections.append(Section(header, name, data))
        return len(self.sections) - 1

    def add_symbol(self, text, info=0x10, shndx=0, value=0, size=0):
        """Appends a symbol (by default an undefined global one); returns its index."""
        symbols = self.symbols
        symbols.append(Symbol((self.add_string(self.strtab(), text), info, 0, shndx, value, size),
                              text))
        return len(symbols) - 1

    def build(self):
        """The file's bytes: header, contents, section headers, tail."""
        if self._symbols is not None:
            self.symtab().data = bytearray(b"".join(s.pack() for s in self._symbols))
        for name, relocs in self._relocs.items():
            self.section(name).data = bytearray(b"".join(r.pack() for r in relocs))
        out = bytearray(EHDR.size)
        for section in self.sections[1:]:
            header = section.header
            out += bytes(-len(out) % max(header["align"], 1))
            header["offset"] = len(out)
            if header["type"] != SHT_NOBITS:
                header["size"] = len(section.data)
                out += section.data
        out += bytes(-len(out) % 8)
        self.header.update(shoff=len(out), shnum=len(self.sections))
        self.header.update(self.raw)
        out[:EHDR.size] = EHDR.pack(*(self.header[field] for field in EHDR_FIELDS))
        for section in self.sections:
            values = {**section.header, **section.raw}
            out += SHDR.pack(*(values[field] for field in SHDR_FIELDS))
            out += bytes(max(self.header["shentsize"] - SHDR.size, 0))
        return bytes(out + self.tail)
