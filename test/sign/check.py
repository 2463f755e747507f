#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks the signing commands of the hotpatch tool on the files that run.sh made.

usage: check.py HOTPATCH [SAMPLES], in the folder with the files
"""

import glob
import hashlib
import json
import os
import pty
import resource
import shutil
import signal
import stat
import struct
import subprocess
import sys

HOTPATCH = sys.argv[1]
SAMPLES = sys.argv[2] if len(sys.argv) > 2 else ""
SIGN_FILE = "/usr/lib/linux-kbuild-6.1/scripts/sign-file"
MARKER = b"~Module signature appended~\n"
HASHES = ("sha256", "sha384", "sha512")
KEYS = ("rsa2048", "rsa3072", "rsa4096", "p256", "p384")

failures = []
passed = 0


def equal(name, got, want):
    """Counts one check."""
    global passed
    if got == want:
        passed += 1
    else:
        failures.append(name)
        print(f"FAIL {name}\n  got  {got!r}\n  want {want!r}")


def run(*args, env=None, **how):
    """Runs the tool without a terminal; returns exit status, output and error output."""
    done = subprocess.run([HOTPATCH, *args], stdin=subprocess.DEVNULL, capture_output=True,
                          check=False, timeout=120, start_new_session=True,
                          env=None if env is None else {**os.environ, **env}, **how)
    return (done.returncode, done.stdout.decode(errors="backslashreplace"),
            done.stderr.decode(errors="backslashreplace"))


def output_of(*command, **how):
    """Output of another program, which must succeed."""
    return subprocess.run(command, capture_output=True, check=True, **how).stdout


def write_file(name, data):
    with open(name, "wb") as file:
        file.write(data)
    return name


def read_file(name):
    with open(name, "rb") as file:
        return file.read()


def verdicts(files, keyring="ring", options=()):
    """What verify says of each file, by name; and the exit status of the whole."""
    code, out, err = run("verify", "--keyring", keyring, "--json", *options, *files)
    if err:
        return code, err
    return code, [json.loads(line) for line in out.splitlines()]


def judge(name, data, status, code, offset=None, keyring="ring", options=()):
    """Checks the verdict on one file: status, exit status and, where given, the place."""
    got, lines = verdicts([write_file("judged", data)], keyring, options)
    verdict = {0: "verified", 1: "refused", 3: "unsigned"}[code]
    equal(name, (got, [(line["status"], line["verdict"]) for line in lines]),
          (code, [(status, verdict)]))
    if offset is not None:
        equal(f"{name}: place", lines[0]["offset"], offset)


def sign_args(key, cert=None, output="signed"):
    return ["sign", "--key", f"{key}.key", "--cert", f"{cert or key}.pem", "-o", output]


def sign(key, *options, cert=None, source="payload", output="signed"):
    """Signs, which must succeed, and returns what came out."""
    equal(f"sign {key} {' '.join(options)}",
          run(*sign_args(key, cert, output), *options, source), (0, "", ""))
    return read_file(output)


def by_sign_file(hash_name, key, *options, source="payload"):
    """The payload signed by Linux's sign-file."""
    output_of(SIGN_FILE, *options, hash_name, f"{key}.key", f"{key}.pem", source, "by-linux")
    return read_file("by-linux")


def header_at(data, at):
    """Signature size, key id size and signer size of a header."""
    fields = struct.unpack(">5B3xI", data[at:at + 12])
    return fields[5], fields[4], fields[3]


def make_rings():
    os.mkdir("ring")
    for key in KEYS:
        shutil.copy(f"{key}.pem", f"ring/{key}.pem")
    # What is no certificate by its name plays no part.
    for name in ("README", "rsa2048.key", ".hidden.pem"):
        write_file(f"ring/{name}", b"no certificate")


# ---- verifying what others signed ---------------------------------------------------------------

def check_sign_file():
    """Linux's sign-file with each key and digest: ours verifies; the same bytes come from ours."""
    payload = read_file("payload")
    for key in KEYS:
        for name in HASHES:
            theirs = by_sign_file(name, key)
            code, lines = verdicts([write_file("theirs", theirs)])
            equal(f"sign-file {key} {name}",
                  (code, [[line[field] for field in ("status", "format", "hash", "key", "signer",
                                                     "payload_size", "offset", "message")]
                          for line in lines]),
                  (0, [["ok", "linux", name, key, None, len(payload), None, None]]))
            ours = sign(key, "--format", "linux", "--hash", name, "--allow-weak-key")
            # RSA gives the same number each time, ECDSA does not.
            if key.startswith("rsa"):
                equal(f"as sign-file {key} {name}", ours == theirs, True)
            equal(f"ours {key} {name}", verdicts(["signed"])[0], 0)
    for name in ("sha1", "sha224", "md5"):
        judge(f"sign-file {name}", by_sign_file(name, "rsa2048"), "signature-policy", 1)
    judge("sign-file with a key that is not trusted", by_sign_file("sha256", "other"),
          "key-unknown", 1)
    judge("sign-file by key id", by_key_id("rsa2048"), "ok", 0)


