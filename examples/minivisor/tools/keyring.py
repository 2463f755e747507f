#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the key ring that is built into the minivisor: keyring.py CERTIFICATE OUT

OUT is assembler with the modulus of the certificate's RSA key, and its subject key identifier.
"""
import subprocess
import sys


def openssl(*args):
    return subprocess.run(["openssl", "x509", "-in", sys.argv[1], "-noout", *args], check=True,
                          capture_output=True, text=True).stdout


def main():
    modulus = openssl("-modulus").strip().split("=")[1]
    key_id = openssl("-ext", "subjectKeyIdentifier").splitlines()[1].strip().replace(":", "")
    with open(sys.argv[2], "w", encoding="ascii") as file:
        file.write('/* Made by keyring.py. */\n.section .rodata, "a"\n')
        for name, value in (("mv_key_modulus", modulus), ("mv_key_id", key_id)):
            file.write(f".globl {name}, {name}_end\n{name}:\n"
                       f".byte {', '.join(map(str, bytes.fromhex(value)))}\n{name}_end:\n")
        file.write('.section .note.GNU-stack, "", %progbits\n')


main()
