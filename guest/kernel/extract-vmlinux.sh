#!/bin/sh
# extract-vmlinux.sh BZIMAGE VMLINUX: the ELF kernel out of a bzImage. Where its compressed payload lies is in the setup
# header (Documentation/arch/x86/boot.rst): setup_sects at 0x1f1, payload_offset at 0x248, payload_length at 0x24c.
set -eu

image=$1
vmlinux=$2

fail() { echo "extract-vmlinux.sh: $image: $*" >&2; exit 1; }
integer() { od -A n -t "u$2" -j "$1" -N "$2" "$image" | tr -d ' '; }
magic() { od -A n -t x1 -N "$1" "$payload" | tr -d ' \n'; }

[ "$(od -A n -c -j 514 -N 4 "$image" | tr -d ' ')" = HdrS ] || fail "not a bzImage"
sectors=$(integer 497 1)
[ "$sectors" -ne 0 ] || sectors=4
offset=$(((sectors + 1) * 512 + $(integer 584 4)))
length=$(integer 588 4)

payload=$vmlinux.payload
trap 'rm -f "$payload"' EXIT
tail -c "+$((offset + 1))" "$image" | head -c "$length" >"$payload"

unpack() {
    command -v "$1" >/dev/null || fail "the kernel is compressed with $1, which is not installed"
    # The last 4 bytes are the size of the unpacked kernel, which the programs take for garbage.
    "$@" <"$payload" >"$vmlinux" 2>/dev/null || [ -s "$vmlinux" ] || fail "$1 cannot unpack it"
}
case $(magic 6) in
1f8b*) unpack gzip -d -c ;;
fd377a585a00) unpack xz -d -c ;;
28b52ffd*) unpack zstd -d -c ;;
02214c18*) unpack lz4 -d -c ;;
*) fail "compressed in a way this script does not know ($(magic 6))" ;;
esac

[ "$(od -A n -t x1 -N 4 "$vmlinux" | tr -d ' \n')" = 7f454c46 ] || fail "what came out is not an ELF file"
