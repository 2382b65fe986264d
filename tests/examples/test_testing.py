"""What docs/testing.md shows is in a file whose tests run: here, too."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from dcrf_graph import testing
from examples.testing import LabelTests, label, test_labels_are_listed

__all__ = ["LabelTests", "label", "test_labels_are_listed"]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
CODE = (ROOT / "examples" / "testing.py").read_text(encoding="utf-8")
SECTION = re.compile(r"# \[(?!end)\w+\]\n(.*?)# \[end\]", re.DOTALL)


def test_the_page_shows_every_section_of_the_file_and_no_other_code() -> None:
    shown = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    sections = [textwrap.dedent(text.rstrip(" ")).strip("\n") for text in SECTION.findall(CODE)]
    assert [text.strip("\n") for text in shown] == [
        s.replace("  # noqa: E402", "") for s in sections
    ]


def test_the_page_names_what_the_package_has() -> None:
    named = set(re.findall(r"`([A-Z]\w+Client|Closed|NothingCame|Events)\b", PAGE))
    assert named == set(testing.__all__)
