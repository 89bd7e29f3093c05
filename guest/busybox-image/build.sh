#!/bin/sh
# Makes guest/build/busybox-image.tar: the root file system of the embedded `busybox` image, out of the distribution's
# busybox-static. Reproducible: the same busybox makes the same bytes.
set -eu
cd "$(dirname "$0")/../.."
busybox=$(command -v /usr/bin/busybox || command -v /bin/busybox) || {
  echo "busybox-image: busybox is not installed: install the package 'busybox-static'" >&2
  exit 1
}
out=guest/build/busybox-image.tar
if [ "$out" -nt "$busybox" ] && [ "$out" -nt "$0" ]; then
  echo "busybox-image: up to date"
  exit 0
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
for dir in bin dev etc home proc root sys tmp usr/bin usr/sbin sbin var/run var/tmp; do mkdir -p "$root/$dir"; done
cp "$busybox" "$root/bin/busybox"
chmod 755 "$root" "$root/bin/busybox"
chmod 700 "$root/root"
chmod 1777 "$root/tmp" "$root/var/tmp"
for applet in $("$busybox" --list); do
  [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'daemon:x:1:1:daemon:/usr/sbin:/bin/false' \
  'www-data:x:33:33:www-data:/var/www:/bin/false' 'nobody:x:65534:65534:nobody:/home:/bin/false' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'daemon:x:1:' 'www-data:x:33:' 'users:x:100:' 'nogroup:x:65534:' >"$root/etc/group"
mkdir -p guest/build
tar --create --file "$out.tmp" --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$root" .
mv "$out.tmp" "$out"
echo "busybox-image: made of $("$busybox" | head -n 1)"
