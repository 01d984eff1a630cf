"""How long one message to a model may take, whatever its server does.

An SDK's time-out is the longest silence. A server that sends a byte a minute is never silent and never done, so when
the time is over the connection is closed under the SDK, from a thread of its own.
"""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from microgpt.errors import MicroGPTError
from microgpt.tutor.voices.trouble import Trouble


@contextmanager
def within(seconds: float, close: Callable[[], None], *, model: str) -> Generator[None]:
    """Talk to a server in this block; when its time is over, its connection is closed.

    A closed connection is noticed at the server's next byte, or when the SDK's own time-out for a silence ends.

    Args:
        close: closes the connection; called from another thread.
        model: that is asked.

    Raises:
        Trouble: the time was over.
    """
    over = threading.Event()

    def cut() -> None:
        over.set()
        close()

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        ours = isinstance(error, MicroGPTError) and not isinstance(error, Trouble)
        if over.is_set() and not ours:
            raise Trouble(f"{model} did not come to an end") from error
        raise
    finally:
        timer.cancel()
