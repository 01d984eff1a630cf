"""From the command line to a model: which server, which key, and what is told of it. A real process, a real server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from microgpt.errors import ConfigError
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.tutor.voices.connect import Choice, Told, connect, disclosure
from microgpt.tutor.voices.trouble import Trouble

KEYS = {"claude": "ANTHROPIC_API_KEY", "compatible": "OPENAI_API_KEY"}


def tutor(home: Path, *args: str, typed: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "MICROGPT_DATA_DIR": str(home), "HOME": str(home), **environ}
    command = [sys.executable, "-m", "microgpt", "tutor", *args]
    return subprocess.run(
        command, input=typed, capture_output=True, text=True, env=env, timeout=60, cwd=home, check=False
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose learner has a name, so that no model is trained first."""
    with Store.open(tmp_path / "learner.db") as store:
        store.save_learner(Profile(id="me", name="Ada"))
    return tmp_path


@pytest.mark.slow
def test_a_lesson_at_a_base_url_sends_the_key_there_and_leaves_it_nowhere_else(server, act, home):
    voice = ["--voice", server.protocol, "--base-url", server.url, "--model", "any"]
    key = {KEYS[server.protocol]: act.secret, "ANTHROPIC_LOG": "", "OPENAI_LOG": ""}
    done = tutor(home, *voice, typed="why is that?\nq\n", **key)
    assert (done.returncode, done.stderr) == (0, "")
    assert act.harmless in " ".join(done.stdout.split())
    assert "The model, this time: cost unknown" in " ".join(done.stdout.split())
    assert f"microgpt tutor --voice {server.protocol} --model any --base-url {server.url}" in " ".join(
        done.stdout.split()
    )
    (sent,) = server.headers
    assert act.secret in " ".join(sent.values())
    assert act.secret not in done.stdout + server.requests[0].decode()
    files = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.name == "learner.db" for path in files)
    assert not any(act.secret.encode() in path.read_bytes() for path in files)


@pytest.mark.slow
def test_a_local_server_needs_no_key_and_nothing_leaves_the_machine(server, act, home):
    voice = ["--voice", server.protocol, "--base-url", server.url, "--model", "any"]
    done = tutor(home, *voice, typed="why is that?\nq\n", ANTHROPIC_API_KEY="", OPENAI_API_KEY="")
    assert act.harmless in " ".join(done.stdout.split())
    assert "With this voice," not in " ".join(done.stdout.split())


def test_without_a_key_a_line_says_so_and_the_lesson_is_taught_without_a_model(home):
    done = tutor(home, "--voice", "claude", typed="q\n", ANTHROPIC_API_KEY="")
    words = " ".join(done.stdout.split())
    assert words.startswith(
        "The claude voice needs a key in ANTHROPIC_API_KEY, and there is none. So: without a model."
    )
    assert "no key needed" in words
    assert done.returncode == 0
    with pytest.raises(Trouble, match="needs a key in OPENAI_API_KEY"):
        connect(Choice(voice="compatible", model="any"), {"ANTHROPIC_API_KEY": "k"})


@pytest.mark.parametrize(
    ("choice", "line"),
    [
        (Choice(model="any"), "are for a model. Try: add --voice claude"),
        (Choice(max_cost=1.0), "are for a model. Try: add --voice claude"),
        (Choice(voice="compatible"), "Try: add --model and its name"),
        (Choice(voice="claude", base_url="ftp://x"), "'ftp://x' is no web address"),
        (Choice(voice="claude", base_url="http://"), "is no web address"),
        (Choice(voice="claude", base_url="https:///v1"), "is no web address"),
        (Choice(voice="claude", base_url="https://[::1"), "is no web address"),
        (Choice(voice="claude", base_url="https://x:ab"), "is no web address"),
        (Choice(voice="claude", base_url="https://x:99999"), "is no web address"),
        (Choice(voice="claude", base_url="https://a b"), "is no web address"),
        (Choice(voice="claude", base_url="https://x\0y"), "is no web address"),
        (Choice(voice="claude", base_url="http://models.example.org"), "could read the key in ANTHROPIC_API_KEY"),
        (Choice(voice="compatible", model="any", base_url="http://10.0.0.7/v1"), "read the key in OPENAI_API_KEY"),
        (Choice(voice="claude", model="any", max_cost=1.0), "so --max-cost cannot be kept"),
    ],
)
def test_options_that_do_not_go_together_say_what_to_try(choice, line):
    with pytest.raises(ConfigError, match=line):
        connect(choice, {"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"})


