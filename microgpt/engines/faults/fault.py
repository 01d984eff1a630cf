"""What a known fault is: a copy of the reference in which a few functions are others."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

Replaced = Mapping[str, object]  # functions of the reference, by name


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One known way not to be the reference's function.

    Args:
        name: what it is called in JSON.
        what: the fault, as the end of "a fault that is known: ...".
        look: where to look, and what should stand there.
        variants: the ways in which ports have it.
    """

    name: str
    what: str
    look: str
    variants: Sequence[Replaced]


def faulty(replaced: Replaced, module: str = "microgpt.reference") -> ModuleType:
    """Return a copy of a module in which some functions are others; the module itself stays as it is.

    >>> faulty({"zeros": len}).zeros([[1.0], [2.0]])
    2
    """
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.loader is not None
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    vars(copy).update(replaced)
    return copy
