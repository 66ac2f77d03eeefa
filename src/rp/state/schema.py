"""The journal's tables, as the changes that each form brought; a journal of an older form gets what it lacks."""

import sqlite3
from pathlib import Path

from rp.errors import StateUnreadable

_FORM_1 = """
CREATE TABLE deployments (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, template TEXT NOT NULL, alias TEXT NOT NULL, tags TEXT NOT NULL,
    started_at REAL NOT NULL, ended_at REAL, outcome TEXT NOT NULL DEFAULT 'running'
);
CREATE TABLE attempts (
    name TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployments (id),
    cloud TEXT NOT NULL, region TEXT NOT NULL, gpu TEXT NOT NULL, count INTEGER NOT NULL,
    price_per_hour REAL NOT NULL, state TEXT NOT NULL,
    started_at REAL NOT NULL, noted_at REAL NOT NULL, ended_at REAL,
    pod_id TEXT, reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX attempts_by_deployment ON attempts (deployment_id);
CREATE INDEX attempts_by_state ON attempts (state);
"""
# Health: what happened step by step, what each look at a pod found, and the machines behind the pods.
_FORM_2 = """
CREATE TABLE steps (
    deployment_id TEXT NOT NULL, attempt TEXT NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX steps_by_deployment ON steps (deployment_id);
CREATE TABLE looks (
    pod_id TEXT NOT NULL, at REAL NOT NULL, level TEXT NOT NULL, verdict TEXT NOT NULL, seconds REAL NOT NULL,
    checks TEXT NOT NULL, gpus TEXT NOT NULL, raw BLOB NOT NULL
);
CREATE INDEX looks_by_pod ON looks (pod_id);
CREATE TABLE hosts (
    id INTEGER PRIMARY KEY, address TEXT, proxy TEXT, gpus TEXT NOT NULL, gpu TEXT NOT NULL, place TEXT NOT NULL,
    seen_at REAL NOT NULL, trusted_at REAL
);
CREATE TABLE failures (
    host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE, at REAL NOT NULL, pod_id TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX failures_by_host ON failures (host_id);
"""
# The n-th brings a journal of form n - 1 to form n.
FORMS = (_FORM_1, _FORM_2)


def connect(path: Path) -> sqlite3.Connection:
    """An open journal with all its tables; raises StateUnreadable for one of a newer form."""
    connection = sqlite3.connect(path, timeout=10.0, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    # Slower, and the point of it: a fact is on the disk before the effect that it announces.
    connection.execute("PRAGMA synchronous = FULL")
    # macOS needs this for the same promise; elsewhere it changes nothing.
    connection.execute("PRAGMA fullfsync = ON")
    connection.execute("PRAGMA foreign_keys = ON")
    found = _form(connection)
    if found > len(FORMS):
        raise StateUnreadable(
            f"{path} was written by a newer rp (form {found}, this one knows {len(FORMS)})", hint="upgrade rp"
        )
    if found < len(FORMS):
        _renew(connection)
    return connection


def _form(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _renew(connection: sqlite3.Connection) -> None:
    """Under the write lock, so that of several processes one does it: all of it, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if _form(connection) >= len(FORMS):
            return
        for form in FORMS[_form(connection) :]:
            for statement in filter(str.strip, form.split(";")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(FORMS)}")
