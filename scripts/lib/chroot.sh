# Runs a command in another distribution, as on a machine of its own: another QEMU, kernel, compiler, npm. To be sourced
# from the repository's root, after setup.sh.
#
#     run_in_chroot trixie sh -c '. scripts/lib/setup.sh; set_up; node --test test/run.test.ts'
#
# The distribution is made once by mmdebstrap in .cache/chroot/SUITE (remove the folder to make it anew); packages that a
# run installs stay in it. The repository in it is a copy without anything built, made for each run. All mounts are in a
# mount namespace and all processes in a PID namespace of the run's own: they are gone with it, however it ends. It needs
# root. The network is the machine's: what brings up interfaces belongs into a network namespace, as our tests do it.

# What a test runner counts as skipped (automake's convention).
exit_not_run=77

chroot_cache=$PWD/.cache/chroot

# The suite of a Debian or Ubuntu release is known by its distribution's mirror.
distribution_of() {
  case $1 in
  bookworm | trixie | forky | sid) echo debian ;;
  jammy | noble | questing) echo ubuntu ;;
  *) die "unknown release $1: one of bookworm, trixie, noble" ;;
  esac
}

# mirror_of SUITE: the machine's own mirror where the machine's distribution is the suite's; else nothing, which is
# mmdebstrap's default. `security` as a second argument: that of the security updates.
mirror_of() (
  # shellcheck source=/dev/null
  . /etc/os-release
  [ "$ID" = "$(distribution_of "$1")" ] || exit 0
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
    awk -v release="$VERSION_CODENAME${2:+-$2}" '$2 == release { print $1; exit }'
)

# How this machine's apt reaches its mirrors (proxies, authorities, leniency), as a file for another apt.
apt_access() {
  apt-config dump --format '%F "%v";%n' | grep -E '^Acquire::(https?|ftp|Retries|ForceIPv[46]|Check-[A-Za-z-]+|AllowInsecure[A-Za-z]*)(::| )'
}

# not_run SUITE REASON
not_run() {
  printf '%s: not run: %s\n' "$1" "$2" >&2
  exit "$exit_not_run"
}

# make_chroot SUITE: in the cache, if it is not there.
make_chroot() {
  root=$chroot_cache/$1
  [ ! -e "$root/etc/hyper-chroot" ] || return 0
  command -v mmdebstrap >/dev/null || install_packages mmdebstrap
  components=main
  if [ "$(distribution_of "$1")" = ubuntu ]; then
    components=main,universe
    [ -e /usr/share/keyrings/ubuntu-archive-keyring.gpg ] || (install_packages ubuntu-keyring) ||
      not_run "$1" "this machine's distribution does not have Ubuntu's archive keys (package ubuntu-keyring)"
  fi
  say "making a $1 in .cache/chroot/$1"
  rm -rf "$root"
  apt_access >"$chroot_cache/$1.apt.conf" || :
  mirror=$(mirror_of "$1")
  security=$(mirror_of "$1" security)
  set -- "$1" "$root" ${mirror:+"$mirror"} ${security:+"deb $security $1-security $(echo "$components" | tr , ' ')"}
  if ! timeout 900 mmdebstrap --mode=root --variant=apt --components="$components" --include=ca-certificates,mount \
    --aptopt="$chroot_cache/$1.apt.conf" --dpkgopt=force-unsafe-io "$@" >"$chroot_cache/$1.log" 2>&1; then
    rm -rf "$root"
    reason=$(grep '^E:' "$chroot_cache/$1.log" | head -n 1)
    not_run "$1" "mmdebstrap failed: is a mirror reached from here? ${reason:-See} (.cache/chroot/$1.log)"
  fi
  # No package may start a service: it would run on this machine.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  : >"$root/etc/hyper-chroot"
}

