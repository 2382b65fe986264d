"""
Which statements of a transaction may have changed a row, by nothing but their text.

A function that is called by SELECT may write. So a statement reads for certain only if
each word before a parenthesis is one of SQL's own, or a function of the database that
is known to write nothing. Of any other the row is read once more when it is told.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

BEGINNING = re.compile(r"[(\s]*(SELECT|SAVEPOINT|RELEASE)", re.IGNORECASE)
"""What a statement that reads begins with; EXPLAIN ANALYZE executes what it explains."""
BEFORE_PARENTHESIS = re.compile(r"""((?<![\w$."'`])[\w$."'`]++|\*/)\s*+\(""")
"""It goes through a text once, however long its words are."""
KEPT_LENGTH = 10_000
"""Characters of a statement whose answer is kept, with its text."""
WORDS = """
ALL AND ANY ARRAY AS BETWEEN BY CASE DISTINCT ELSE EXCEPT EXISTS FILTER FROM GROUP HAVING ILIKE IN
INTERSECT IS JOIN LATERAL LIKE LIMIT NOT OF OFFSET ON OR OVER ROW SELECT SOME THEN UNION USING
VALUES WHEN WHERE
"""
TYPES = "BIT CHAR CHARACTER DECIMAL INTERVAL NUMERIC TIME TIMESTAMP VARCHAR VARYING"
FUNCTIONS = """
ARRAY_AGG AVG BOOL_AND BOOL_OR COUNT CUME_DIST DENSE_RANK FIRST_VALUE JSON_AGG JSONB_AGG LAG
LAST_VALUE LEAD MAX MIN NTH_VALUE NTILE PERCENT_RANK RANK ROW_NUMBER STDDEV_POP STDDEV_SAMP
STRING_AGG SUM TOTAL VAR_POP VAR_SAMP

ABS CAST CEIL CEILING CHAR_LENGTH COALESCE CONCAT CONCAT_WS DATE DATE_PART DATE_TRUNC EXTRACT FLOOR
GREATEST IFNULL INSTR JSON_EXTRACT JSON_TYPE LEAST LEFT LENGTH LOWER LPAD LTRIM MD5 MOD NOW NULLIF
POSITION POWER REPLACE REVERSE RIGHT ROUND RPAD RTRIM SIGN SQRT STATEMENT_TIMESTAMP STRPOS SUBSTR
SUBSTRING TO_TSVECTOR TRIM TRUNC UPPER

DJANGO_DATE_EXTRACT DJANGO_DATE_TRUNC DJANGO_DATETIME_CAST_DATE DJANGO_DATETIME_EXTRACT
DJANGO_DATETIME_TRUNC DJANGO_FORMAT_DTDELTA DJANGO_TIME_EXTRACT DJANGO_TIME_TRUNC
"""
PURE = frozenset(f"{WORDS} {TYPES} {FUNCTIONS}".split())
"""What may stand before a parenthesis in a statement that reads."""


def reads(sql: str) -> bool:
    """
    Whether a statement surely changes no row, e.g. ``SELECT COUNT(*) FROM card``.

    A view, an operator or a rule that hides a function that writes is not found out.
    """
    begins = BEGINNING.match(sql)
    if begins is None:
        return False
    # The name of a savepoint is new each time, and what writes is not looked at.
    kept = begins[1].upper() == "SELECT" and len(sql) <= KEPT_LENGTH
    return calls_nothing_else_again(sql) if kept else calls_nothing_else(sql)


def calls_nothing_else(sql: str) -> bool:
    """Whether a text is one statement, and calls nothing but what is known to write nothing."""
    if ";" in sql.rstrip("; \n\t") or "--" in sql:  # a comment may hide a parenthesis
        return False
    return all(word.upper() in PURE for word in BEFORE_PARENTHESIS.findall(sql))


calls_nothing_else_again = lru_cache(maxsize=512)(calls_nothing_else)


class Statements:
    """Counts the statements on a connection that may change a row.

    A saved instance surely is the committed row only if none came after it.
    """

    def __init__(self, connection: Any) -> None:
        self.count = 0
        self._wrappers: list[Any] = connection.execute_wrappers
        # Not at the end: leaving a wrapper of the application takes the last one off.
        self._wrappers.insert(0, self)

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if not (isinstance(sql, str) and reads(sql)):
            self.count += 1
        return execute(sql, params, many, context)

    def stop(self) -> None:
        """Take it off the connection."""
        if self in self._wrappers:
            self._wrappers.remove(self)