def by_key_id(key):
    """A CMS whose signer is given by key id, by openssl."""
    der = output_of("openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-nosmimecap",
                    "-keyid", "-md", "sha256", "-signer", f"{key}.pem", "-inkey", f"{key}.key",
                    "-outform", "DER", "-in", "payload")
    return linux_layout(der)


def linux_layout(der):
    return read_file("payload") + der + struct.pack(">5B3xI", 0, 0, 2, 0, 0, len(der)) + MARKER


def cms(*options, key="rsa2048"):
    return linux_layout(output_of(
        "openssl", "cms", "-sign", "-binary", "-md", "sha256", "-signer", f"{key}.pem", "-inkey",
        f"{key}.key", "-outform", "DER", "-in", "payload", *options))


def raw_signature(key, digest, name="sha256"):
    """A signature over a digest, as an off-line signer makes it."""
    write_file("digest", digest)
    return output_of("openssl", "pkeyutl", "-sign", "-inkey", f"{key}.key", "-in", "digest",
                     "-pkeyopt", f"digest:{name}")


def check_other_layouts():
    payload = read_file("payload")
    signature = raw_signature("rsa2048", hashlib.sha256(payload).digest())
    key_id = bytes.fromhex(output_of("openssl", "x509", "-in", "rsa2048.pem", "-noout", "-ext",
                                     "subjectKeyIdentifier").decode().split("\n")[1].strip()
                           .replace(":", ""))
    signer = b"somebody"

    def header(size, id_type=1):
        return struct.pack(">5B3xI", 1, 4, id_type, len(signer), len(key_id), size)

    bare = payload + MARKER + header(256) + signature + key_id + signer
    judge("xendoc by hand", bare, "ok", 0)
    judge("xendoc with a length", payload + MARKER + header(258) + b"\x01\x00" + signature +
          key_id + signer, "ok", 0)
    judge("xendoc with a wrong length", payload + MARKER + header(258) + b"\x01\x01" + signature +
          key_id + signer, "signature-malformed", 1)
    judge("linux37", payload + signer + key_id + b"\x01\x00" + signature + header(258) + MARKER,
          "signature-unsupported", 1, len(payload) + len(signer) + len(key_id) + 258)
    write_file("raw", signature)
    judge("sign-file -s", by_sign_file_raw("raw"), "signature-malformed", 1)
    once = by_sign_file("sha256", "rsa2048")
    write_file("once", once)
    judge("signed twice", by_sign_file("sha256", "p256", source="once"), "signature-malformed", 1)
    judge("xendoc and linux", by_sign_file("sha256", "p256", source=write_file("both", bare)),
          "signature-malformed", 1)
    judge("CMS with attributes", cms("-nocerts"), "signature-policy", 1)
    judge("CMS with certificates", cms("-noattr", "-nosmimecap"), "signature-policy", 1)
    judge("CMS with the content", cms("-noattr", "-nocerts", "-nodetach"), "signature-policy", 1)
    judge("CMS with PSS", cms("-noattr", "-nocerts", "-keyopt", "rsa_padding_mode:pss"),
          "signature-policy", 1)
    judge("CMS as sign-file's", cms("-noattr", "-nocerts"), "ok", 0)
    judge("nothing after the ELF file", payload, "unsigned", 3)
    judge("the marker without its last byte", payload + MARKER[:-1], "unsigned", 3, len(payload))
    judge("a byte after the ELF file", payload + b"\0", "signature-malformed", 1, len(payload))
    judge("no ELF file", b"#!/bin/sh\n", "elf-magic", 1)
    judge("an empty file", b"", "file-empty", 1)


def by_sign_file_raw(name):
    output_of(SIGN_FILE, "-s", name, "sha256", "rsa2048.pem", "payload", "by-linux")
    return read_file("by-linux")


# ---- tampering ----------------------------------------------------------------------------------

def flipped_statuses(data, start, end, mask):
    """The exit status, and the statuses when each byte of the range is changed in turn."""
    os.makedirs("flips", exist_ok=True)
    files = []
    for at in range(start, end):
        changed = bytearray(data)
        changed[at] ^= mask
        files.append(write_file(f"flips/{at}", bytes(changed)))
    code, lines = verdicts(files)
    for name in files:
        os.unlink(name)
    return code, [line["status"] for line in lines]


def flips(name, data, start, end, want, mask=0x40):
    code, got = flipped_statuses(data, start, end, mask)
    equal(f"{name} changed", (code, sorted(set(got)), len(got)),
          (0 if want == {"ok"} else 1, sorted(want), end - start))


