"""What every test gets: time enough on a busy machine, a learner's data folder that is not the user's, small disks."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings

from microgpt.insights.course import load_course
from microgpt.insights.lock import make_lock, write_lock
from microgpt.learner.store import Store
from microgpt.tutor.session import current_state
from microgpt.tutor.tools import LessonTools, teachable


def _loopback_only(event: str, args: tuple[object, ...]) -> None:
    """Refuse every connection that would leave this machine; a path is a socket of the machine's own."""
    if event != "socket.connect":
        return
    address = args[1]
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise ConnectionRefusedError(f"a test tried to reach {address}: tests use loopback alone")


# One thread each for torch and NumPy: models this small gain nothing from more, and where tests run side by side,
# threads that wait for one another take the cores from all of them. The programs that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.addaudithook(_loopback_only)
settings.register_profile("microgpt", parent=settings(), deadline=None)  # under CI the parent draws the same every time
settings.load_profile("microgpt")


@pytest.fixture(scope="session")
def data_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a folder for each test, made when something is stored there.

    Counted here: `mktemp` looks through all folders that there are before it makes one, thousands at the end.
    """
    above = tmp_path_factory.mktemp("data")
    return (above / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def data_folder_of_its_own(data_folders: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGPT_DATA_DIR", str(next(data_folders)))


@pytest.fixture(autouse=True)
def command_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with an activated environment, so that a next command is told as ``microgpt``."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(autouse=True)
def stores_in_memory_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test may make as many as it likes; Python 3.13 warns of each that is left open."""
    make = Store.in_memory
    with ExitStack() as made:
        monkeypatch.setattr(Store, "in_memory", lambda: made.enter_context(make()))
        yield


@pytest.fixture(scope="session")
def averages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small course that can be taught, not to be changed."""
    course = Path(__file__).parent / "insights" / "fixtures" / "averages"
    folder = Path(shutil.copytree(course, tmp_path_factory.mktemp("course") / "averages"))
    write_lock(make_lock(load_course(folder)), folder)
    return folder


def study(
    store: Store, course: Path, learner: str, said: list[str], *, now: datetime, heard: bool = True, goal: str = ""
) -> datetime:
    """Let a learner answer questions, two minutes each, in the order that the tutor asks them; return the time then.

    Args:
        said: for each question ``right``, ``wrong``, ``reveal``, or a misconception whose answer is given where it has
            one, else the right one. Exercises, and questions that only measure, are skipped and not counted; at the
            end of the course the rest is left.
    """
    clock = [now]
    tools = LessonTools(
        store, clock=lambda: clock[0], heard=(lambda quote: True) if heard else None, may_run=lambda: False
    )
    turn, left = tools.start(str(course), goal, 0, learner), list(said)
    taught = teachable(str(course.resolve()))
    while left:
        clock[0] += timedelta(minutes=1)
        ask = current_state(store, turn.lesson, *store.snapshot(turn.lesson)).ask
        if ask is None and turn.move == "finish":
            tools.next(turn.lesson, turn.ack)
            break
        if ask is None:
            turn = tools.next(turn.lesson, turn.ack)
        elif ask.exercise or ask.holdout:
            turn = tools.skip(turn.lesson, ask.ask_id)
        elif (words := left.pop(0)) == "reveal":
            turn = tools.reveal(turn.lesson, ask.ask_id).then
        else:
            question = taught.questions(ask.insight)[ask.question]
            belief = question.shows[0] if words == "wrong" else words
            answer = question.answers.get(belief, question.key)
            text = answer if isinstance(answer, str) else f"I say {json.dumps(answer)}"
            turn = tools.answer(turn.lesson, ask.ask_id, text).then
    return clock[0]


@pytest.fixture(name="study", scope="session")
def studying() -> Callable[..., datetime]:
    """The function `study`, for tests that cannot import it from here."""
    return study


@pytest.fixture
def mount_disk() -> Iterator[Callable[[str], Path]]:
    """Give a function that mounts a real disk of a size such as ``48k``; skips where only root could.

    It is outside of pytest's folders: a run that is killed would leave a mount there, which the next could not clear.
    """
    with ExitStack() as mounted:

        def mount(size: str) -> Path:
            folder = mounted.enter_context(tempfile.TemporaryDirectory(prefix="microgpt-disk-"))
            command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder]
            if subprocess.run(command, capture_output=True).returncode:
                pytest.skip("a small disk can be mounted by root alone")
            # lazy: also when a failed test holds a file open
            mounted.callback(subprocess.run, ["umount", "--lazy", folder], check=True)
            return Path(folder)

        yield mount
