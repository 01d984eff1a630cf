"""Shows what is said while it comes: whole blocks at once, and the last paragraph a sentence at a time.

Only where somebody sits at a terminal; in a pipe, or with --plain, a block is shown when it is whole. What stands on
the screen stays: a stream that is cut, or a Ctrl-C, ends the line and takes nothing back.
"""

import signal
from collections.abc import Generator
from contextlib import contextmanager

from microgpt.terminal import Terminal
from microgpt.tutor.voices import Block, Paragraph, Spoken


class Growing:
    """One speech at a terminal, drawn as far as it has come.

    Args:
        paged: wait where more comes than the window holds; not while it comes, but then the rest is kept back.
    """

    def __init__(self, terminal: Terminal, *, paged: bool = False) -> None:
        self._terminal, self._paged = terminal, paged
        self._whole = 0  # blocks drawn to their end
        self._lines = 0  # drawn of the paragraph that grows; the last of them may still grow
        self._last: Block = Paragraph(text="")  # as it was drawn
        self._width = terminal.width  # a window that changes must not draw a paragraph at two widths
        self._full = False

    @contextmanager
    def coming(self) -> Generator[None]:
        """While it comes, keys are not shown among it; `finish` once it is whole."""
        try:
            with self._terminal.unechoed():
                yield
        except BaseException:
            if self._lines:
                self._complete(self._last)
            else:
                self._terminal.wipe()
            raise

    def show(self, spoken: Spoken) -> None:
        """Show what has come: all that is said so far, of which the last block may still grow."""
        with _undisturbed():
            for block in spoken[self._whole : -1]:
                if not self._fits(block):
                    return
                self._complete(block)
            if self._terminal.live:
                self._grow(spoken[-1])

    def finish(self, spoken: Spoken) -> None:
        """Show what is still to be shown of what was said."""
        if not self._lines:
            self._terminal.wipe()
        for block in spoken[self._whole :]:
            self._complete(block)

    def _grow(self, block: Block) -> None:
        if not isinstance(block, Paragraph) or not self._fits(block):
            return
        if not block.text:
            self._terminal.redraw("...")
            return
        if not self._lines:
            self._terminal.wipe()
        self._lines = self._terminal.draw_part(block, self._lines, width=self._width, ended=False)
        self._last = block

    def _complete(self, block: Block) -> None:
        if self._lines:
            self._terminal.draw_part(block, self._lines, width=self._width, ended=True, paged=self._paged)
        else:
            self._terminal.show((block,), paged=self._paged)
        self._whole, self._lines = self._whole + 1, 0

    def _fits(self, block: Block) -> bool:
        """Whether a block can be drawn without a wait; once one cannot, all that follows is for the end."""
        self._full = self._full or (self._paged and not self._terminal.fits(block))
        return not self._full


@contextmanager
def _undisturbed() -> Generator[None]:
    """Let a Ctrl-C wait until what is being drawn is drawn, so that we know what stands on the screen."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda signum, frame: came.append(signum))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came and callable(before):
        before(came[0], None)