def check_tampering_xendoc():
    data = sign("rsa3072", "--hash", "sha384")
    end = len(read_file("payload"))
    at = end + len(MARKER)
    signature_size, key_id_size, signer_size = header_at(data, at)
    equal("sizes", (signature_size, key_id_size, signer_size), (384, 20, len("rsa3072")))
    code, got = flipped_statuses(data, 0, end, 1)
    equal("payload changed", (code, "ok" in got, got.count("signature-bad") > end / 2, len(got)),
          (1, False, True, end))
    flips("marker", data, end, at, {"signature-malformed"})
    for offset, mask, status in ((0, 1, "signature-policy"), (0, 2, "signature-unsupported"),
                                 (1, 1, "signature-bad"), (1, 7, "signature-policy"),
                                 (1, 0x10, "signature-unsupported"), (2, 1, "signature-unsupported"),
                                 (2, 3, "signature-malformed"), (2, 2, "signature-unsupported"),
                                 (3, 8, "signature-truncated"), (3, 1, "signature-malformed"),
                                 (4, 1, "signature-truncated"), (4, 4, "signature-malformed"),
                                 (5, 1, "signature-malformed"), (6, 1, "signature-malformed"),
                                 (7, 0x80, "signature-malformed"), (8, 1, "signature-truncated"),
                                 (9, 1, "signature-truncated"), (10, 1, "signature-malformed"),
                                 (11, 1, "signature-truncated")):
        changed = bytearray(data)
        changed[at + offset] ^= mask
        judge(f"header byte {offset} changed by {mask}", bytes(changed), status, 1)
    at += 12
    flips("signature", data, at, at + signature_size, {"signature-bad"})
    at += signature_size
    flips("key id", data, at, at + key_id_size, {"key-unknown"})
    at += key_id_size
    # Nobody signs the signer's text, and nothing relies on it.
    flips("signer", data, at, len(data), {"ok"})
    judge("a byte too many", data + b"\0", "signature-malformed", 1)
    for cut in (1, signer_size, signer_size + key_id_size, len(data) - end - 28 - 11):
        judge(f"{cut} bytes cut", data[:-cut], "signature-truncated", 1)
    judge("lengths that add up to no signature",
          data[:end + 28] + struct.pack(">5B3xI", 1, 5, 1, 0, 0, 0), "signature-malformed", 1)


def check_tampering_linux():
    data = by_sign_file("sha256", "rsa4096")
    end = len(read_file("payload"))
    header = len(data) - len(MARKER) - 12
    signature = header - 512
    for mask in (1, 0x80):
        code, got = flipped_statuses(data, end, signature, mask)
        equal(f"CMS changed by {mask}", (code, "ok" in got, set(got) <= {
            "signature-malformed", "signature-unsupported", "signature-policy", "signature-bad",
            "key-unknown"}), (1, False, True))
    flips("signature in the CMS", data, signature, header, {"signature-bad"}, 1)
    flips("header", data, header, header + 2, {"signature-malformed"})
    flips("id type", data, header + 2, header + 3, {"signature-unsupported"})
    flips("other fields", data, header + 3, header + 8, {"signature-malformed"})
    flips("length", data, header + 8, header + 10, {"signature-truncated"})
    flips("marker at the end", data, header + 12, len(data) - 1, {"signature-malformed"})
    # What comes before is the marker without its last byte, but it does not end the file.
    judge("last byte of the marker changed", data[:-1] + b"\r", "signature-malformed", 1)
    judge("last byte of the marker missing", data[:-1], "unsigned", 3)
    for key in ("p256", "p384"):
        signed = by_sign_file("sha256", key)
        last = len(signed) - len(MARKER) - 12
        code, got = flipped_statuses(signed, last - 60, last, 1)
        equal(f"{key} signature changed", (code, set(got) <= {"signature-bad"}), (1, True))


# ---- what ours signs ----------------------------------------------------------------------------

def check_interoperation():
    payload = read_file("payload")
    for key, options in (("rsa3072", ()), ("rsa4096", ()), ("p256", ()), ("p384", ("--hash", "sha384"))):
        data = sign(key, "--format", "linux", *options, output="ours.ko")
        equal(f"payload of {key}", data.startswith(payload) and data.endswith(MARKER), True)
        write_file("der", data[len(payload):-40])
        done = subprocess.run(["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in",
                               "der", "-content", "payload", "-certfile", f"{key}.pem", "-CAfile",
                               f"{key}.pem", "-purpose", "any", "-out", "content"],
                              capture_output=True, check=False)
        equal(f"openssl cms -verify {key}",
              (done.returncode, read_file("content") == payload), (0, True))
        shown = dict(line.split(":", 1) for line in output_of(
            "modinfo", os.path.abspath("ours.ko")).decode(errors="replace").splitlines()
                     if ":" in line)
        equal(f"modinfo {key}", (shown["sig_id"].strip(), shown["signer"].strip(),
                                 shown["sig_hashalgo"].strip()),
              ("PKCS#7", key, options[1] if options else "sha256"))
        data = sign(key, *options) if key.startswith("rsa") else b""
        at = len(payload) + len(MARKER) + 12
        if data:
            write_file("signature", data[at:at + header_at(data, at - 12)[0]])
            equal(f"openssl pkeyutl -verify {key}", output_of(
                "openssl", "dgst", "-sha256", "-verify", public(key), "-signature", "signature",
                "payload", text=True), "Verified OK\n")


def public(key):
    return write_file("public", output_of("openssl", "pkey", "-in", f"{key}.key", "-pubout"))


