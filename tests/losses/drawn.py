"""Batches and temperatures to draw, and the example that METHODS' golden values belong to."""

import torch
from hypothesis import given as drawn
from hypothesis import strategies as st

from tests.profiles import examples

AT_ONE = {"teacher_temperature": 1.0, "student_temperature": 1.0}
ABSENT = float("-inf")
TEACHER, STUDENT = torch.tensor([[2.0, 1.0, 0.0, -1.0]]), torch.tensor([[0.9, 0.2, 0.5, -0.3]])


def given(*strategies):
    """Draw fewer examples than usual: each of them is tried on every loss."""
    return lambda test: examples(40)(drawn(*strategies)(test))


temperatures = st.fixed_dictionaries(
    {"teacher_temperature": st.floats(0.05, 5.0), "student_temperature": st.floats(0.02, 2.0)}
)


@st.composite
def batches(draw, utility=5.0):
    """Draw similarities and utilities (B, K) and negatives (B, M); the first candidate is always there."""
    rows, candidates, others = draw(st.integers(1, 3)), draw(st.integers(1, 6)), draw(st.integers(0, 4))

    def matrix(bound, width, absent_from):
        values = [draw(st.floats(-bound, bound, width=32)) for _ in range(rows * width)]
        table = torch.tensor(values).reshape(rows, width)
        masked = torch.tensor([draw(st.booleans()) for _ in range(rows * width)], dtype=torch.bool)
        masked = masked.reshape(rows, width)
        masked[:, :absent_from] = False
        return table.masked_fill(masked, ABSENT)

    negatives = matrix(1.0, others, 0) if others else None
    return matrix(1.0, candidates, candidates), matrix(utility, candidates, 1), negatives
