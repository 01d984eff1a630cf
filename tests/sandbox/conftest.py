"""Both kinds of walls, for tests that are to hold on each."""

from functools import cache

import pytest

from microgpt import sandbox
from microgpt.sandbox import Support, support


@pytest.fixture(params=["bubblewrap", "landlock"])
def walls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Support:
    """Let these be the walls that are found here, by this process and those that it starts."""
    kind: Support = request.param
    if kind == "landlock":
        monkeypatch.setenv("PATH", "/nonexistent")  # where no bubblewrap is
    if found(kind) != kind:
        pytest.skip(f"{kind} does not work here")
    monkeypatch.setattr(sandbox, "_walls", lambda: (kind, ""))
    return kind


@cache
def found(kind: Support) -> Support:
    """Return what is found with the PATH as it is now."""
    sandbox._walls.cache_clear()  # pyright: ignore[reportPrivateUsage]
    walls = support()
    sandbox._walls.cache_clear()  # pyright: ignore[reportPrivateUsage]
    return walls
