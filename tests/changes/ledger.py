"""A ledger of the crates that were written, which the database keeps by triggers.

What is rolled back is rolled back in it too: it says, and nobody of ours has to, what a
commit has changed.
"""

from __future__ import annotations

CONTENT = """
    SELECT crate.id, owner, code, title, weight, depot_id, rack_id, tag_id
    FROM testapp_crate AS crate LEFT JOIN testapp_crate_tags ON crate_id = crate.id
    WHERE owner = %s ORDER BY crate.id, tag_id
"""
"""The crates of an owner, a line for each tag."""

CRATES = (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
TAGS = (("INSERT", "NEW"), ("DELETE", "OLD"))


def sqlite() -> str:
    """The ledger of SQLite."""
    table = "CREATE TABLE ledger (seq INTEGER PRIMARY KEY, owner INTEGER, crate INTEGER, act TEXT)"
    entry = "INSERT INTO ledger (owner, crate, act)"
    triggers = [
        f"CREATE TRIGGER crate_{on} AFTER {on} ON testapp_crate BEGIN"
        f" {entry} VALUES ({row}.owner, {row}.id, 'write'); END"
        for on, row in CRATES
    ]
    triggers += [
        f"CREATE TRIGGER tag_{on} AFTER {on} ON testapp_crate_tags BEGIN"
        f" {entry} SELECT owner, id, 'relate' FROM testapp_crate WHERE id = {row}.crate_id; END"
        for on, row in TAGS
    ]
    return ";".join([table, *triggers])


def postgresql() -> str:
    """The ledger of PostgreSQL."""
    entry = "INSERT INTO ledger (owner, crate, act)"
    statements = [
        "CREATE TABLE ledger"
        " (seq bigserial PRIMARY KEY, owner integer, crate bigint, act varchar(10))"
    ]
    for name, table, events in (("crate", "crate", CRATES), ("tag", "crate_tags", TAGS)):
        for on, row in events:
            what = f"VALUES ({row}.owner, {row}.id, 'write')"
            if name == "tag":
                what = f"SELECT owner, id, 'relate' FROM testapp_crate WHERE id = {row}.crate_id"
            function = f"ledger_{name}_{on.lower()}"
            statements += [
                f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN {entry} {what}; RETURN NULL; END $$",
                f"CREATE TRIGGER {name}_{on} AFTER {on} ON testapp_{table}"
                f" FOR EACH ROW EXECUTE FUNCTION {function}()",
            ]
    statements += [
        f"SELECT setval(pg_get_serial_sequence('testapp_{table}', 'id'), 100)" for table in TABLES
    ]
    return ";".join(statements)


TABLES = ("crate_tags", "crate", "tag", "rack", "depot")
LEDGER = {"sqlite": sqlite(), "postgresql": postgresql()}
NO_LEDGER = {
    "sqlite": ";".join(
        [f"DROP TRIGGER crate_{on}" for on, _ in CRATES]
        + [f"DROP TRIGGER tag_{on}" for on, _ in TAGS]
        + ["DROP TABLE ledger"]
    ),
    "postgresql": ";".join(
        [f"DROP FUNCTION ledger_crate_{on.lower()} CASCADE" for on, _ in CRATES]
        + [f"DROP FUNCTION ledger_tag_{on.lower()} CASCADE" for on, _ in TAGS]
        + ["DROP TABLE ledger"]
    ),
}

ROWS = [
    *(f"DELETE FROM testapp_{table}" for table in TABLES),
    *(f"INSERT INTO testapp_{table} (id, owner) VALUES (1, 0), (2, 1)" for table in TABLES[2:]),
    "INSERT INTO testapp_crate (id, owner, code, title, weight, depot_id, rack_id) VALUES "
    + ", ".join(
        f"({owner * 3 + code + 1}, {owner}, {code}, '', {code}, {owner + 1 if code else 'NULL'},"
        f" {owner + 1})"
        for owner in (0, 1)
        for code in range(3)
    ),
    "INSERT INTO testapp_crate_tags (id, crate_id, tag_id) VALUES "
    + ", ".join(f"({crate}, {crate}, {1 if crate < 4 else 2})" for crate in range(1, 7)),
    "DELETE FROM ledger",
]
SNAPSHOT = {
    "sqlite": ";".join(["BEGIN IMMEDIATE", *ROWS, "COMMIT"]),
    "postgresql": ";".join(ROWS),
}
"""Few rows of two owners, with the same keys each time; new rows have new keys."""
