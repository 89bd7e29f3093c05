# shellcheck shell=sh disable=SC2034,SC2154 # used, and set, by who sources it
# Where an installation has its files; for scripts/install and scripts/uninstall, which set $prefix and $destdir.

# $lib/hyper is a link to the release in use, $lib/hyper.XXXXXX: an upgrade is one rename, and who runs the old release
# has all of its files until they end.
lib=$destdir$prefix/lib
bin=$destdir$prefix/bin
bash_completion=$destdir$prefix/share/bash-completion/completions/hyper
case $prefix in
/usr) zsh_completion=$destdir/usr/share/zsh/vendor-completions/_hyper ;;
*) zsh_completion=$destdir$prefix/share/zsh/site-functions/_hyper ;;
esac
# systemd looks for units below these two prefixes and in /etc.
case $prefix in
/usr | /usr/local) units=$destdir$prefix/lib/systemd ;;
*) units=$destdir/etc/systemd ;;
esac
system_unit=$units/system/hyper.service
user_unit=$units/user/hyper.service
apparmor_profile=$destdir/etc/apparmor.d/hyper

# Members of this group may use the socket, which is as much as being root.
socket_group=hyper
# QEMU runs as this user, in a group of its own: what breaks out of a VM must not be able to use the socket.
vm_user=hyper
vm_group=hyper-vm

systemd_runs() { [ -z "$destdir" ] && [ -d /run/systemd/system ]; }

# releases: the folders of all releases, one a line.
releases() {
  for release_folder in "$lib"/hyper.??????; do
    [ ! -e "$release_folder/dist/hyperd.js" ] || printf '%s\n' "$release_folder"
  done
}

# users_of RELEASE: the processes that run its Node.js or its CLI, as pids. VMs of its QEMU go on without the file.
users_of() {
  real=$(readlink -f "$1")
  for process in /proc/[0-9]*; do
    case $(readlink "$process/exe" 2>/dev/null) in "$real"/guest/*) ;; "$real"/*) printf '%s ' "${process#/proc/}" ;; esac
  done
}
