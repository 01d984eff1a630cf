"""A course of one line that is fitted to points, with beliefs that deserve every verdict of an experiment."""

from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from microgpt.cli import app

LINE = """
def loss(w, points):
    return sum((w * x - y) ** 2 for x, y in points) / len(points)


def slope(w, points):
    return sum(2 * x * (w * x - y) for x, y in points) / len(points)


def scale(points):
    return 1.0


def fit(points, steps, rate=0.002):
    w = 0.0
    for _ in range(steps):
        if loss(w, points) == 0:
            break
        w = w - rate * slope(w, points) * scale(points)
    return w


def double(x):
    return 2 * x
"""


EXPERIMENT = """
import random

def measure(documents, seed, steps):
    rng = random.Random(seed)
    points = [(x, 3 * x + rng.gauss(0, 0.1)) for x in (rng.uniform(-1, 1) for _ in range(50))]
    w = fit(points, steps)
    return sum((w * x - 3 * x) ** 2 for x in range(1, 4)) if scale(points) != 100 else None


def gradients():
    points, w, h = [(0.5, 1.0), (1.0, 4.0)], 0.7, 1e-5
    return [loss(w, points), [slope(w, points)], [(loss(w + h, points) - loss(w - h, points)) / (2 * h)]]
"""


# anchor, mutant: each is an insight with one misconception, of the same name
BELIEFS = {
    "slower": ("fit", "- rate=0.002\n+ rate=0.0001"),
    "faster": ("fit", "- rate=0.002\n+ rate=0.02"),
    "the-same": ("slope", "- 2 * x * (\n+ x * 2 * ("),
    "backwards": ("fit", "- w = w - rate\n+ w = w + rate"),
    "backward-only": ("slope", "- 2 * x * (w\n+ x * (w"),
    "loss-only": ("loss", "- (w * x - y) ** 2\n+ abs(w * x - y)"),
    "loss-and-slope": ("loss", "- (w * x - y) ** 2\n+ 9 * (w * x - y) ** 2\n- 2 * x * (w * x\n+ 18 * x * (w * x"),
    "breaks": ("slope", "- / len(points)\n+ / 0"),
    "no-number": ("scale", '- return 1.0\n+ return float("inf")'),
    "another-unit": ("scale", "- return 1.0\n+ return 100.0"),
    "elsewhere": ("double", "- 2 * x\n+ 3 * x"),
}


def write_course(folder: Path, beliefs: Mapping[str, tuple[str, str]]) -> Path:
    folder.mkdir()
    (folder / "line.py").write_text(LINE)
    (folder / "experiment.py").write_text(EXPERIMENT)
    names = ", ".join(beliefs)
    (folder / "course.yaml").write_text(f"format: 1\nid: line\ntitle: A line\nsubject: line.py\norder: [{names}]\n")
    for name, (anchor, mutant) in beliefs.items():
        diff = mutant.replace("\n", "\n      ")
        (folder / f"{name}.md").write_text(
            f"---\nid: {name}\nclaim: A line.\nanchor: {anchor}\nask: Twice?\ncall: double(x)\n"
            f"questions:\n  one:\n    x: 1\n  two:\n    x: 2\n"
            f"misconceptions:\n  {name}:\n    belief: So.\n    counter: one\n    mutant: |\n      {diff}\n---\nText.\n"
        )
    return folder


def lock(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["course", "lock", str(folder), *options])
