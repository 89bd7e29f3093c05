#!/bin/sh
# Gets the distribution's kernel, unpacked, not installed: its modules to guest/build/kernel/, its ELF vmlinux to
# guest/build/vmlinux, which QEMU boots by PVH in half the time that a bzImage takes, and the bzImage itself, whose
# decompressor randomises the kernel's addresses, to guest/build/bzImage: templates are made of it. Runs as root and as anyone else;
# does nothing when the newest known kernel is there.
set -eu

kernel_dir=$(cd "$(dirname "$0")" && pwd)
build=${1:-$kernel_dir/../build}
mkdir -p "$build"
build=$(cd "$build" && pwd)

fail() { echo "fetch.sh: $*" >&2; exit 1; }

# Nothing was learnt of newer kernels since the last time: asking apt would take seconds.
if [ -s "$build/vmlinux" ] && [ -s "$build/bzImage" ] && [ -s "$build/kernel/stamp" ] && [ "$build/kernel/stamp" -nt /var/lib/apt/lists ]; then
    echo "kernel: $(cat "$build/kernel/version") is there"
    exit 0
fi

command -v apt-get >/dev/null || fail "this machine has no apt-get: put a vmlinux and its modules in $build yourself"
command -v dpkg-deb >/dev/null || fail "this machine has no dpkg-deb: install the package dpkg"

# The meta package's dependency that is the kernel itself.
kernel_package() {
    apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1
}

package=
for meta in linux-image-cloud-amd64 linux-image-amd64 linux-image-virtual; do
    package=$(kernel_package "$meta")
    [ -z "$package" ] || break
done
[ -n "$package" ] || fail "apt knows no kernel package: run 'apt-get update' first"
packages=$package
modules=linux-modules-${package#linux-image-}
if apt-cache show "$modules" >/dev/null 2>&1; then packages="$packages $modules"; fi

candidate=$(apt-cache policy "$package" | sed -n 's/^ *Candidate: //p')
stamp="$packages $candidate"
if [ -s "$build/vmlinux" ] && [ -s "$build/bzImage" ] && [ "$(cat "$build/kernel/stamp" 2>/dev/null)" = "$stamp" ]; then
    touch "$build/kernel/stamp"
    echo "kernel: $package $candidate is there"
    exit 0
fi

work=$(mktemp -d "$build/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
# apt drops to its own user for downloads and must be able to write where we are.
[ "$(id -u)" -ne 0 ] || chmod 755 "$work"

echo "kernel: downloading $packages ($candidate)"
# shellcheck disable=SC2086 # a list
(cd "$work" && apt-get -q -q -o APT::Sandbox::User=root download $packages) || fail "the download of $packages failed: run 'apt-get update' and try again"

echo "kernel: unpacking"
for file in "$work"/*.deb; do dpkg-deb -x "$file" "$work/tree"; done
# Some distributions keep modules below /usr/lib only.
lib=$work/tree/lib/modules
[ -d "$lib" ] || lib=$work/tree/usr/lib/modules
version=$(ls "$lib" | head -n 1)
image=$work/tree/boot/vmlinuz-$version
[ -n "$version" ] && [ -f "$image" ] || fail "$package holds no kernel where one is expected"

echo "kernel: extracting vmlinux $version"
"$kernel_dir/extract-vmlinux.sh" "$image" "$work/vmlinux"

mkdir -p "$work/kernel"
mv "$lib/$version" "$work/kernel/modules"
cp "$work/tree/boot/config-$version" "$work/kernel/config"
echo "$version" >"$work/kernel/version"
echo "$stamp" >"$work/kernel/stamp"
cp "$image" "$work/bzImage"
chmod -R u+w,a+rX "$work/kernel" "$work/vmlinux" "$work/bzImage"
rm -rf "$build/kernel"
mv "$work/bzImage" "$build/bzImage"
mv "$work/vmlinux" "$build/vmlinux"
mv "$work/kernel" "$build/kernel"
echo "kernel: $build/vmlinux and its modules are ready"
