import os
import platform

import pytest

from mien.experiments import system_libraries
from mien.experiments.system_libraries import LIBRARIES, can_load, install_line, missing_libraries


def on_distribution(monkeypatch, release, *, uid=0):
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    monkeypatch.setattr(os, "geteuid", lambda: uid)


def test_loader_finds_the_c_library_and_not_an_invented_one():
    assert can_load("libc.so.6")
    assert not can_load("libmien-does-not-exist.so.1")


def test_only_absent_libraries_are_missing(monkeypatch):
    monkeypatch.setattr(system_libraries, "can_load", lambda name: name != "libGL.so.1")
    monkeypatch.setattr(system_libraries.sys, "platform", "linux")
    assert [library.name for library in missing_libraries()] == ["libGL.so.1"]


def test_no_library_is_asked_for_elsewhere(monkeypatch):
    monkeypatch.setattr(system_libraries, "can_load", lambda *_: False)
    monkeypatch.setattr(system_libraries.sys, "platform", "darwin")
    assert missing_libraries() == ()


@pytest.mark.parametrize(
    ("release", "uid", "line"),
    [
        ({"ID": "debian"}, 0, "apt-get update && apt-get install -y libegl1 libgles2"),
        (
            {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"},
            1000,
            "sudo apt-get update && sudo apt-get install -y libegl1 libgles2",
        ),
        ({"ID": "fedora"}, 0, "dnf install -y libglvnd-egl libglvnd-gles"),
        (
            {"ID": "rocky", "ID_LIKE": "rhel centos fedora"},
            1000,
            "sudo dnf install -y libglvnd-egl libglvnd-gles",
        ),
        (
            {"ID": "arch"},
            0,
            "Install the system packages that hold libEGL.so.1, libGLESv2.so.2 "
            "(libglvnd and glib on most systems).",
        ),
    ],
)
def test_install_line_of_each_distribution(monkeypatch, release, uid, line):
    on_distribution(monkeypatch, release, uid=uid)
    assert install_line(LIBRARIES[:2]) == line


def test_a_system_without_os_release_gets_the_general_advice(monkeypatch):
    def absent():
        raise OSError("no os-release")

    monkeypatch.setattr(platform, "freedesktop_os_release", absent)
    assert install_line(LIBRARIES[2:3]).startswith("Install the system packages that hold libGL.so")
