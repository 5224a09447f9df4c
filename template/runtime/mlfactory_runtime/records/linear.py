"""models/model/linear.json: a linear model, for people to read and for programs to predict with."""

from typing import Literal, Self

from pydantic import FiniteFloat, NonNegativeInt, model_validator

from .record import Part, Record, optional


class Term(Part):
    """What a feature adds to the score: its distance from `middle`, times a weight.

    A category counts 1 where it is `value`, which the matrix holds as `code`, and else 0; the same
    where a number is missing, of which the term of its own has `missing`. There is a weight for
    each class of several, else one. `place` is the feature's column of the matrix.
    """

    feature: str
    value: str | None = optional()
    missing: bool = optional(False)
    middle: FiniteFloat
    weights: tuple[FiniteFloat, ...]
    place: NonNegativeInt
    code: int | None = optional()


class Linear(Record):
    """The score where every term is at its middle, and what the terms add; the strongest first.

    The score is a number, or log-odds; of several classes a softmax of theirs gives probabilities.
    `penalty` kept the weights small: of their squares (ridge) or of their sizes (lasso), by
    `strength` for each row.
    """

    task: Literal["binary", "multiclass", "regression"]
    penalty: Literal["ridge", "lasso"]
    strength: FiniteFloat
    intercept: tuple[FiniteFloat, ...]
    terms: tuple[Term, ...]

    @model_validator(mode="after")
    def complete(self) -> Self:
        """Every term has a weight for each score."""
        if any(len(term.weights) != len(self.intercept) for term in self.terms):
            raise ValueError("a term has more weights, or fewer, than there are scores")
        return self
