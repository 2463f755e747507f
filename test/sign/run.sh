#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Tests the signing commands against openssl, Linux's sign-file and modinfo: makes a payload, keys
# and certificates, then runs check.py on them. Nothing of it outlives the run.
#
# Environment: HOTPATCH is the command to test (build/bin/hotpatch); HOTPATCH_TEST_SIGNATURES names
# a folder of samples that check.py judges by their names as well.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
hotpatch=$(realpath "${HOTPATCH:-$root/build/bin/hotpatch}")
samples=${HOTPATCH_TEST_SIGNATURES:+$(realpath "$HOTPATCH_TEST_SIGNATURES")}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
umask 077

# quiet COMMAND...: openssl tells its progress on stderr.
quiet() {
    "$@" >log 2>&1 || {
        cat log >&2
        return 1
    }
}

# new_key NAME OPTION...: makes NAME.key.
new_key() {
    quiet openssl genpkey -out "$1.key" "${@:2}"
}

# new_cert NAME KEY EXTENSION...: makes NAME.pem, self-signed, whose common name is NAME.
new_cert() {
    local extension options=()

    for extension in "${@:3}"; do
        options+=(-addext "$extension")
    done
    quiet openssl req -x509 -new -config req.cnf -key "$2.key" -out "$1.pem" -days 30 \
        -subj "/O=Test/CN=$1" -addext subjectKeyIdentifier=hash "${options[@]}"
}

# dated_cert NAME KEY START END: the same with dates, which `openssl req` does not take.
dated_cert() {
    quiet openssl req -new -config req.cnf -key "$2.key" -out request -subj "/CN=$1"
    : >index
    quiet openssl ca -batch -config ca.cnf -selfsign -keyfile "$2.key" -in request -out "$1.pem" \
        -notext -startdate "$3" -enddate "$4" -extensions signer
}

cat >req.cnf <<'CNF'
[req]
distinguished_name = name
[name]
CNF
cat >ca.cnf <<'CNF'
[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
default_md = sha256
rand_serial = yes
unique_subject = no
policy = any
[any]
commonName = supplied
[signer]
subjectKeyIdentifier = hash
extendedKeyUsage = codeSigning
CNF

# --- a payload for a small target ---
gcc -nostdlib -static -no-pie -Wl,--build-id=sha1,-Ttext=0xffff82d040200000,-e,greeting \
    -o target "$root/test/tool/target.S"
"$root/examples/payloads/build.sh" payload target "$root/test/tool/first.c"

# --- keys and certificates ---
code=extendedKeyUsage=codeSigning
for bits in 1024 2048 3072 4096; do
    new_key "rsa$bits" -algorithm RSA -pkeyopt "rsa_keygen_bits:$bits"
done
new_key exponent3 -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -pkeyopt rsa_keygen_pubexp:3
new_key other -algorithm RSA -pkeyopt rsa_keygen_bits:2048
new_key p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
new_key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
new_key p521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521
new_key ed25519 -algorithm ED25519
for key in rsa1024 rsa2048 rsa3072 rsa4096 exponent3 other p256 p384 p521 ed25519; do
    new_cert "$key" "$key" "$code"
done
new_cert any-usage rsa3072
new_cert server rsa3072 extendedKeyUsage=serverAuth
new_cert authority rsa3072 keyUsage=critical,keyCertSign,cRLSign
new_cert both-usages rsa3072 keyUsage=digitalSignature,keyCertSign "$code"
new_cert $'odd"\e[31m' rsa3072 "$code"
mv $'odd"\e[31m.pem' odd.pem
dated_cert expired rsa4096 20200101000000Z 20210101000000Z
dated_cert future rsa3072 20900101000000Z 20910101000000Z
quiet openssl req -x509 -new -config req.cnf -key rsa3072.key -out no-id.pem -days 30 \
    -subj /CN=no-id -addext subjectKeyIdentifier=none -addext "$code"
openssl x509 -in rsa3072.pem -outform DER -out rsa3072.der
printf 'correct horse\n' >passphrase
openssl pkey -in rsa3072.key -aes256 -passout file:passphrase -out locked.key
openssl pkcs8 -topk8 -in rsa3072.key -outform DER -passout file:passphrase -out locked.der
openssl pkey -in rsa3072.key -outform DER -out key.der

# --- a token with a key in it ---
if [ -n "${HOTPATCH_TEST_NO_TOKEN:-}" ]; then
    echo "the token is left out" >&2
else
    mkdir tokens
    printf 'directories.tokendir = %s\n' "$work/tokens" >softhsm2.conf
    export SOFTHSM2_CONF=$work/softhsm2.conf
    export PKCS11_MODULE_PATH=/usr/lib/softhsm/libsofthsm2.so
    quiet softhsm2-util --init-token --free --label test --so-pin 12345678 --pin 246810
    quiet softhsm2-util --import rsa3072.key --token test --label signer --id a1 --pin 246810
fi

python3 "$here/check.py" "$hotpatch" "$samples"
