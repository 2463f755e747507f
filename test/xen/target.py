# SPDX-License-Identifier: BSD-2-Clause
"""What generated payloads need to know of the hypervisor's image: functions, bytes, tables."""

import bisect
import re
import struct
import subprocess
from collections import namedtuple

from elf64 import SHT_NOBITS, Elf

STT_FUNC, STT_FILE = 2, 4

# `name` as records write it; `plain` is True for global symbols.
Function = namedtuple("Function", "name addr size plain file")

# Never replaced by the tests: they run while the CPUs are stopped, or write the jumps themselves.
NEVER = re.compile(r"mem(cpy|set|cmp|move)|livepatch|stop_machine|nmi|mce|machine_check|do_nmi|"
                   r"apply_alternative|text_poke|init_or_livepatch|arch_|vmap|map_pages|modify_xen|"
                   r"flush_area|double_fault|early|boot|start_|cstar|lstar|panic|cpu_relax")


class Target:
    """A hypervisor's symbol file."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.elf = Elf(file.read())
        self.globals, self.functions, counts, scope = {}, [], {}, ""
        for symbol in self.elf.symbols:
            kind, bind = symbol.info & 15, symbol.info >> 4
            if kind == STT_FILE:
                scope = symbol.text
            if bind == 1 and symbol.shndx:
                self.globals[symbol.text] = symbol.value
            if kind == STT_FUNC and symbol.shndx and symbol.size:
                file = scope if bind == 0 else ""
                name = symbol.text if bind else f"{scope}#{symbol.text}"
                counts[name] = counts.get(name, 0) + 1
                self.functions.append(Function(name, symbol.value, symbol.size, bind == 1, file))
        self.functions = sorted((found for found in self.functions if counts[found.name] == 1),
                                key=lambda found: found.addr)
        text = self.elf.section(".text").header
        self.text = (text["addr"], text["addr"] + text["size"])
        init = [self.elf.section(name).header for name in (".init.text", ".init.data")]
        self.freed = (init[0]["addr"], init[1]["addr"] + init[1]["size"])
        self.fixed = self.table_places()
        self.by_name = {found.name: found for found in self.functions}

    def at(self, addr, size):
        """Bytes of the image; None outside its contents."""
        for section in self.elf.sections[1:]:
            start = addr - section.header["addr"]
            if section.header["type"] != SHT_NOBITS and section.header["addr"] and \
                    0 <= start <= len(section.data) - size:
                return bytes(section.data[start:start + size])
        return None

    def table(self, start, end, form):
        """(address of the entry, its fields) of a table between two symbols."""
        here, end, form = self.globals[start], self.globals[end], struct.Struct(form)
        while here + form.size <= end:
            yield here, form.unpack(self.at(here, form.size))
            here += form.size

    def table_places(self):
        """Sorted addresses of code that tables of the image refer to, so that it must not move."""
        found = []
        for here, fields in self.table("__alt_instructions", "__alt_instructions_end", "<iiHBBBB"):
            found.append(here + fields[0])
        for start, end in (("__start___ex_table", "__stop___ex_table"),
                           ("__start___pre_ex_table", "__stop___pre_ex_table")):
            for here, fields in self.table(start, end, "<ii"):
                found += [here + fields[0], here + 4 + fields[1]]
        start = "__start_bug_frames"
        for kind in range(4):
            end = f"__stop_bug_frames_{kind}"
            for here, fields in self.table(start, end, "<ii" if kind < 3 else "<iiii"):
                # The upper 8 bits hold a part of the line number.
                found.append(here + (fields[0] & 0x7FFFFF) - (fields[0] & 0x800000))
            start = end
        return sorted(found)

    def movable(self, function):
        """Whether nothing refers into the function but calls of it and its own jump tables."""
        index = bisect.bisect_left(self.fixed, function.addr)
        free = index == len(self.fixed) or self.fixed[index] >= function.addr + function.size
        return (free and self.text[0] <= function.addr and
                function.addr + function.size <= self.text[1] and
                not NEVER.search(function.name))

    def symbol_near(self, addr):
        """A symbol and an offset that make up an address: the nearest global one below."""
        if not hasattr(self, "_near"):
            self._near = sorted((value, name) for name, value in self.globals.items()
                                if re.fullmatch(r"[A-Za-z_]\w*", name) and value >= self.text[0] and
                                not self.freed[0] <= value < self.freed[1])
            self._near_addrs = [value for value, _ in self._near]
        value, name = self._near[bisect.bisect_right(self._near_addrs, addr) - 1]
        return name, addr - value

    def disassemble(self, functions):
        """Instructions of functions: {address: [(address, bytes, text), ...]}, by objdump."""
        found = {}
        dump = subprocess.run(["objdump", "-d", "-w", "-z", "-j", ".text", self.path],
                              stdout=subprocess.PIPE, check=True).stdout.decode()
        rows = []
        for line in dump.splitlines():
            parts = line.split("\t")
            if len(parts) >= 3 and parts[0].endswith(":"):
                rows.append((int(parts[0][:-1], 16), bytes.fromhex(parts[1]), parts[2]))
        starts = [row[0] for row in rows]
        for function in functions:
            first = bisect.bisect_left(starts, function.addr)
            last = bisect.bisect_left(starts, function.addr + function.size)
            found[function.addr] = rows[first:last]
        return found
