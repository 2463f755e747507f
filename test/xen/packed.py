# SPDX-License-Identifier: BSD-2-Clause
"""Payloads as "hotpatch pack" makes them for the real Xen, as they come and signed."""

import os
import subprocess

from generate import case

# Everything that an author writes.
SOURCE = """\
#include <hotpatch/payload.h>

static const char *packed_version(void)
{
    return "Packed world";
}

HP_PATCH_FUNCTION(packed, "xen_extra_version", packed_version, 0);
"""

FLAGS = ("-std=c11", "-O2", "-ffreestanding", "-fpic", "-fno-common", "-fno-stack-protector",
         "-fno-asynchronous-unwind-tables", "-fcf-protection=none", "-mno-red-zone", "-mno-sse")


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout.decode()}")


def packed(tool, target, work):
    """From the C file to a payload, with expected bytes; then the same with a signature behind it."""
    here = os.path.dirname(os.path.abspath(__file__))
    out = os.path.join(work, "packed")
    os.makedirs(out, exist_ok=True)
    source, made, key, cert, ring = (os.path.join(out, name) for name in
                                     ("packed.c", "packed.o", "key.pem", "cert.pem", "ring"))
    with open(source, "w", encoding="ascii") as file:
        file.write(SOURCE)
    run("gcc", *FLAGS, f"-I{os.path.join(here, '..', '..', 'include')}", "-c", "-o", made, source)
    os.makedirs(ring, exist_ok=True)
    run("openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", key, "-out", cert,
        "-days", "2", "-subj", "/CN=author")
    run("openssl", "x509", "-in", cert, "-out", os.path.join(ring, "author.pem"))
    plain, signed = (os.path.join(out, name) for name in ("plain", "signed"))
    pack = (tool, "pack", "--target", target, "--profile", "xen-4.17", "--expect")
    run(*pack, "-o", plain, made)
    run(*pack, "--key", key, "--cert", cert, "-o", signed, made)
    run(tool, "verify", "--keyring", ring, signed)
    for path in (plain, signed):
        yield case(f"packed-{os.path.basename(path)}", [path], {"extra": "Packed world"})