def check_layouts():
    data = sign("rsa3072")
    code, lines = verdicts(["signed"])
    key_hash = hashlib.sha256(output_of("openssl", "pkey", "-in", "rsa3072.key", "-pubout",
                                        "-outform", "DER")).hexdigest()
    key_id = lines[0].pop("key_id")
    equal("verdict as JSON", (code, lines), (0, [{
        "file": "signed", "verdict": "verified", "status": "ok", "errno": None, "key": "rsa3072",
        "key_sha256": key_hash, "algorithm": "rsa", "format": "xendoc", "scheme": "rsa",
        "hash": "sha256", "issuer": None, "serial": None, "signer": "rsa3072",
        "payload_size": len(read_file("payload")), "offset": None, "message": None}]))
    equal("verdict as text", run("verify", "--keyring", "ring", "signed"), (
        0, f'signed: verified: by "rsa3072", xendoc, rsa, sha256, key {key_hash}\n', ""))
    equal("claim", run("sig", "show", "signed"), (
        0, f'signed: xendoc, rsa, sha256, key id {key_id}, signer "rsa3072" (not verified)\n', ""))
    equal("claim as JSON", json.loads(run("sig", "show", "--json", "signed")[1])["key_id"], key_id)
    equal("inspect", [text in run("inspect", "--keyring", "ring", "signed")[1] for text in (
        "\nsignature    present, verified (451 bytes follow the ELF file)\n",
        f'\nclaims       xendoc, rsa, sha256, key id {key_id}, signer "rsa3072"\n',
        '\nsigned by    "rsa3072"\n')], [True] * 3)
    equal("inspect without a key ring", "\nsignature    present, not verified (451 bytes" in
          run("inspect", "signed")[1], True)
    shown = json.loads(run("inspect", "--json", "--keyring", "ring", "signed")[1])["signed"]
    equal("inspect as JSON", (shown["verified"], shown["status"], shown["key"], shown["signer"]),
          (True, "ok", "rsa3072", "rsa3072"))
    changed = bytearray(data)
    changed[len(read_file("payload")) + 60] ^= 1
    write_file("changed", bytes(changed))
    code, out, err = run("inspect", "--keyring", "ring", "changed")
    equal("inspect an altered one", (code, "present, refused" in out, "signed by" in out, err),
          (1, True, False, "changed: refused: signature-bad: the payload or its signature is not "
           f"what the key signed: file offset {len(read_file('payload')) + 40:#x}\n"))
    data = sign("rsa3072", cert="odd")
    code, out, err = run("sig", "show", "signed")
    equal("an odd signer is escaped", (code, '"odd"\\x1b[31m"' in out, "\033" in out, err),
          (0, True, False, ""))
    code, out, _ = run("verify", "--keyring", "odd.pem", "signed")
    equal("an odd name is escaped", (code, 'by "odd"\\x1b[31m"' in out, "\033" in out),
          (0, True, False))
    sign("rsa3072", "--format", "linux", cert="odd")
    equal("an odd issuer is escaped", "\033" in run("sig", "show", "signed")[1], False)


def check_resign():
    first = sign("rsa3072")
    for source in (first, by_sign_file("sha256", "p256"), first[:-1], first + b"\0"):
        write_file("source", source)
        write_file("kept", b"as it was")
        code, out, err = run(*sign_args("rsa4096", output="kept"), "source")
        equal("already signed", (code, out, err.startswith(
            "hotpatch: source: refused: already-signed: "), read_file("kept")),
            (1, "", True, b"as it was"))
        equal("--resign", sign("rsa4096", "--resign", source="source") == sign("rsa4096"), True)
        equal("sig strip", (run("sig", "strip", "-o", "stripped", "source"),
                            read_file("stripped") == read_file("payload")), ((0, "", ""), True))
    code, _, err = run("sig", "strip", "-o", "kept", "payload")
    equal("nothing to strip", (code, "unsigned" in err, read_file("kept")), (3, True, b"as it was"))
    write_file("source", read_file("payload") + b"garbage")
    for args in (["sig", "strip", "-o", "kept"], sign_args("rsa4096", output="kept"),
                 [*sign_args("rsa4096", output="kept"), "--resign"]):
        code, _, err = run(*args, "source")
        equal(f"{args[0]}: bytes that are no signature", (code, "refused" in err,
              read_file("kept")), (1, True, b"as it was"))
    equal("show unsigned", run("sig", "show", "payload"), (3, "payload: unsigned\n", ""))
    equal("show garbage", run("sig", "show", "source")[0], 1)


