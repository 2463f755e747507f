#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Signs payloads with openssl and Linux's sign-file, in all the forms that those write, and has the
# library verify them (test/unit/test_samples.c). Nothing here is kept: the keys are new each time.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

SIGN_FILE=/usr/lib/linux-kbuild-6.1/scripts/sign-file
MARKER='~Module signature appended~'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# make_key NAME CERTIFICATE ALGORITHM...: a key and its certificate.
make_key() {
    local name=$1 certificate=$2

    shift 2
    run_quiet openssl req -new -x509 -nodes -days 2 -newkey "$@" -keyout "$name.key.pem" \
        -out "$certificate" -subj "/O=libhotpatch test/CN=$name" \
        -addext subjectKeyIdentifier=hash -addext extendedKeyUsage=codeSigning
}

# bytes NUMBER...: writes bytes.
bytes() {
    local number

    for number in "$@"; do
        # shellcheck disable=SC2059 # an escape is what is wanted
        printf "\\x$(printf %x "$number")"
    done
}

# key_id NAME: the subjectKeyIdentifier's bytes.
key_id() {
    openssl x509 -in "$1.cert.pem" -noout -ext subjectKeyIdentifier |
        tail -n 1 | tr -d ' :\n' | sed 's/../\\x&/g' | xargs -0 printf '%b'
}

# xendoc KEY HASH CODE PREFIX...: the payload in the layout of the design, the signature made by
# openssl; PREFIX: bytes in front of it.
xendoc() {
    local key=$1 hash=$2 code=$3 size

    shift 3
    openssl dgst "-$hash" -sign "$key.key.pem" -out raw payload.o
    size=$(($(stat -c %s raw) + $#))
    cat payload.o
    printf '%s\n' "$MARKER"
    bytes 1 "$code" 1 "${#key}" 20 0 0 0 0 0 $((size / 256)) $((size % 256)) "$@"
    cat raw
    key_id "$key"
    printf %s "$key"
}

make_key rsa2048 rsa2048.cert.pem rsa:2048
make_key rsa3072 rsa3072.cert.pem rsa:3072
make_key rsa4096 rsa4096.cert.pem rsa:4096
make_key p256 p256.cert.pem ec -pkeyopt ec_paramgen_curve:P-256
make_key p384 p384.cert.pem ec -pkeyopt ec_paramgen_curve:P-384
make_key stranger stranger.pem rsa:2048

printf 'int answer(void) { return 42; }\n' >payload.c
gcc -c -O2 -o payload.o payload.c
for key in rsa2048 rsa3072 rsa4096 p256 p384; do
    for hash in sha256 sha384 sha512; do
        "$SIGN_FILE" "$hash" "$key.key.pem" "$key.cert.pem" payload.o "signed-$key-$hash.o"
        "$SIGN_FILE" -k "$hash" "$key.key.pem" "$key.cert.pem" payload.o "signed-$key-$hash-id.o"
    done
done
for hash in sha1 sha224; do
    "$SIGN_FILE" "$hash" rsa2048.key.pem rsa2048.cert.pem payload.o "signed-rsa2048-$hash.o"
done
"$SIGN_FILE" sha256 stranger.key.pem stranger.pem payload.o unknown-stranger.o
"$SIGN_FILE" sha256 p256.key.pem p256.cert.pem signed-rsa2048-sha256.o double-rsa2048-then-p256.o
openssl dgst -sha256 -sign rsa2048.key.pem -out raw payload.o
"$SIGN_FILE" -s raw sha256 rsa2048.cert.pem payload.o rawsig-rsa2048.o
sed 's/\x2a\x00\x00\x00/\x2b\x00\x00\x00/' signed-rsa2048-sha256.o >altered-rsa2048.o
! cmp -s signed-rsa2048-sha256.o altered-rsa2048.o || die 'altered-rsa2048.o is not altered'
for key in rsa2048 rsa3072 rsa4096; do
    size=$((${key#rsa} / 8))
    xendoc "$key" sha256 4 >"xendoc-$key-sha256.o"
    xendoc "$key" sha384 5 >"xendoc-$key-sha384.o"
    xendoc "$key" sha512 6 $((size / 256)) $((size % 256)) >"xendoc-$key-sha512-length.o"
done

status=0
HOTPATCH_TEST_SIGNATURES=$work run_quiet "$HP_ROOT/build/bin/test_samples" || status=$?
files=$(find . -name '*-*.o' | wc -l)
[ "$files" -eq 45 ] || die "$files files were made, 45 wanted"
if [ "$status" -eq 0 ]; then
    printf '%d passed, 0 failed\n' "$files"
else
    printf '%d passed, 1 failed\n' $((files - 1))
fi
exit "$status"
