"""The file under the learner's record: where it is, its tables, how it is opened, migrated and copied.

Read `store.py` for what is kept in it.
"""

import os
import sqlite3
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path

from platformdirs import user_data_path

from microgpt.errors import DISTRIBUTION, StoreError
from microgpt.learner import tallies

# What takes the file from one format to the next, statement by statement; a format's number is how many came before
# it. A migration that was released is never edited again.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE events (
            lesson TEXT NOT NULL, seq INTEGER NOT NULL, time TEXT NOT NULL, learner TEXT NOT NULL, course TEXT NOT NULL,
            kind TEXT NOT NULL, ask_id TEXT NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (lesson, seq)
        ) WITHOUT ROWID""",
        # To forget a learner, these triggers are dropped and made again within one transaction, see `forget`.
        """
        CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END""",
        """
        CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END""",
        # This one also stops INSERT OR REPLACE, which deletes without asking the trigger above.
        """
        CREATE TRIGGER events_are_numbered_without_a_gap BEFORE INSERT ON events
        WHEN NEW.seq <> 1 + (SELECT coalesce(max(seq), 0) FROM events WHERE lesson = NEW.lesson)
        BEGIN SELECT RAISE(ABORT, 'an event is the next of its lesson'); END""",
        "CREATE TABLE snapshots (lesson TEXT PRIMARY KEY, seq INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE learners (id TEXT PRIMARY KEY, name TEXT NOT NULL, language TEXT NOT NULL) WITHOUT ROWID",
    ),
    (
        "ALTER TABLE learners ADD COLUMN background TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE learners ADD COLUMN interests TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE learners ADD COLUMN minutes INTEGER NOT NULL DEFAULT 0",
    ),
    tallies.STATEMENTS,
)

_ELSEWHERE = "Try: make it writable, or set MICROGPT_DATA_DIR to a folder that you can write."
_LAST_RESORT = "Try: put back a copy, or move it away to start anew."
_REMEDIES = {
    sqlite3.SQLITE_BUSY: "is in use: another microgpt has been writing to it all the time. Try again in a moment.",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full. What it holds is safe. Free some space and try again.",
    sqlite3.SQLITE_IOERR: "cannot be used: the disk is full, gone or broken. Free some space and try again.",
    sqlite3.SQLITE_READONLY: f"cannot be written by this user. {_ELSEWHERE}",
    sqlite3.SQLITE_CANTOPEN: f"cannot be opened for writing by this user. {_ELSEWHERE}",
    sqlite3.SQLITE_CORRUPT: f"is damaged, and left as it is. {_LAST_RESORT}",
    sqlite3.SQLITE_NOTADB: f"is no learner's record, and left as it is. {_LAST_RESORT}",
}


def default_path(environ: Mapping[str, str]) -> Path:
    """Return where the record is: in the folder MICROGPT_DATA_DIR names, else where the system keeps a user's data."""
    folder = environ.get("MICROGPT_DATA_DIR")
    return (Path(folder).expanduser() if folder else user_data_path("microgpt", appauthor=False)) / "learner.db"


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Turn SQLite's errors into one line for the learner, with what to do about it."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # a mistake of ours, not of the learner's
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the message of the one may quote what is damaged: the other
        # An error without a code is a text that does not decode; the low byte of a code is its kind.
        kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        raise StoreError(f"{path} {_REMEDIES.get(kind, f'cannot be used: {error}. {_LAST_RESORT}')}") from error