def check_offline():
    """The digest goes out, the signature comes back."""
    payload = read_file("payload")
    for key, name, form in (("rsa3072", "sha256", "xendoc"), ("rsa4096", "sha512", "linux"),
                            ("p256", "sha256", "linux"), ("p384", "sha384", "linux"),
                            ("p256", "sha512", "linux")):
        equal("digest", (run("sign", "--digest-only", "--hash", name, "-o", "out", "payload"),
                         read_file("out") == hashlib.new(name, payload).digest()),
              ((0, "", ""), True))
        write_file("raw", raw_signature(key, read_file("out"), name))
        attach = ["sig", "attach", "--signature", "raw", "--cert", f"{key}.pem", "--format", form,
                  "--hash", name, "-o", "signed"]
        equal(f"attach {key} {name} {form}", (run(*attach, "payload"), verdicts(["signed"])[0]),
              ((0, "", ""), 0))
        write_file("signed", b"as it was")
        raw = bytearray(read_file("raw"))
        raw[-1] ^= 1
        write_file("raw", bytes(raw))
        code, _, err = run(*attach, "payload")
        equal(f"attach another {key} signature", (code, "signature-bad" in err,
              read_file("signed")), (1, True, b"as it was"))
    write_file("raw", raw_signature("rsa3072", hashlib.sha256(payload + b"x").digest()))
    attach = ["sig", "attach", "--signature", "raw", "--cert", "rsa3072.pem", "-o", "signed"]
    for bad in (read_file("raw"), b"", b"x", bytes(383), bytes(385), bytes(100000)):
        write_file("raw", bad)
        code, _, err = run(*attach, "payload")
        equal("attach what is none", (code, read_file("signed"), "refused" in err),
              (1, b"as it was", True))


# ---- keys, certificates and policies ------------------------------------------------------------

def check_keys():
    write_file("kept", b"as it was")
    refusals = (
        ("rsa2048", "rsa2048", (), 1, "key-weak"), ("rsa1024", "rsa1024", (), 1, "key-weak"),
        ("rsa1024", "rsa1024", ("--allow-weak-key",), 1, "key-weak"),
        ("exponent3", "exponent3", ("--allow-weak-key",), 1, "key-weak"),
        ("p256", "p256", (), 1, "signature-unsupported"),
        ("p521", "p521", ("--format", "linux"), 2, "neither RSA"),
        ("ed25519", "ed25519", ("--format", "linux"), 2, "neither RSA"),
        ("rsa3072", "server", (), 1, "certificate-usage"),
        ("rsa3072", "authority", (), 1, "certificate-usage"),
        ("rsa4096", "expired", (), 1, "certificate-expired"),
        ("rsa3072", "future", (), 1, "certificate-expired"),
        ("rsa3072", "no-id", (), 1, "key-invalid"),
        ("rsa3072", "rsa4096", (), 2, "the private key is not that of the certificate"),
        ("p256", "rsa4096", (), 2, "the private key is not that of the certificate"))
    for key, cert, options, want, text in refusals:
        code, out, err = run(*sign_args(key, cert, "kept"), *options, "payload")
        equal(f"sign with {key} and {cert} {options}",
              (code, out, text in err, err.count("\n"), read_file("kept")),
              (want, "", True, 1, b"as it was"))
    sign("rsa2048", "--allow-weak-key")
    equal("a weak key signed all the same", verdicts(["signed"])[0], 0)
    sign("rsa3072", "--format", "linux", cert="no-id")
    for cert in ("any-usage", "both-usages"):
        sign("rsa3072", cert=cert)
    equal("certificate in DER", run("sign", "--key", "key.der", "--cert", "rsa3072.der", "-o",
                                    "signed", "payload"), (0, "", ""))
    write_file("bundle.pem", read_file("rsa3072.key") + read_file("rsa3072.pem"))
    equal("key and certificate in one file", run(
        "sign", "--key", "bundle.pem", "--cert", "bundle.pem", "-o", "signed", "payload"),
        (0, "", ""))
    write_file("two.pem", read_file("rsa3072.pem") + read_file("rsa4096.pem"))
    for cert in ("two.pem", write_file("trailing.der", read_file("rsa3072.der") + b"\0"),
                 "rsa3072.key", "payload", "/dev/null"):
        code, _, err = run("sign", "--key", "rsa3072.key", "--cert", cert, "-o", "kept", "payload")
        equal(f"{cert} as a certificate", (code, "not exactly one well-formed" in err), (2, True))
    for key in ("rsa3072.pem", "payload", "/dev/null", "missing"):
        code, _, err = run("sign", "--key", key, "--cert", "rsa3072.pem", "-o", "kept", "payload")
        equal(f"{key} as a key", (code, err.startswith(f"hotpatch: {key}: ")), (2, True))


def on_terminal(answer, *args):
    """Exit status of the tool on a terminal where somebody types; and what the terminal showed."""
    child, leader = pty.fork()
    if child == 0:
        os.execv(HOTPATCH, [HOTPATCH, *args])
    shown = b""
    while not shown.endswith(b": "):
        shown += os.read(leader, 1)
    os.write(leader, answer)
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    status = os.waitpid(child, 0)[1]
    os.close(leader)
    return os.waitstatus_to_exitcode(status), shown.decode()


