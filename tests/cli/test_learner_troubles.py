"""Every command about a learner, in a world of newer versions, broken bytes, full disks, other users and neighbours.

Each either does its work or says in one line what to do, with exit 2, and the record is as it was.
`tests/learner/test_database.py` has the file below; `tests/tutor/test_survival.py` a lesson.
"""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from microgpt.cli import main
from microgpt.learner.database import default_path
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store

READ = {
    "progress": ["progress"],
    "progress --json": ["progress", "--json"],
    "review": ["review"],
    "list": ["learner", "list"],
    "show": ["learner", "show"],
    "export": ["learner", "export"],
    "export --anki": ["learner", "export", "--anki"],
}
WRITE = {
    "edit": ["learner", "edit", "--name", "Eve"],
    "correct": ["learner", "correct", "me-averages/ANSWER", "not mine"],
    "forget": ["learner", "forget", "--yes"],
}
EVERY = {**READ, **WRITE}
Call = Callable[[list[str]], "subprocess.CompletedProcess[str]"]
NOBODY = 65534
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user, or mount a small disk")

# What a command needs is imported before it becomes another user, who may not be able to read where it is.
CALL = """
import os, sys
import encodings.utf_8_sig, microgpt.cli.learner, microgpt.cli.progress, microgpt.cli.review, microgpt.cli.tutor
import microgpt.play, microgpt.learner.export, microgpt.learner.forget, microgpt.tutor.cards, microgpt.tutor.correct
import microgpt.tutor.standing
from microgpt.cli import main
if int(sys.argv[1]):
    os.setgid(int(sys.argv[1])), os.setuid(int(sys.argv[1]))
main(sys.argv[2:])
"""


@pytest.fixture(name="record")
def recorded(averages: Path, study: Callable[..., datetime]) -> Path:
    return record(averages, study)


def record(course: Path, study: Callable[..., datetime]) -> Path:
    """Make a record, and close it: nothing is due, so that `review` only looks."""
    with Store.open(default_path(os.environ)) as store:
        store.save_learner(Profile(id="me", name="Ada"))
        study(store, course, "me", ["right", "wrong"] * 4, now=datetime.now(UTC) - timedelta(hours=1))
        WRITE["correct"][2] = store.answers("me-averages")[0].id
    return default_path(os.environ)


def call(args: list[str], *, user: int = 0) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process of its own, as another user where one is named."""
    return subprocess.run(
        [sys.executable, "-c", CALL, str(user), *args], capture_output=True, text=True, check=False, timeout=60
    )


def refused(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    """Check that a command ended with one line that says what to do."""
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("microgpt: ")
    assert done.stderr.count("\n") == 1
    assert any(word in done.stderr for word in words), done.stderr


def folder(record: Path) -> dict[str, bytes]:
    """Return what lies in the record's folder, less SQLite's shared memory, which holds nothing to keep."""
    return {file.name: file.read_bytes() for file in record.parent.iterdir() if not file.name.endswith("-shm")}


def damage(record: Path, how: str) -> None:
    match how:
        case "newer":
            with closing(sqlite3.connect(record)) as db:
                db.execute("PRAGMA user_version = 99")
        case "a text file":
            record.write_text("Dear diary,\n" * 1000)
        case "half":
            os.truncate(record, record.stat().st_size // 2)
        case _:
            size = record.stat().st_size
            with record.open("r+b") as file:
                file.seek(size // 8)
                file.write(random.Random(0).randbytes(size * 3 // 4))


@pytest.fixture
def call_here(capsys: pytest.CaptureFixture[str]) -> Call:
    """Return a function that runs a command in this process, which takes a tenth of the time."""

    def run(args: list[str]) -> "subprocess.CompletedProcess[str]":
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(args)
        return subprocess.CompletedProcess(args, int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.mark.slow
@pytest.mark.parametrize("how", ["newer", "a text file", "half", "the middle"])
@pytest.mark.parametrize("command", EVERY)
def test_a_record_that_cannot_be_read_is_one_line_and_left_as_it_is(
    record: Path, call_here: Call, command: str, how: str
) -> None:
    damage(record, how)
    before = folder(record)
    done = call_here(EVERY[command])
    if done.returncode == 0:  # what it reads was not damaged
        assert how in ("half", "the middle")
        return
    refused(done, "left as it is", "It was left as it is")
    assert folder(record) == before


@pytest.fixture
def home_of_another(averages: Path, study: Callable[..., datetime], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A record, and its course, that every user can read: outside of pytest's folders, which it keeps closed."""
    with tempfile.TemporaryDirectory(prefix="microgpt-home-") as made:
        home = Path(made)
        home.chmod(0o755)
        monkeypatch.setenv("MICROGPT_DATA_DIR", str(home))
        course = Path(shutil.copytree(averages, home / "averages"))
        (home / "learner.db").touch(0o644)
        record(course, study)
        yield home


@pytest.mark.slow
@AS_ROOT
@pytest.mark.parametrize("command", EVERY)
def test_in_a_home_that_cannot_be_written_what_only_looks_works_and_the_rest_is_one_line(
    home_of_another: Path, command: str
) -> None:
    before = (home_of_another / "learner.db").read_bytes()
    done = call(EVERY[command], user=NOBODY)
    if command in READ:
        assert done.returncode == 0, done.stderr
        assert done.stdout == call(EVERY[command]).stdout
    else:
        refused(done, "MICROGPT_DATA_DIR")
    assert {path.name for path in home_of_another.iterdir()} == {"learner.db", "averages"}
    assert (home_of_another / "learner.db").read_bytes() == before
    home_of_another.chmod(0o700)  # and now it cannot even be looked into
    refused(call(EVERY[command], user=NOBODY), "MICROGPT_DATA_DIR")


@pytest.mark.slow
@AS_ROOT
@pytest.mark.parametrize("command", EVERY)
def test_on_a_full_disk_a_command_works_or_is_one_line_and_nothing_is_lost(
    record: Path, command: str, mount_disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = mount_disk("1m")
    (disk / "learner.db").write_bytes(record.read_bytes())
    free = os.statvfs(disk)
    (disk / "ballast").write_bytes(bytes(free.f_bavail * free.f_bsize))
    monkeypatch.setenv("MICROGPT_DATA_DIR", str(disk))
    before = (disk / "learner.db").read_bytes()
    done = call(EVERY[command])
    if done.returncode:
        refused(done, "disk is full")
        assert (disk / "learner.db").read_bytes() == before
    (disk / "ballast").unlink()
    again = call(EVERY[command])
    assert again.returncode == 0, again.stderr


@pytest.fixture
def neighbour(record: Path) -> Iterator[None]:
    """Another process that holds the record, as one does that has been writing for long."""
    code = """
import sys
from pathlib import Path
from microgpt.learner.store import Store
with Store.open(Path(sys.argv[1])) as store, store.transaction("other"):
    print("held", flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-c", code, str(record)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == "held\n"
        yield
        process.stdin.close()


@pytest.mark.slow
@pytest.mark.usefixtures("neighbour")
@pytest.mark.parametrize("command", EVERY)
def test_while_another_process_writes_what_only_looks_works_and_the_rest_waits_and_then_says_so(
    record: Path, call_here: Call, command: str
) -> None:
    done = call_here(EVERY[command])
    if command in READ:
        assert done.returncode == 0, done.stderr
    else:
        refused(done, "is in use")
    with Store.to_read(record) as store:
        assert store.learner("me") == Profile(id="me", name="Ada")
