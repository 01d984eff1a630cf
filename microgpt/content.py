"""Where the bundled courses and skills are: inside an installed package, or beside it in a checkout."""

from pathlib import Path

from microgpt.errors import MicroGPTError

_PACKAGE = Path(__file__).parent


def is_bundled(folder: Path) -> bool:
    """Whether a course is one of ours: such a one may run where nothing can contain it, a stranger's never.

    >>> is_bundled(content_folder("curriculum") / "microgpt"), is_bundled(Path("/from/elsewhere/microgpt"))
    (True, False)
    """
    return folder.resolve().parent == content_folder("curriculum").resolve()


def content_folder(kind: str) -> Path:
    """Return the folder of the bundled ``curriculum`` or ``skills``.

    A wheel carries them under ``microgpt/_content``; an editable install reads them from the checkout.

    >>> (content_folder("curriculum") / "microgpt").is_dir()
    True
    """
    for folder in (_PACKAGE / "_content" / kind, _PACKAGE.parent / kind):
        if folder.is_dir():
            return folder
    raise MicroGPTError(
        f"the bundled {kind} is missing beside {_PACKAGE}: the installation is incomplete. "
        "Try: pip install --force-reinstall microgpt-tutor"
    )