# copy_machine ROOT: what makes the network usable there as it is here: names, the authorities that are trusted.
copy_machine() {
  cat /etc/resolv.conf >"$1/etc/resolv.conf"
  cat /etc/hosts >"$1/etc/hosts"
  rm -rf "$1/usr/local/share/ca-certificates"
  [ ! -d /usr/local/share/ca-certificates ] || cp -R /usr/local/share/ca-certificates "$1/usr/local/share/"
}

# What happens in the namespaces: $1 the root, $2 the npm cache, $3 npm's user and $4 its global configuration, then
# the command. The old root is left behind by pivot_root: in a chroot the kernel lets no one make a user namespace, which
# rootless hyperd does. The shell stays, as PID 1 that reaps what is left to it.
# shellcheck disable=SC2016 # for the inner shell
chroot_inner='
set -eu
root=$1 npm_cache=$2 npm_user=$3 npm_global=$4
shift 4
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root/root/.npm" "$root/run/lock"
mount --bind "$npm_cache" "$root/root/.npm"
touch "$root/root/.npmrc" "$root/etc/npmrc"
[ ! -f "$npm_user" ] || mount --bind -o ro "$npm_user" "$root/root/.npmrc"
[ ! -f "$npm_global" ] || mount --bind -o ro "$npm_global" "$root/etc/npmrc"
mkdir -p "$root/run/host"
cd "$root"
pivot_root . run/host
# From here on the programs are those of the new root.
exec chroot . sh -c "umount -l /run/host; rmdir /run/host; update-ca-certificates >/dev/null 2>&1; cd /hyper
  \"\$@\"
  code=\$?; exit \$code" sh "$@"
'

# end_chroot: ends what still runs in the namespaces, and leaves nothing of the run. PID 1 is gone when all the others are.
end_chroot() {
  if [ -n "$child" ]; then
    inner=$(pgrep -P "$child" || :)
    kill -KILL "$child" 2>/dev/null || :
    [ -z "$inner" ] || tail --pid="$inner" -f /dev/null
  fi
  rm -rf "$root/hyper" "$root"/tmp/*
}

# run_in_chroot SUITE COMMAND…: ends this shell with the command's exit code, or 77 when the release could not be made here.
run_in_chroot() {
  suite=$1
  shift
  [ "$(id -u)" -eq 0 ] || die "another release is run as root: try again as root"
  distribution_of "$suite" >/dev/null
  mkdir -p "$chroot_cache" "$PWD/.cache/npm"
  alone "$chroot_cache/$suite.lock" "run uses .cache/chroot/$suite"
  make_chroot "$suite"
  root=$chroot_cache/$suite child=''
  copy_machine "$root"
  trap end_chroot EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  rm -rf "$root/hyper"
  mkdir "$root/hyper"
  git ls-files -z --cached --others --exclude-standard |
    tar --create --null --verbatim-files-from --ignore-failed-read --files-from=- 2>/dev/null | tar --extract -C "$root/hyper"
  npm_user=$(npm config get userconfig 2>/dev/null || :)
  npm_global=$(npm config get globalconfig 2>/dev/null || :)
  say "$suite: $*"
  set -- sh -c "$chroot_inner" sh "$root" "$PWD/.cache/npm" "$npm_user" "$npm_global" "$@"
  # The environment: nothing of ours but how to reach the network and how to print.
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY npm_config_registry TERM CI; do
    eval "value=\${$name-}"
    [ -z "$value" ] || set -- "$name=$value" "$@"
  done
  certificates=/etc/ssl/certs/ca-certificates.crt
  # In the background, so that a signal to this shell is heard; descriptor 8 is the standard input, which it would not
  # have there. When this shell is killed, unshare is, and all below it.
  exec 8<&0
  setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child env -i HOME=/root LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin npm_config_globalconfig=/etc/npmrc \
    NODE_EXTRA_CA_CERTS=$certificates SSL_CERT_FILE=$certificates "$@" <&8 8<&- 9>&- &
  child=$!
  code=0
  wait "$child" || code=$?
  child=''
  exit "$code"
}