def check_secrets():
    for key in ("locked.key", "locked.der"):
        args = ["sign", "--key", key, "--cert", "rsa3072.pem", "-o", "signed", "payload"]
        equal(f"{key}: file", run(*args, "--passphrase-file", "passphrase"), (0, "", ""))
        equal(f"{key}: environment", run(*args, "--passphrase-env", "SECRET",
                                         env={"SECRET": "correct horse"}), (0, "", ""))
        for options, text in ((("--passphrase-env", "SECRET"), "another one"),
                              (("--passphrase-env", "NO_SUCH"), "no such environment variable"),
                              (("--passphrase-file", "missing"), "No such file"),
                              ((), "needs a passphrase or PIN")):
            code, out, err = run(*args, *options, env={"SECRET": "wrong"})
            equal(f"{key}: {options}", (code, out, text in err, "wrong" in err),
                  (2, "", True, False))
    args = args[:2] + ["locked.key"] + args[3:]
    code, shown = on_terminal(b"correct horse\n", *args)
    equal("prompt", (code, "horse" in shown, shown.startswith("Passphrase or PIN for locked.key: ")),
          (0, False, True))
    code, shown = on_terminal(b"battery\n", *args)
    equal("prompt, wrong", (code, "battery" in shown), (2, False))


def check_token():
    if "SOFTHSM2_CONF" not in os.environ:
        return
    uri = "pkcs11:token=test;object=signer;type=private"
    args = ["sign", "--key", uri, "--cert", "rsa3072.pem", "-o", "signed", "payload"]
    equal("token", (run(*args, "--passphrase-env", "PIN", env={"PIN": "246810"}),
                    read_file("signed") == sign("rsa3072", output="by-file")), ((0, "", ""), True))
    write_file("signed", b"as it was")
    for env, options in (({"PIN": "111111"}, ("--passphrase-env", "PIN")), ({}, ())):
        code, out, err = run(*args, *options, env=env)
        equal(f"token with {env}", (code, out, "111111" in err, read_file("signed")),
              (2, "", False, b"as it was"))
    code, _, err = run("sign", "--key", f"{uri}?pin-value=246810", *args[3:])
    equal("no PIN in a URI", (code, "no PIN in the URI" in err, "246810" in err), (2, True, False))
    code, _, err = run(*args, "--passphrase-env", "PIN",
                       env={"PIN": "246810", "OPENSSL_ENGINES": "/nonexistent"})
    equal("no engine", (code, "pkcs11, which is not installed" in err), (2, True))


def check_keyring():
    data = sign("rsa3072")
    expired = sign_by_hand("rsa4096", "expired")
    judge("one certificate as a ring", data, "ok", 0, keyring="rsa3072.pem")
    judge("another certificate", data, "key-unknown", 1, keyring="rsa4096.pem")
    judge("expired", expired, "certificate-expired", 1, keyring="expired.pem")
    judge("not valid yet", sign_by_hand("rsa3072", "future"), "certificate-expired", 1,
          keyring="future.pem")
    code, out, err = run("validate", "--keyring", "expired.pem", "--target", "target",
                         write_file("expired", expired))
    equal("validate an expired one", (code, out.split(": ")[2], err), (1, "certificate-expired", ""))
    for name, text in (("missing", "No such file"), ("rsa1024.pem", "too weak"),
                       ("exponent3.pem", "too weak"), ("server.pem", "codeSigning"),
                       ("authority.pem", "digitalSignature"), ("p521.pem", "neither RSA"),
                       ("payload", "not exactly one"), ("two.pem", "not exactly one"),
                       ("passphrase", "not exactly one"), ("flips", "no certificate in")):
        code, out, err = run("verify", "--keyring", name, "signed")
        equal(f"{name} as a key ring", (code, out, text in err, err.count("\n")), (2, "", True, 1))
    os.mkdir("conflict")
    shutil.copy("any-usage.pem", "conflict/a.pem")
    shutil.copy("rsa3072.pem", "conflict/b.pem")
    judge("two certificates of one key", data, "ok", 0, keyring="conflict")
    shutil.copy("server.pem", "conflict/c.pem")
    code, _, err = run("verify", "--keyring", "conflict", "signed")
    equal("one bad certificate refuses the ring", (code, "c.pem" in err), (2, True))


def sign_by_hand(key, cert):
    """Signs with a certificate that ours refuses to sign with."""
    payload = read_file("payload")
    key_id = output_of("openssl", "x509", "-in", f"{cert}.pem", "-noout", "-ext",
                       "subjectKeyIdentifier").decode().split("\n")[1].strip().replace(":", "")
    signature = raw_signature(key, hashlib.sha256(payload).digest())
    return (payload + MARKER + struct.pack(">5B3xI", 1, 4, 1, 0, 20, len(signature)) + signature +
            bytes.fromhex(key_id))


