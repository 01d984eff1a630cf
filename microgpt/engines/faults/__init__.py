"""Known faults of ports, each as a reference that has it: run on a test vector, it prints what such a port prints.

What replaces the reference's functions is written as they are: read `microgpt.reference` first.
"""

from microgpt.engines.faults.adam import ADAM_FAULTS
from microgpt.engines.faults.attention import ATTENTION_FAULTS
from microgpt.engines.faults.gradients import GRADIENT_FAULTS
from microgpt.engines.faults.layers import LAYER_FAULTS

FORWARD_FAULTS = (*ATTENTION_FAULTS, *LAYER_FAULTS)

__all__ = ["ADAM_FAULTS", "FORWARD_FAULTS", "GRADIENT_FAULTS"]
