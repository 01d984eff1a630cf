"""docs/training.md: its keys are those that are written, its settings and its program run."""

import json
import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")


def keys_under(heading: str) -> set[str]:
    """Return what stands in backticks in the first columns of the tables below a heading."""
    section = PAGE.partition(heading)[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return {key for cell in cells for key in re.findall(r"`(.*?)`", cell)}


def test_a_run_and_its_trace_have_the_files_and_keys_that_the_page_names(tmp_path: Path) -> None:
    (settings,), (program,) = (
        re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) for language in ("toml", "python")
    )
    (tmp_path / "run.toml").write_text(settings)
    options = ["--config", "run.toml", "--val-fraction", "0.1", "--record", "trace.jsonl", "--out", "run", "--json"]
    words = [sys.executable, "-m", "microgpt", "train", *options]
    trained = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    *steps, last = [json.loads(line) for line in trained.stdout.splitlines()]
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert len(steps) == config["training"]["steps"] == 20
    shown = {key for step in steps for key in step} | (last.keys() - config.keys())
    assert shown - {"format"} == keys_under("## For programs")
    assert {f"`{entry['format']}`" in PAGE for entry in (steps[0], last)} == {True}
    assert {path.name for path in (tmp_path / "run").iterdir()} == keys_under("## The run folder")

    traced = [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]
    assert {key for entry in traced for key in entry} - {"step"} == keys_under("## The trace")
    assert {"format": config["format"], **traced[0]["config"]} == config
    looked_at = [entry["step"] for entry in traced if "attention" in entry]
    assert looked_at == [0, 1, 2, 4, 8, 16, 20]
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