def check_policy():
    data = sign("rsa3072")
    linux = sign("p256", "--format", "linux")
    digest = hashlib.sha256(read_file("payload")).hexdigest()
    _, lines = verdicts([write_file("signed", data)])
    key = lines[0]["key_sha256"]
    for text, source, status in (
            ("", data, "ok"), ("# nothing\n\n  \t# more\n", data, "ok"),
            ("formats linux", data, "signature-policy"), ("formats linux xendoc", data, "ok"),
            ("formats xendoc\n", linux, "signature-policy"),
            ("algorithms ecdsa-p256 ecdsa-p384", data, "signature-policy"),
            ("algorithms rsa", linux, "signature-policy"), ("algorithms ecdsa-p256", linux, "ok"),
            ("hashes sha384", data, "signature-policy"), ("hashes sha384 sha256", data, "ok"),
            (f"revoke-key {key}", data, "signature-revoked"),
            (f"revoke-key {key.upper()}\r\n", data, "signature-revoked"),
            (f"revoke-key {key}", linux, "ok"),
            (f"revoke-payload sha256 {digest}", data, "signature-revoked"),
            (f"revoke-payload sha256 {digest}", linux, "signature-revoked"),
            (f"revoke-payload sha256 {digest[::-1]}", data, "ok"),
            ("require-signature", data, "ok"), ("version-min 5", data, "ok")):
        write_file("policy", text.encode())
        judge(f"policy {text!r}", source, status, 0 if status == "ok" else 1,
              options=("--policy", "policy"))
    write_file("policy", b"rsa-bits-min 4096")
    judge("longer keys wanted", data, "ok", 0, keyring="rsa3072.pem")
    code, _, err = run("verify", "--keyring", "rsa3072.pem", "--policy", "policy", "signed")
    equal("a key below the policy's minimum", (code, "too weak" in err), (2, True))
    for text in ("formats", "formats linux37", "formats none", "hashes md5", "hashes weak",
                 "algorithms dsa", "rsa-bits-min 1024", "rsa-bits-min 8192", "rsa-bits-min",
                 "rsa-bits-min -1", "version-min x", "version-min 99999999999999999999",
                 "version-min 1 2", "revoke-key 12", f"revoke-key {key}0", f"revoke-key {key[:-1]}g",
                 "revoke-key", "revoke-payload", f"revoke-payload sha384 {digest}",
                 f"revoke-payload {digest}", "require-signature yes", "nonsense", "formats\0"):
        write_file("policy", b"# first line\n" + text.encode())
        code, out, err = run("verify", "--keyring", "ring", "--policy", "policy", "signed")
        equal(f"policy {text!r}", (code, out, "line 2" in err or "text file" in err),
              (2, "", True))


def check_validate():
    target = ["validate", "--target", "target"]
    data = sign("rsa3072")
    changed = bytearray(data)
    changed[-40] ^= 1
    write_file("changed", bytes(changed))
    ring = ["--keyring", "ring"]
    equal("validate signed", run(*target, *ring, "signed"), (0, "signed: accepted\n", ""))
    equal("validate without a ring", run(*target, "signed"),
          (0, "signed: accepted (signature not verified)\n", ""))
    equal("validate unsigned", run(*target, *ring, "payload"), (0, "payload: accepted\n", ""))
    for options, name, status in ((ring, "changed", "signature-bad"),
                                  ([*ring, "--require-signature"], "changed", "signature-bad"),
                                  ([*ring, "--require-signature"], "payload", "unsigned"),
                                  (["--require-signature"], "signed", "key-unknown"),
                                  (["--require-signature"], "payload", "unsigned"),
                                  (["--keyring", "rsa4096.pem"], "signed", "key-unknown")):
        code, out, err = run(*target, *options, name)
        equal(f"validate {options} {name}", (code, out.split(": ")[2], err), (1, status, ""))
    equal("validate required", run(*target, *ring, "--require-signature", "signed"),
          (0, "signed: accepted\n", ""))
    write_file("policy", b"version-min 1\n")
    code, out, _ = run(*target, *ring, "--policy", "policy", "signed")
    equal("rollback", (code, out.split(": ")[2]), (1, "rollback"))
    write_file("policy", b"require-signature\n")
    code, out, _ = run(*target, "--policy", "policy", "payload")
    equal("required by the policy", (code, out.split(": ")[2]), (1, "unsigned"))
    code, _, err = run(*target, *ring, "--after", "changed", "signed")
    equal("--after is verified as well", (code, "signature-bad" in err), (1, True))


# ---- command line and files ---------------------------------------------------------------------

def check_usage():
    full = sign_args("rsa3072")
    for args in (["sign"], ["verify"], ["sig"], ["sig", "frobnicate"], ["sig", "show"],
                 ["verify", "payload"], ["verify", "--keyring", "ring"], [*full], [*full[:5], "payload"],
                 [*full[:1], *full[3:], "payload"], [*full[:3], *full[5:], "payload"],
                 [*full, "payload", "payload"], [*full, "--format", "linux37", "payload"],
                 [*full, "--hash", "sha1", "payload"], [*full, "--digest-only", "payload"],
                 [*full, "--json", "payload"], [*full, "--keyring", "ring", "payload"],
                 [*full, "--passphrase-env", "A", "--passphrase-file", "B", "payload"],
                 [*full, "--passphrase", "secret", "payload"],
                 ["verify", "--keyring", "ring", "--require-signature", "payload"],
                 ["verify", "--keyring", "ring", "--key", "rsa3072.key", "payload"],
                 ["sig", "strip", "payload"], ["sig", "attach", "-o", "x", "payload"],
                 ["sig", "attach", "-o", "x", "--cert", "rsa3072.pem", "payload"],
                 ["sig", "show", "--keyring", "ring", "payload"],
                 ["plan", "--target", "target", "--keyring", "ring", "payload"]):
        code, out, err = run(*args)
        equal(f"usage {args}", (code, out, "--help'." in err), (2, "", True))
    for args in (["sign"], ["verify"], ["sig", "show"], ["sig", "strip"], ["sig", "attach"]):
        code, out, err = run(*args, "--help")
        equal(f"help {args}", (code, out.startswith(f"Usage: hotpatch {' '.join(args)} "), err),
              (0, True, ""))


