#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Signs payloads for the minivisor, and makes the key ring that is built into it.

    sign.py keyring KEY OUT    the public half of an RSA key, as assembler
    sign.py sign KEY IN OUT    a payload with a signature behind it, in the layout "xendoc"

KEY is a private key in PEM. The key's identifier is the SHA-1 of its RSAPublicKey, as in a
certificate (RFC 5280, section 4.2.1.2).
"""
import hashlib
import struct
import subprocess
import sys

SIGNER = b"minivisor"
MARKER = b"~Module signature appended~\n"
ALGO_RSA, HASH_SHA256, ID_X509 = 1, 4, 1


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True, capture_output=True).stdout


def key_id(key):
    der = openssl("rsa", "-in", key, "-RSAPublicKey_out", "-outform", "DER")
    return hashlib.sha1(der).digest()


def keyring(key, out):
    modulus = openssl("rsa", "-in", key, "-noout", "-modulus").decode().strip().split("=")[1]
    parts = {"mv_key_modulus": bytes.fromhex(modulus), "mv_key_id": key_id(key)}
    with open(out, "w", encoding="ascii") as file:
        file.write('/* Made by sign.py. */\n.section .rodata, "a"\n')
        for name, value in parts.items():
            file.write(f".globl {name}, {name}_end\n{name}:\n.byte {', '.join(map(str, value))}\n"
                       f"{name}_end:\n")
        file.write('.section .note.GNU-stack, "", %progbits\n')


def sign(key, path, out):
    with open(path, "rb") as file:
        payload = file.read()
    signature = openssl("dgst", "-sha256", "-sign", key, data=payload)
    identifier = key_id(key)
    header = struct.pack(">BBBBB3xI", ALGO_RSA, HASH_SHA256, ID_X509, len(SIGNER), len(identifier),
                         len(signature))
    with open(out, "wb") as file:
        file.write(payload + MARKER + header + signature + identifier + SIGNER)


{"keyring": keyring, "sign": sign}[sys.argv[1]](*sys.argv[2:])