@pytest.mark.parametrize("address", ["https://me:5ecre7@x", "https://x/v1?key=5ecre7", "https://x/#5ecre7"])
def test_a_secret_within_an_address_is_refused_and_not_repeated(address):
    with pytest.raises(ConfigError, match="--base-url holds more than an address") as refused:
        connect(Choice(voice="claude", base_url=address), {"ANTHROPIC_API_KEY": "k"})
    assert "5ecre7" not in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://models.example.org", "models.example.org"),
        ("http://localhost:1", "localhost"),
        ("https://[::1]:1", "::1"),
    ],
)
@pytest.mark.parametrize("voice", KEYS)
def test_a_server_that_needs_no_key_may_be_anywhere(voice, address, host):
    assert connect(Choice(voice=voice, model="any", base_url=address), {}).host == host


@pytest.mark.slow
@pytest.mark.parametrize("voice", KEYS)
def test_the_variable_that_an_sdk_knows_names_the_server_and_is_held_to_the_same_rules(voice, monkeypatch):
    name = {"claude": "ANTHROPIC_BASE_URL", "compatible": "OPENAI_BASE_URL"}[voice]
    choice = Choice(voice=voice, model="any")
    assert connect(choice, {name: "http://127.0.0.1:1"}).host == "127.0.0.1"
    with pytest.raises(ConfigError, match=f"{name} 'nowhere' is no web address"):
        connect(choice, {name: "nowhere"})
    with pytest.raises(ConfigError, match="could read the key"):
        connect(choice, {name: "http://models.example.org", KEYS[voice]: "k"})
    monkeypatch.setenv(name, "https://elsewhere.example.org")  # of this process, not of the learner's choice
    assert connect(choice, {KEYS[voice]: "k"}).host in ("api.anthropic.com", "api.openai.com")


def test_a_mistake_in_the_options_is_one_line(tmp_path):
    done = tutor(tmp_path, "--model", "any", typed="q\n")
    assert done.returncode == 2
    assert done.stderr.startswith("microgpt: --model, --base-url and --max-cost are for a model.")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("key", ["sk\nX-Evil: 1", "sk-ä", "sk\x00"])
def test_a_key_that_would_break_a_header_is_no_key(key):
    with pytest.raises(Trouble, match="is no key") as refused:
        connect(Choice(voice="claude"), {"ANTHROPIC_API_KEY": key})
    assert key not in str(refused.value)


def test_the_default_is_no_model_at_all():
    assert connect(Choice(), {"ANTHROPIC_API_KEY": "k"}) is None


def test_what_leaves_the_machine_is_told_once_for_each_learner_and_host(taught, server, act, tmp_path, one_idea):
    wire, told = server.wire(), Told(tmp_path / "told.txt")
    assert disclosure(wire) == ""
    wire.host = "models.example.org"
    line = "With this voice, models.example.org gets what you type in the lesson, what you said of yourself"
    shown = taught(wire, "q", told=told)
    assert re.search(rf"^{line}.*A GPT, line by line", shown)  # before anything else
    assert line not in taught(wire, "q", told=told)
    assert not told.has("ada", wire.host)
    wire.host = "elsewhere.example.org"
    assert "With this voice, elsewhere.example.org gets" in taught(wire, "q", told=told)
    assert not server.requests
    assert (tmp_path / "told.txt").stat().st_mode & 0o777 == 0o600
