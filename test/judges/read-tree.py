"""Prints every path below a folder as one JSON object a line: what lstat, readlink, listxattr and a hash say.
Names are printed with one character a byte."""
import hashlib
import json
import os
import stat
import sys


def text(raw: bytes) -> str:
    return raw.decode("latin-1")


def xattrs(path: bytes) -> dict[str, str]:
    names = os.listxattr(path, follow_symlinks=False)
    return {text(os.fsencode(n)): os.getxattr(path, n, follow_symlinks=False).hex() for n in sorted(names)}


def digest(path: bytes) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(root: bytes, path: bytes) -> dict[str, object]:
    info = os.lstat(path)
    kind = stat.S_IFMT(info.st_mode)
    device = kind in (stat.S_IFCHR, stat.S_IFBLK)
    return {
        "path": text(os.path.relpath(path, root)),
        "type": kind,
        "mode": stat.S_IMODE(info.st_mode),
        "uid": info.st_uid,
        "gid": info.st_gid,
        "mtime": str(info.st_mtime_ns),
        "size": 0 if kind == stat.S_IFDIR else info.st_size,
        "nlink": info.st_nlink,
        "inode": str(info.st_ino),
        "rdev": f"{os.major(info.st_rdev)}:{os.minor(info.st_rdev)}" if device else "",
        "link": text(os.readlink(path)) if kind == stat.S_IFLNK else "",
        "hash": digest(path) if kind == stat.S_IFREG else "",
        "xattrs": xattrs(path),
    }


def main() -> None:
    root = os.fsencode(sys.argv[1])
    print(json.dumps(describe(root, root)))
    for folder, folders, files in os.walk(root, onerror=lambda error: sys.exit(str(error))):
        for name in folders + files:
            print(json.dumps(describe(root, os.path.join(folder, name))))


main()
