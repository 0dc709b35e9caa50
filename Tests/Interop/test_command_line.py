"""`doorward` as its owner meets it in a shell: commands, exit codes, complaints, and the log."""

import os
import re
import subprocess

import pytest
from conftest import SLOWNESS
from daemon import BINARY


def doorward(*arguments, **environment):
    variables = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=20 * SLOWNESS, env=variables)


def test_help_and_version_are_printed_and_succeed():
    for arguments in (["--help"], ["-h"], ["help"], ["run", "--help"]):
        result = doorward(*arguments)
        assert (result.returncode, result.stderr) == (0, "")
        assert "doorward run" in result.stdout and "--version" in result.stdout
    result = doorward("--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(r"doorward \d+\.\d+\.\d+\n", result.stdout)


@pytest.mark.parametrize("arguments", [[], ["dance"], ["run", "fast"], ["run", "--config"], ["run", "--set", "web.port"]])
def test_a_wrong_command_line_is_2_and_shows_how_it_is_right(arguments):
    result = doorward(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("doorward: ")
    assert "usage:" in result.stderr


def test_devices_lists_what_there_is():
    result = doorward("devices")
    assert (result.returncode, result.stderr) == (0, "")
    titles = [line for line in result.stdout.splitlines() if line and not line.startswith(" ")]
    assert titles == ["cameras", "microphones", "speakers", "GPIO lines"]


def test_a_sound_configuration_is_0(tmp_path):
    result = doorward("check")
    assert (result.returncode, result.stdout, result.stderr) == (0, "the default configuration: sound\n", "")
    file = tmp_path / "door.yaml"
    file.write_text("web:\n  port: 80\n")
    for arguments in (["check", file], ["check", "--config", file]):
        result = doorward(*arguments)
        assert (result.returncode, result.stdout, result.stderr) == (0, f"{file}: sound\n", "")


def test_every_fault_of_a_configuration_is_named_by_file_line_and_key(tmp_path):
    file = tmp_path / "door.yaml"
    file.write_text("web:\n  prot: 80\nvideo:\n  width: wide\n  frame_rate: 1000\ncalls:\n  ring_timeout_ms: -1\n")
    for command in ("check", "run", "ring"):
        result = doorward(command, "--config", file, "--set", "door.nmae=X", MAX_CALL_DURATION_MS="long")
        assert (result.returncode, result.stdout) == (2, "")
        lines = result.stderr.splitlines()
        for line, key in ((2, "web.prot"), (4, "video.width"), (5, "video.frame_rate"), (7, "calls.ring_timeout_ms")):
            assert any(re.match(rf"{re.escape(str(file))}:{line}(:\d+)?: {key}: ", text) for text in lines), result.stderr
        assert any("MAX_CALL_DURATION_MS" in text for text in lines)
        assert any("--set door.nmae" in text for text in lines)
        assert len(lines) == 6


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "No such file"), ("web: [", ":1"), ("web: 5\n", "web"), ("- web\n", ":1:1: wants sections"), ("a: &a [*a]\n", ":1")],
)
def test_a_file_that_is_none_is_2(tmp_path, content, complaint):
    file = tmp_path / "door.yaml"
    if content is not None:
        file.write_text(content)
    result = doorward("check", file)
    assert result.returncode == 2
    assert str(file) in result.stderr and complaint in result.stderr


def test_ringing_without_a_daemon_is_1(tmp_path):
    result = doorward("ring", "--set", f"state.folder={tmp_path}")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("doorward: no daemon is running")
    assert str(tmp_path) in result.stderr


def test_ringing_tells_how_many_pages_ring(daemon, open_page):
    folder = ["--set", f"state.folder={daemon.state_folder}"]
    result = doorward("ring", *folder)
    assert (result.returncode, result.stdout, result.stderr) == (0, "ringing 0 open pages\n", "")
    page = open_page()
    page.next("call-incoming")  # who opens the page because it rang finds it ringing
    result = doorward("ring", *folder)
    assert (result.returncode, result.stdout) == (0, "ringing 1 open page\n")
    daemon.wait_for_log("the button was pressed; no page rings")
    daemon.wait_for_log("the button was pressed again")


