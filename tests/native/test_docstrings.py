"""What a docstring says of parameters, in each of the three habits."""

from __future__ import annotations

import pytest

from dcrf_graph.docstrings import attributes, parameters, summary

GOOGLE = """Move a card.

    To another column.

    Args:
        pk: The card.
        column (int): Where to,
            from the left.
        **rest: Ignored.

    Returns:
        status: The card.
    """

NUMPY = """Move a card.

    Parameters
    ----------
    pk : int
        The card.
    column, row : int, optional
        Where to,
        from the left.
    plain

    Returns
    -------
    status : str
        The card.
    """

SPHINX = """Move a card.
    :param pk: The card.
    :param int column: Where to,
        from the left.
    :type column: int
    :returns: status: the card
    """


@pytest.mark.parametrize(
    ("document", "others"),
    [
        (GOOGLE, {"rest": "Ignored."}),
        (NUMPY, {"row": "Where to,\nfrom the left."}),
        (SPHINX, {}),
    ],
    ids=["google", "numpy", "sphinx"],
)
def test_parameters_are_described(document: str, others: dict[str, str]) -> None:
    wanted = {"pk": "The card.", "column": "Where to,\nfrom the left.", **others}
    assert parameters(document) == wanted


@pytest.mark.parametrize("document", [GOOGLE, NUMPY, SPHINX], ids=["google", "numpy", "sphinx"])
def test_the_summary_is_the_first_paragraph_without_them(document: str) -> None:
    assert summary(document) == "Move a card."


@pytest.mark.parametrize("document", [None, "", "Args:", "Args:\n", "Parameters\n---", ":param"])
def test_a_docstring_that_says_nothing_is_no_error(document: str | None) -> None:
    assert parameters(document) == {}


def test_attributes_of_a_class_are_described() -> None:
    assert attributes("A point.\n\nAttributes:\n    x: From the left.") == {"x": "From the left."}
