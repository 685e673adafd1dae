"""A process owns what it watches for exactly as long as it lives: shown with real ones, stopped and killed."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rights import as_nobody
from wan_mcp.adapters.owners import Owner
from wan_mcp.domain.errors import LedgerUnusable

SCRIPT = """
import sys
from pathlib import Path
from wan_mcp.adapters.owners import Owner
owner = Owner(Path(sys.argv[1]))
print(owner.id, flush=True)
sys.stdin.read()
owner.close()
"""


@contextmanager
def another(folder: Path) -> Generator[tuple[str, subprocess.Popen[str]]]:
    """Another process that owns something, and its id as an owner."""
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


@pytest.fixture
def owner(tmp_path: Path) -> Generator[Owner]:
    """This process."""
    made = Owner(tmp_path / "owners")
    yield made
    made.close()


def files(folder: Path) -> list[str]:
    """The owners that have a file."""
    return sorted(path.stem for path in folder.iterdir())


def test_this_process_lives(owner: Owner) -> None:
    """It must never take over from itself."""
    assert owner.lives(owner.id)
    assert owner.id.startswith(f"{os.getpid()}-")


def test_two_owners_of_one_process_are_two(owner: Owner, tmp_path: Path) -> None:
    """A test opens two services; each sees that the other lives, and that it ends."""
    other = Owner(tmp_path / "owners")
    assert other.id != owner.id
    assert owner.lives(other.id)
    assert other.lives(owner.id)

    other.close()
    assert not owner.lives(other.id)


def test_an_owner_that_never_was_does_not_live(owner: Owner) -> None:
    """Its file is gone with it: somebody tidied up, or the disk was restored."""
    assert not owner.lives("1-abc")


def test_a_killed_process_lives_no_longer(owner: Owner, tmp_path: Path) -> None:
    """kill -9 leaves no time for anything; the kernel lets go of the lock all the same."""
    with another(tmp_path / "owners") as (id, process):
        assert owner.lives(id)
        process.send_signal(signal.SIGKILL)
        process.wait(10)

        assert not owner.lives(id)
        assert id in files(tmp_path / "owners"), "nobody removed its file"


def test_a_frozen_process_lives(owner: Owner, tmp_path: Path) -> None:
    """A laptop that slept over its lease has submitted twice elsewhere: 36 times in one of nine runs."""
    with another(tmp_path / "owners") as (id, process):
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)

        assert owner.lives(id)
        process.send_signal(signal.SIGCONT)
        assert owner.lives(id)


def test_a_process_that_ends_well_leaves_nothing(owner: Owner, tmp_path: Path) -> None:
    """From then on others may take over, at once."""
    with another(tmp_path / "owners") as (id, process):
        process.communicate()

        assert not owner.lives(id)
        assert files(tmp_path / "owners") == [owner.id]


def test_asking_does_not_take_the_lock_for_good(owner: Owner, tmp_path: Path) -> None:
    """Two that ask about the same dead process at the same moment must both hear the truth in the end."""
    with another(tmp_path / "owners") as (id, process):
        process.kill()
        process.wait(10)

        assert [owner.lives(id) for _ in range(3)] == [False] * 3


def test_what_dead_processes_left_is_swept_away(owner: Owner, tmp_path: Path) -> None:
    """One small file for each crash would be thousands in the end; those of the living stay."""
    folder = tmp_path / "owners"
    (folder / "readme.txt").touch()
    with another(folder) as (dead, killed), another(folder) as (alive, _):
        killed.kill()
        killed.wait(10)
        assert files(folder) == sorted([dead, alive, owner.id, "readme"])

        owner.sweep()

        assert files(folder) == sorted([alive, owner.id, "readme"])
        assert owner.lives(alive)
        assert owner.lives(owner.id)


def test_the_folder_and_its_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """They stand beside the ledger, whatever the umask."""
    was = os.umask(0)
    try:
        made = Owner(tmp_path / "deep" / "owners")
    finally:
        os.umask(was)

    assert stat.S_IMODE((tmp_path / "deep" / "owners").stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep" / "owners").iterdir()] == [0o600]
    made.close()


def test_a_folder_that_cannot_be_written_is_told_in_words() -> None:
    """Without a lock nobody could say who watches what: nothing is started."""
    with as_nobody() as folder:
        folder.chmod(0o500)
        with pytest.raises(LedgerUnusable, match="Permission denied") as raised:
            Owner(folder / "owners")

    assert raised.value.money_moved == "no"
    assert raised.value.next_step


def test_a_file_of_another_user_counts_as_alive() -> None:
    """Nobody can tell, and a task with two watchers is worse than one with none."""
    with as_nobody() as folder:
        owner = Owner(folder / "owners")
        (folder / "owners" / "1-other.lock").touch(mode=0o000)

        assert owner.lives("1-other")
        owner.sweep()
        assert owner.lives("1-other")
        owner.close()


@pytest.mark.skipif(sys.platform == "win32", reason="bounds of a process are POSIX's")
def test_where_nobody_can_tell_the_other_lives(owner: Owner, tmp_path: Path) -> None:
    """No file can be opened just now: a task must not have two watchers, and the watch of all must not end over it."""
    import resource

    with another(tmp_path / "owners") as (id, _):
        free = os.dup(0)
        os.close(free)
        most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, most[1]))
        try:
            assert owner.lives(id)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, most)