def test_a_second_daemon_on_the_port_is_1_and_the_first_keeps_its_bell(daemon):
    arguments = ["--set", f"web.port={daemon.port}", "--set", f"state.folder={daemon.state_folder}"]
    result = doorward("run", *arguments)
    assert result.returncode == 1
    complaint = f"  error    cannot serve the page: another program already listens on port {daemon.port}\n"
    assert result.stderr.endswith(complaint)
    daemon.ring()


def test_the_log_tells_what_was_chosen_and_why(start_daemon):
    daemon = start_daemon(
        {
            "door.name": "Garden gate",
            "video.source": "auto",
            "audio.capture": "auto",
            "audio.playback": "auto",
            "button.enabled": "true",
        }
    )
    for device in ("camera", "microphone", "speaker", "button"):
        daemon.wait_for_log(rf"(?m)  (info|warning) +{device}: ")
    # each entry: the local time, the level, the subject; none of a developer's
    for line in daemon.log.splitlines():
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}  (info|warning|error)  +[a-z]+", line), line
    log = daemon.log
    assert "doorward" in log and "starts as “Garden gate”" in log
    assert re.search(r"certificate: made a new one, kept in /", log)
    assert re.search(rf"page: http://localhost:{daemon.port}/\n", log)
    assert re.search(rf"page: http://10\.77\.0\.1:{daemon.port}/\n", log)
    status = daemon.status()
    reason = r"(?:, because \S.+|, (?:as configured|the only .+|the first .+))\n"
    stand_in = {"camera": r"test card, [^\n]*", "microphone": "a quiet tone", "speaker": "none"}
    for device, words in stand_in.items():
        pattern = rf"{device}: {words if status[device] != 'live' else '.+'}{reason}"
        assert re.search(pattern, log), f"{pattern}\n{log}"
    assert re.search(r"button: (none, because .+; “doorward ring” rings all the same|.+)\n", log)


def test_settings_that_were_chosen_are_said_to_be(daemon):
    for line in (
        r"camera: test card.*, because it is configured",
        "microphone: a quiet tone, because it is configured",
        "speaker: none, because it is configured",
    ):
        daemon.wait_for_log(line)
    assert "button:" not in daemon.log


def test_a_device_that_is_named_and_not_there_is_a_warning(start_daemon):
    daemon = start_daemon(
        {
            "video.source": "camera",
            "video.device": "/dev/video99",
            "audio.capture": "device",
            "audio.capture_device": "plughw:CARD=Nothing",
            "audio.playback": "device",
            "audio.playback_device": "plughw:CARD=Nothing",
            "button.enabled": "true",
            "button.line": "BELL",
        }
    )
    for device in ("camera: no picture", "microphone: silence", "speaker: none", "button: none"):
        daemon.wait_for_log(rf"warning  {device}, because .+")
    assert daemon.status()["camera"] == "none"


def test_under_systemd_the_journal_gets_priorities_in_place_of_times(tmp_path):
    # the daemon compares the variable with its standard error, as systemd.exec(5) asks
    with (tmp_path / "journal").open("wb") as journal:
        information = os.fstat(journal.fileno())
        variables = {**os.environ, "JOURNAL_STREAM": f"{information.st_dev}:{information.st_ino}"}
        arguments = ["run", "--set", "web.port=0", "--set", "web.folder=/nowhere", "--set", f"state.folder={tmp_path}"]
        result = subprocess.run([BINARY, *arguments], stderr=journal, env=variables, timeout=20 * SLOWNESS)
    assert result.returncode == 1
    lines = (tmp_path / "journal").read_text().splitlines()
    assert lines[0].startswith("<6>doorward ")
    assert lines[-1] == "<3>cannot serve the page: the page folder /nowhere has no index.html"
