"""The engines: implementations of one model, the reference's function, at different speeds.

`base` says what an engine can do. An engine is imported when it is chosen, so that nobody waits for another's packages.
"""

from typing import TYPE_CHECKING

from microgpt.config import ComputeConfig, GPTConfig
from microgpt.errors import MissingExtra

if TYPE_CHECKING:
    from microgpt.engines.base import Engine, State


def create_engine(compute: ComputeConfig, config: GPTConfig, state: "State") -> "Engine":
    """Return the engine that was chosen, standing where the state says.

    Raises:
        MissingExtra: if its package is not installed.
        ConfigError: if the machine has not the device.
    """
    if compute.engine == "scalar":
        from microgpt.engines.scalar_engine import ScalarEngine

        return ScalarEngine(config, state)
    if compute.engine == "reference":
        from microgpt.engines.reference_engine import ReferenceEngine

        return ReferenceEngine(config, state)
    if compute.engine == "numpy":
        from microgpt.engines.numpy_engine import NumpyEngine

        return NumpyEngine(config, state, compute)
    try:
        from microgpt.engines.torch_engine import TorchEngine
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtra("torch", "torch", "The torch engine") from None
    return TorchEngine(config, state, compute)
