"""The lock as a file: whole at any moment, read or refused, never half a lock."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgpt.errors import CourseError
from microgpt.insights.course import load_course
from microgpt.insights.lock import Lock, lock_path, make_lock, read_lock, render_lock, write_lock


def test_the_same_course_gives_the_same_bytes_and_reads_back_as_it_was(lock: Lock, folder: Path) -> None:
    write_lock(lock, folder)
    before = lock_path(folder).read_bytes()
    assert read_lock(folder) == lock
    again = make_lock(load_course(folder))
    write_lock(again, folder)
    assert lock_path(folder).read_bytes() == before
    assert lock_path(folder).stat().st_mode & 0o777 == 0o644
    assert os.listdir(folder).count("course.lock.json") == 1
    assert not list(folder.glob("tmp*"))


def test_whoever_reads_while_a_lock_is_written_reads_the_whole_one_before(lock: Lock, folder: Path) -> None:
    write_lock(lock, folder)
    with lock_path(folder).open() as reader:
        write_lock(Lock(course="other", insights={}), folder)
        assert reader.read() == render_lock(lock)


def test_one_question_stands_on_one_line(lock: Lock) -> None:
    lines = render_lock(lock).split("\n")
    assert sum('"inputs"' in line for line in lines) == sum(len(i.questions) for i in lock.insights.values())
    assert all(line.count('"inputs"') <= 1 for line in lines)


def test_a_missing_lock_says_how_to_make_one(folder: Path) -> None:
    with pytest.raises(CourseError, match=f"Try: microgpt course lock {folder}"):
        read_lock(folder)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_a_damaged_lock_is_read_or_refused_but_never_breaks(lock: Lock, folder: Path, data: st.DataObject) -> None:
    text = render_lock(lock)
    start = data.draw(st.integers(0, len(text)))
    filler = data.draw(st.sampled_from(["", "null", "[]", "{}", '"', "NaN", "1", "[" * 3000, "\x00", "é"]))
    cut = data.draw(st.sampled_from([0, 1, 5, 30, len(text)]))
    lock_path(folder).write_text(text[:start] + filler + text[start + cut :])
    try:
        assert isinstance(read_lock(folder), Lock)
    except CourseError as error:
        said = str(error)
        assert "Try: microgpt course lock" in said


def test_a_lock_of_another_version_is_refused(lock: Lock, folder: Path) -> None:
    lock_path(folder).write_text(render_lock(lock).replace("microgpt/lock/1", "microgpt/lock/2"))
    with pytest.raises(CourseError, match="another version"):
        read_lock(folder)


def test_interrupted_while_it_is_written_a_lock_leaves_nothing_behind(
    lock: Lock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = sorted(os.listdir(folder))
    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_lock(lock, folder)
    assert sorted(os.listdir(folder)) == before


def test_on_a_full_disk_the_lock_before_is_still_whole(lock: Lock, mount_disk: Callable[[str], Path]) -> None:
    tiny_disk = mount_disk("64k")
    write_lock(lock, tiny_disk)
    before = lock_path(tiny_disk).read_bytes()
    (tiny_disk / "filler").write_bytes(b"x" * (64 * 1024 - len(before) - 8192))
    with pytest.raises(CourseError, match="No space left on device; the lock before is still whole"):
        write_lock(lock, tiny_disk)
    assert lock_path(tiny_disk).read_bytes() == before
    assert sorted(os.listdir(tiny_disk)) == ["course.lock.json", "filler"]
