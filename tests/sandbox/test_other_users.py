"""The sandbox of somebody who is not root; both kinds of walls."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from microgpt.sandbox import Support

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become somebody else; this user is tested by all the others"
)
def test_it_works_for_a_user_who_is_not_root(walls: Support) -> None:
    kind, born, interrupted, *rest = as_nobody(AS_NOBODY).split()
    assert (kind, rest) == (walls, ["None", "None", "False", "None", "2"])
    assert interrupted == ("ignored" if walls == "bubblewrap" else "None")
    assert int(born) == 8 if walls == "bubblewrap" else 0 < int(born) < 100  # see `sandbox._others`


AS_NOBODY = """
from microgpt.sandbox import *
bomb = '''
import os, time
def fork():
    born = 0
    try:
        while True:
            if os.fork() == 0:
                time.sleep(99)
            born += 1
    except OSError:
        return born
'''
program = Program(files=(("subject", bomb),))
texts = ["fork()", "[os.kill(1, 2), 'ignored'][1]", "os.kill(1, 9)", "os.kill(-1, 9)"]
texts += ["os.getuid() == 0", "open('/new', 'w').write('x')", "1 + 1"]
jobs = [Job(program=program, expression=text, inputs={}) for text in texts]
print(support(), *[outcome.value for outcome in run_jobs(jobs)])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_belongs_to_the_same_user_is_out_of_reach_too(walls: Support) -> None:
    """Each of them works outside: the victims are the user's own."""
    kind, intact, *attacks = as_nobody(TO_ONES_OWN).splitlines()
    assert (kind, intact) == (walls, "intact")
    assert len(attacks) == 23
    assert [told for told in attacks if not told.startswith("refused, works outside: ")] == []


TO_ONES_OWN = """
import fcntl, os, resource, signal, socket, subprocess, sys
from pathlib import Path
from microgpt.sandbox import *

imports = "import fcntl, os, resource, signal, socket"
attacks = [
    "os.kill(who, 0)",
    "signal.pidfd_send_signal(os.pidfd_open(who), 0)",
    "resource.prlimit(who, resource.RLIMIT_CPU, (99, 99))",
    "os.setpriority(os.PRIO_PROCESS, who, 10)",
    "os.sched_setaffinity(who, {min(os.sched_getaffinity(0))})",
    "fcntl.fcntl(1, fcntl.F_SETOWN, who)",
    "open(f'/proc/{who}/environ').close()",
    "os.chmod(file, 0o640)",
    "os.chown(file, -1, -1)",
    "os.utime(file, (1, 1))",
    "open(file).close()",
    "os.listdir(folder)",
    "os.truncate(file, 3)",
    "os.close(os.open(file, os.O_RDONLY | os.O_TRUNC))",
    "open(file, 'a').close()",
    "os.mkdir(folder + '/new')",
    "os.symlink('x', folder + '/link')",
    "os.mkfifo(folder + '/fifo')",
    "os.link(file, file + '2')",
    "os.rename(file, file + '3')",
    "socket.socket(socket.AF_UNIX).close()",
    "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', mailbox)",
    "os.posix_spawn('/bin/true', ['true'], {})",
]
victim = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
folder = Path("mine").absolute()
folder.mkdir()
file = folder / "canary"
file.write_text("alive")
before = file.stat()
mailbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
mailbox.bind("mailbox")
names = {"who": victim.pid, "file": str(file), "folder": str(folder), "mailbox": str(Path("mailbox").absolute())}
program = Program(files=(("attack", imports),))
outcomes = run_jobs([Job(program=program, expression=text, inputs=names) for text in attacks])
print(support())
same = file.stat() == before and file.read_text() == "alive" and [*folder.iterdir()] == [file]
print("intact" if same and victim.poll() is None else "harmed")
for text, outcome in zip(attacks, outcomes):
    refused = any(name in outcome.detail for name in ("PermissionError", "FileNotFoundError", "ProcessLookupError"))
    try:
        eval(text, globals(), names)
        works = "works outside"
    except OSError as error:
        works = repr(error)
    print(f"{'refused' if refused else outcome}, {works}: {text}")
victim.communicate(b"\\n")
"""


def as_nobody(script: str) -> str:
    """Run a script as a user who is not root, in an empty folder of its own, and return what it prints."""
    python = interpreter_for_everybody()
    with tempfile.TemporaryDirectory() as folder:  # pytest's own would be closed to others
        shutil.chown(folder, 65534, 65534)
        package = Path(folder, "microgpt")
        shutil.copytree(REPOSITORY / "microgpt" / "sandbox", package / "sandbox")
        for name in ("__init__.py", "errors.py"):
            shutil.copy(REPOSITORY / "microgpt" / name, package / name)
        command = [python, "-c", script]
        told = subprocess.run(command, user=65534, group=65534, cwd=folder, capture_output=True, text=True)
    assert told.stderr == ""
    return told.stdout


def interpreter_for_everybody() -> str:
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        check = [python, "-c", "import sys; assert sys.version_info >= (3, 11)"]
        try:
            if subprocess.run(check, user=65534, group=65534, capture_output=True).returncode == 0:
                return python
        except OSError:
            continue
    pytest.skip("no interpreter that a user other than root may run")
