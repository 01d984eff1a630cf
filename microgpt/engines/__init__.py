"""The engines: implementations of one model, the reference's function, at different speeds.

`base` says what an engine can do. An engine is imported when it is chosen, so that nobody waits for another's packages.
"""

from typing import TYPE_CHECKING

from microgpt.config import GPTConfig

if TYPE_CHECKING:
    from microgpt.engines.base import Engine, State

ENGINES = ("scalar", "reference", "numpy")


def create_engine(name: str, config: GPTConfig, state: "State") -> "Engine":
    """Return the engine of that name, one of `ENGINES`, standing where the state says."""
    assert name in ENGINES, name
    if name == "scalar":
        from microgpt.engines.scalar_engine import ScalarEngine

        return ScalarEngine(config, state)
    if name == "numpy":
        from microgpt.engines.numpy_engine import NumpyEngine

        return NumpyEngine(config, state)
    from microgpt.engines.reference_engine import ReferenceEngine

    return ReferenceEngine(config, state)
