"""Learn how a GPT works, from 200 lines of Python and an agent that teaches them.

Start with ``microgpt/reference.py``: the whole model, top to bottom, standard library only.
"""

__version__ = "0.1.0"
