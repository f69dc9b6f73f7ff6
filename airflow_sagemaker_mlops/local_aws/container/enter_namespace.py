"""Run a command that sees a folder as /opt/ml: ``python enter_namespace.py ROOT COMMAND...``.

Creates a private user and mount namespace through ctypes, which needs neither root nor Docker.  Runs in a new process
with one thread; imports the standard library only, not the package.  Exit code 97: the system forbids namespaces.
"""

import ctypes
import os
import sys
import tempfile

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2


def main() -> None:
    """Enter the namespace and execute the command."""
    root, command = sys.argv[1], sys.argv[2:]
    try:
        _enter(os.path.abspath(root))
    except OSError as error:
        print(f"namespaces are not available: {error}", file=sys.stderr)
        sys.exit(97)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127 if isinstance(error, FileNotFoundError) else 126)


def _enter(root: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid, here = os.getuid(), os.getgid(), os.getcwd()
    _check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{uid} {uid} 1")
    _write("/proc/self/gid_map", f"{gid} {gid} 1")
    _mount(libc, None, "/", None, MS_REC | MS_PRIVATE)
    if not os.path.isdir("/opt/ml"):
        _make_opt(libc)
    _mount(libc, root, "/opt/ml", None, MS_BIND | MS_REC)
    if here.startswith(root):
        here = "/opt/ml" + here[len(root) :]
    os.chdir(here)


def _make_opt(libc: ctypes.CDLL) -> None:
    """Create /opt/ml without write access to /opt: mount a tmpfs on /opt and bind the previous contents into it."""
    aside = tempfile.mkdtemp(prefix="opt-")
    _mount(libc, "/opt", aside, None, MS_BIND | MS_REC)
    _mount(libc, "tmpfs", "/opt", "tmpfs", 0)
    for name in os.listdir(aside):
        source, target = os.path.join(aside, name), os.path.join("/opt", name)
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
        elif os.path.isdir(source):
            os.mkdir(target)
            _mount(libc, source, target, None, MS_BIND | MS_REC)
        else:
            open(target, "w").close()
            _mount(libc, source, target, None, MS_BIND)
    os.mkdir("/opt/ml")
    _check(libc.umount2(aside.encode(), MNT_DETACH), "umount")
    os.rmdir(aside)


def _mount(libc: ctypes.CDLL, source: "str | None", target: str, kind: "str | None", flags: int) -> None:
    first = source.encode() if source else None
    third = kind.encode() if kind else None
    _check(libc.mount(first, target.encode(), third, flags, None), f"mount {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _write(path: str, text: str) -> None:
    with open(path, "w") as out:
        out.write(text)


if __name__ == "__main__":
    main()
