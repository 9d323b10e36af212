"""A new master key: every key and secret is wrapped anew, in one transaction."""

from __future__ import annotations

from typing import Final

from counterfoil.keyring.database import KeyringDatabase, master_row
from counterfoil.keyring.protector import Protector
from counterfoil.keyring.wrapping import Master

AT_ONCE: Final = 10_000


def rotate(database: KeyringDatabase, old: Master, protector: Protector) -> Master:
    """The new master key, held by `protector`. Nothing has changed where it raises."""
    new = Master.generate(old.generation + 1)
    row = master_row(new.generation, protector.name, protector.wrap(new.key))
    with database.writing():
        total = database.checked_total(old.generation)
        _rewrap_keys(database, old, new)
        _rewrap_secrets(database, old, new)
        database.put_master(row)
        database.put_total(total._replace(generation=new.generation, scrub=1))
    return new


def _rewrap_keys(database: KeyringDatabase, old: Master, new: Master) -> None:
    last = -1
    while rows := list(
        database.writer.query("SELECT id, wrapped FROM key WHERE id > ? ORDER BY id LIMIT ?", (last, AT_ONCE))
    ):
        database.writer.execute_many(
            "UPDATE key SET wrapped = ? WHERE id = ?",
            [(new.wrap_key(number, old.unwrap_key(number, wrapped)), number) for number, wrapped in rows],
        )
        last = rows[-1][0]


def _rewrap_secrets(database: KeyringDatabase, old: Master, new: Master) -> None:
    secrets = list(database.writer.query("SELECT name, wrapped FROM secret"))
    database.writer.execute_many(
        "UPDATE secret SET wrapped = ? WHERE name = ?",
        [(new.wrap_secret(name, old.unwrap_secret(name, wrapped)), name) for name, wrapped in secrets],
    )