def check_files():
    sign("rsa3072")
    missing = "hotpatch: missing: No such file or directory\n"
    for args in (["verify", "--keyring", "ring"], ["sig", "show"], ["sig", "strip", "-o", "x"],
                 sign_args("rsa3072", output="x"),
                 ["sig", "attach", "--signature", "payload", "--cert", "rsa3072.pem", "-o", "x"]):
        equal(f"{args[0:2]}: missing file", (run(*args, "missing"), os.path.exists("x")),
              ((2, "", missing), False))
    code, out, err = run("verify", "--keyring", "ring", "signed", "missing", "payload", "signed")
    equal("the others are judged", (code, out.count("verified"), out.count("unsigned"), err),
          (2, 2, 1, missing))
    write_file("changed", read_file("signed")[:-1])
    for files, want in ((("signed", "payload"), 3), (("payload", "changed", "signed"), 1),
                        (("changed", "payload"), 1), (("signed", "signed"), 0)):
        equal(f"of several the worst: {files}", run("verify", "--keyring", "ring", *files)[0], want)
    done = subprocess.run([HOTPATCH, "verify", "--keyring", "ring", "-"],
                          input=read_file("signed"), capture_output=True, check=False)
    equal("standard input", (done.returncode, done.stdout.startswith(b"-: verified: ")), (0, True))
    with open("huge", "wb") as file:
        file.write(read_file("payload"))
        file.truncate((64 << 20) + 4096)
    equal("too large to sign", run(*sign_args("rsa3072", output="x"), "huge"),
          (2, "", "hotpatch: huge: too large for a payload\n"))


def limit_files():
    """A disk that is full after 100 bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


def check_atomic():
    os.mkdir("place")
    output = "place/out"
    write_file(output, b"as it was")
    for name, args, how in (
            ("unsigned", [*sign_args("rsa3072", output=output), "signed"], {}),
            ("weak", [*sign_args("rsa2048", output=output), "payload"], {}),
            ("full disk", [*sign_args("rsa3072", output=output), "payload"],
             {"preexec_fn": limit_files}),
            ("full disk", ["sig", "strip", "-o", output, "signed"], {"preexec_fn": limit_files})):
        code, _, err = run(*args, **how)
        equal(f"{name}: the output stays", (code in (1, 2), err != "", read_file(output),
                                            os.listdir("place")), (True, True, b"as it was", ["out"]))
    inode = os.stat(output).st_ino
    equal("the output is replaced", (run(*sign_args("rsa3072", output=output), "payload"),
          os.stat(output).st_ino != inode, os.listdir("place")), ((0, "", ""), True, ["out"]))
    old = os.umask(0o022)
    run(*sign_args("rsa3072", output="place/new"), "payload")
    os.umask(old)
    equal("permissions", stat.S_IMODE(os.stat("place/new").st_mode), 0o644)
    shutil.copy("payload", "place/self")
    equal("in place", (run(*sign_args("rsa3072", output="place/self"), "place/self"),
                       read_file("place/self") == read_file("signed")), ((0, "", ""), True))
    for path in ("/dev/null", "place", "no/such/folder"):
        code, out, _ = run(*sign_args("rsa3072", output=path), "payload")
        equal(f"output {path}", (code, out), (2, ""))


# ---- samples from elsewhere ---------------------------------------------------------------------

def check_samples():
    """Judges the files of a folder by their names: what they were made with is in them."""
    if not SAMPLES:
        return
    os.mkdir("sample-ring")
    for path in glob.glob(os.path.join(SAMPLES, "*.cert.pem")):
        shutil.copy(path, "sample-ring")
    for path in sorted(glob.glob(os.path.join(SAMPLES, "*.o")) +
                       glob.glob(os.path.join(SAMPLES, "*.ko"))):
        name = os.path.basename(path)
        if name.startswith(("rawsig", "double")):
            want = (1, "signature-malformed")
        elif name.startswith("linux37"):
            want = (1, "signature-unsupported")
        elif "sha1." in name:
            want = (1, "signature-policy")
        elif name.startswith(("signed", "xendoc")):
            want = (0, "ok")
        else:
            want = (3, "unsigned")
        code, lines = verdicts([path], "sample-ring")
        equal(f"sample {name}", (code, lines[0]["status"]), want)


def main():
    make_rings()
    for check in (check_sign_file, check_other_layouts, check_tampering_xendoc,
                  check_tampering_linux, check_interoperation, check_layouts, check_resign,
                  check_offline, check_keys, check_secrets, check_token, check_keyring,
                  check_policy, check_validate, check_usage, check_files, check_atomic,
                  check_samples):
        check()
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