def open_database(
    path: Path, *, create: bool, wait_s: float, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> sqlite3.Connection:
    """Connect to the file in the latest format.

    Args:
        path: of the file.
        create: whether to make a file where none is; otherwise the connection is to an empty database that cannot be
            written, so that reading makes nothing.
        wait_s: seconds to wait for another process that is writing.
        migrations: see `MIGRATIONS`.

    Raises:
        StoreError: it cannot be read, written or understood; the file is as it was.
    """
    try:
        if create:
            _make_private(path)
        found = path.exists()
        with explained(path):
            db = sqlite3.connect(path if found else ":memory:", timeout=wait_s, isolation_level=None)
            try:
                prepare(db, path, migrations)
                db.execute(f"PRAGMA query_only = {not found}")
            except BaseException:
                db.close()
                raise
    except OSError as error:
        raise StoreError(f"{path} cannot be used: {error.strerror}. {_ELSEWHERE}") from error
    return db


def open_to_read(path: Path, *, wait_s: float, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> sqlite3.Connection:
    """Connect to the file to read it only: nothing is made or changed, not even where it has an older format.

    Of an older format, and where no file is, it is a copy in memory. It works in a folder that cannot be written, too.

    Raises:
        StoreError: it cannot be read or understood.
    """
    try:
        uri = _uri(path)
    except OSError as error:  # a folder that this user may not even look into
        raise StoreError(f"{path} cannot be used: {error.strerror}. {_ELSEWHERE}") from error
    with explained(path):
        db = sqlite3.connect(uri, timeout=wait_s, isolation_level=None, uri=True)
        try:
            version = _version(db, path, len(migrations))
            if version < len(migrations):
                db = _copied(db)
                _migrate(db, version, migrations)
            db.execute("PRAGMA query_only = TRUE")
        except BaseException:
            db.close()
            raise
    return db


def _uri(path: Path) -> str:
    """Return where to read from: the file, as it stands if nobody could be writing to it, or nothing in memory."""
    if not path.exists():
        return "file::memory:"
    log = path.with_name(f"{path.name}-wal")  # what was written last may stand here alone
    fixed = not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    return f"{path.absolute().as_uri()}?{'immutable=1' if fixed else 'mode=rw'}"


def _copied(db: sqlite3.Connection) -> sqlite3.Connection:
    """Return a copy in memory, and close what it was made from."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    with closing(db):
        db.backup(copy)
    return copy


def _make_private(path: Path) -> None:
    """Make the file, and a folder for it, for the eyes of this user alone; what exists is left as it is."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite gives the files beside it the same mode


def prepare(db: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Set the connection up and bring the file to the latest format, all of the way or not at all."""
    version = _version(db, path, len(migrations))
    _use_wal(db)
    # In WAL mode, less than FULL syncs at checkpoints only: a power cut would take back answers that the screen showed.
    db.execute("PRAGMA synchronous = FULL")
    if version == len(migrations):
        return
    db.execute("BEGIN IMMEDIATE")
    version = _version(db, path, len(migrations))  # another process may have been first
    if 0 < version < len(migrations):
        _back_up(path, version)
    _migrate(db, version, migrations)
    db.execute("COMMIT")


def _use_wal(db: sqlite3.Connection) -> None:
    """Let readers and a writer go side by side.

    Of several that turn a new file to it at once, SQLite refuses all but one without waiting, so we do that.
    """
    (patience_ms,) = db.execute("PRAGMA busy_timeout").fetchone()
    deadline = time.monotonic() + patience_ms / 1000
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _migrate(db: sqlite3.Connection, version: int, migrations: Sequence[Sequence[str]]) -> None:
    """Take the tables from one format to the latest."""
    for statement in chain.from_iterable(migrations[version:]):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {len(migrations)}")


def _version(db: sqlite3.Connection, path: Path, latest: int) -> int:
    """Return the number of the file's format; 0 for an empty file."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if not 0 <= version <= latest:
        raise StoreError(
            f"{path} has format {version}, written by a newer microgpt; this one reads up to {latest}. "
            f"It was left as it is. Try: pip install --upgrade {DISTRIBUTION}"
        )
    return version


def copies(path: Path) -> list[Path]:
    """Return the copies that were made beside a file before it was brought to a newer format."""
    return sorted(path.parent.glob(f"{path.stem}-format-*"))


def _back_up(path: Path, version: int) -> None:
    """Copy the file beside itself, as ``learner-format-1.db``: all of it or nothing."""
    copy = path.with_name(f"{path.stem}-format-{version}{path.suffix}")
    partial = copy.with_suffix(".partial")
    try:
        partial.unlink(missing_ok=True)
        _make_private(partial)
        # Over a connection of its own: SQLite's backup waits for ever on one that holds a transaction.
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target)
        partial.replace(copy)
    finally:
        partial.unlink(missing_ok=True)
