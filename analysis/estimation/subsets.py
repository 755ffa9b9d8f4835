"""Which rows of a table satisfy an expression; those where it is missing do not."""

import pyarrow as pa

from analysis.estimation import expressions
from analysis.estimation.expressions import Columns

PLACE = "design.subset"


def columns_in(expression: str) -> tuple[str, ...]:
    """The columns an expression names, in its order.

    Raises SpecError where the expression has a sign that is not known.
    """
    return expressions.columns_in(expression, PLACE)


def rows_satisfying(expression: str, columns: Columns) -> pa.Array:
    """One boolean for each row (n,): true where the expression is true, false where it is false or missing.

    Arguments:
        expression: for example "agecat == '(19,39]' & age >= 20".
        columns: the table.

    Raises SpecError where the expression cannot be read.
    """
    return pa.array(expressions.truths_of(expression, columns, PLACE).is_true)
