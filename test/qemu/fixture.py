#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Signs an ELF file in the layout xendoc and writes it, with the key, as a C header.

usage: fixture.py KEY.pem PAYLOAD HEADER   (calls openssl)
"""
import hashlib
import subprocess
import sys

MARKER = b"~Module signature appended~\n"


def openssl(*arguments):
    return subprocess.run(("openssl",) + arguments, check=True, capture_output=True).stdout


def array(name, data):
    lines = [", ".join(f"0x{byte:02x}" for byte in data[at:at + 16])
             for at in range(0, len(data), 16)]
    return f"static const uint8_t {name}[] = {{\n    " + ",\n    ".join(lines) + "};\n"


def main():
    key, payload_name, header_name = sys.argv[1:]
    with open(payload_name, "rb") as file:
        payload = file.read()
    signature = openssl("dgst", "-sha256", "-sign", key, payload_name)
    modulus = bytes.fromhex(openssl("rsa", "-in", key, "-noout", "-modulus")
                            .decode().strip().split("=")[1])
    spki = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    key_id = hashlib.sha1(spki).digest()
    header = bytes([1, 4, 1, 0, len(key_id), 0, 0, 0]) + len(signature).to_bytes(4, "big")
    signed = payload + MARKER + header + signature + key_id
    with open(header_name, "w", encoding="ascii") as file:
        file.write(array("fixture_file", signed) + array("fixture_modulus", modulus) +
                   array("fixture_key_id", key_id) +
                   array("fixture_spki", hashlib.sha256(spki).digest()) +
                   f"#define FIXTURE_PAYLOAD_SIZE {len(payload)}\n"
                   f"#define FIXTURE_SIGNATURE_AT {len(payload) + len(MARKER) + len(header)}\n"
                   f"#define FIXTURE_SIGNATURE_SIZE {len(signature)}\n"
                   f"#define FIXTURE_TEXT_AT {payload.index(b'libhotpatch fixture')}\n")


if __name__ == "__main__":
    main()
