"""PeerConnection as a library: the example in this package, the same as a package from outside, and what a peer weighs."""

import os
import shutil
import subprocess

import pytest
from conftest import SLOWNESS
from daemon import BINARY, ROOT

EXAMPLE = ROOT / "Tests" / "Examples" / "TwoPeers"


def says_that_the_call_went_well(output):
    assert "Alice: connected\n" in output and "Bob: connected\n" in output
    assert "Bob: audio comes\n" in output
    assert "Alice read: I do!\n" in output and "Bob read: Do you hear me?\n" in output
    assert "Bob heard 50 packets of Alice's sound\n" in output
    assert output.endswith("Alice: closed at the end\nBob: closed at the end\n")


def run(program):
    result = subprocess.run([program], capture_output=True, text=True, timeout=20 * SLOWNESS)
    assert result.returncode == 0, result.stderr
    says_that_the_call_went_well(result.stdout)


def test_two_peers_in_one_process_hold_a_call():
    run(BINARY.parent / "two-peers")


@pytest.mark.skipif("DOORWARD_BINARY" in os.environ, reason="what is cross-built is tested as it was built")
def test_a_package_from_outside_needs_nothing_but_the_product(tmp_path):
    package = tmp_path / "two-peers"
    shutil.copytree(EXAMPLE, package, ignore=shutil.ignore_patterns(".build"))
    manifest = package / "Package.swift"
    manifest.write_text(manifest.read_text().replace('"../../.."', f'"{ROOT}"'))
    # a folder that outlives the test, so that only what has changed is compiled again
    scratch = ROOT / ".build" / "two-peers-from-outside"
    command = ["swift", "build", "--package-path", package, "--scratch-path", scratch]
    build = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert build.returncode == 0, build.stdout + build.stderr
    run(scratch / "debug" / "two-peers")


@pytest.mark.skipif("DOORWARD_BINARY" in os.environ, reason="qemu has memory of its own")
def test_peers_come_and_go_without_growth_and_an_idle_one_is_light():
    result = subprocess.run([BINARY.parent / "benchmark-peer", "0", "40"], capture_output=True, text=True, timeout=120)
    print(result.stdout)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "one idle peer of 40: " in result.stdout and "growth over " in result.stdout
