"""Runs a command in a network of its own and records every frame that it sends.

    network_watcher.py FOLDER COMMAND...

The network has one interface, the loopback, and every route leads there, also that to the name
server. So a packet for any place arrives where a raw socket records it. ``FOLDER/frames.json``
holds the frames; the exit status is the command's, or 77 where the kernel allows no such network.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

NO_NETWORK = 77
NAME_SERVER = "192.0.2.53"
SECONDS_MORE = 1.0
"""How long is watched after the command has ended."""

_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 1 << 12, 1 << 14, 1 << 18
_SIOCADDRT, _SIOCSIFFLAGS, _IFF_UP, _RTF_UP = 0x890B, 0x8914, 1, 1
_ETH_P_ALL = 3
_libc = ctypes.CDLL(None, use_errno=True)


def main(folder: Path, command: Sequence[str]) -> int:
    try:
        leave_the_network()
        ask_the_name_server_directly(folder)
        route_everything_to_the_loopback()
        recorder = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
    except OSError as error:
        print(error, file=sys.stderr)
        return NO_NETWORK
    frames, status = run_watched(command, recorder)
    (folder / "frames.json").write_text(json.dumps([frame.decode("latin-1") for frame in frames]))
    return status


def leave_the_network() -> None:
    user, group = os.geteuid(), os.getegid()
    try:
        _call("unshare", _CLONE_NEWNET | _CLONE_NEWNS)
    except PermissionError:
        _call("unshare", _CLONE_NEWNET | _CLONE_NEWNS | _CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def ask_the_name_server_directly(folder: Path) -> None:
    """No daemon of the machine may look names up for the command, where it would not be seen."""
    _call("mount", None, b"/", None, _MS_REC | _MS_PRIVATE, None)
    _replace("/etc/resolv.conf", f"nameserver {NAME_SERVER}\noptions timeout:1\n", folder)
    _replace("/etc/nsswitch.conf", "hosts: files dns\n", folder)
    if Path("/run/nscd").is_dir():
        _call("mount", b"none", b"/run/nscd", b"tmpfs", 0, None)


def route_everything_to_the_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
        anywhere = struct.pack("h14x", socket.AF_INET)
        name = ctypes.create_string_buffer(b"lo")
        route = struct.pack(
            "L16s16s16sHhLPhPLLH",  # rtentry
            *(0, anywhere, anywhere, anywhere, _RTF_UP, 0, 0, 0, 0),
            *(ctypes.addressof(name), 0, 0, 0),
        )
        fcntl.ioctl(control, _SIOCADDRT, route)
    if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
            interface = socket.if_nametoindex("lo")
            route = struct.pack("48xIHHILIi", 0, 0, 0, 1, 0, _RTF_UP, interface)  # in6_rtmsg
            fcntl.ioctl(control, _SIOCADDRT, route)


def run_watched(command: Sequence[str], recorder: socket.socket) -> tuple[list[bytes], int]:
    frames: list[bytes] = []
    end = None
    with subprocess.Popen(command) as process:
        while end is None or time.monotonic() < end:
            if select.select([recorder], [], [], 0.1)[0]:
                frames.append(recorder.recv(65535))
            if end is None and process.poll() is not None:
                end = time.monotonic() + SECONDS_MORE
    return frames, process.returncode


def _replace(path: str, text: str, folder: Path) -> None:
    ours = folder / Path(path).name
    ours.write_text(text)
    _call("mount", bytes(ours), path.encode(), None, _MS_BIND, None)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
