"""LightGBM's text, looked through before LightGBM reads it: it trusts every index in it.

An index out of bounds, a child that is its own parent or a wrong count would let it crash or run
for ever. The form is that of `Booster.model_to_string`, versions 3 and 4.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

Fields = Mapping[str, str]

DEEPEST = 4096  # LightGBM goes down the branches by calling itself
CATEGORICAL, KINDS = 1, 12  # of a decision: its lowest bit, and how many there are
INNER = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
WEIGHTS = ("split_gain", "internal_value", "internal_weight", "internal_count")
FLAGS = ("average_output",)
LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
OTHERS = ("num_leaves", "num_cat", "cat_boundaries", "cat_threshold", "is_linear", "leaf_const",
          "num_features", "leaf_features", "leaf_coeff", "shrinkage")  # fmt: skip
LINES = ("leaf_features", "leaf_coeff")
KNOWN = {*INNER, *WEIGHTS, *LEAVES, *OTHERS}
WHOLE = re.compile(r"-?\d{1,10}", re.ASCII)
DECIMAL = re.compile(  # in one way only, and not without end: the text is a stranger's
    r"-?(\d{1,400}(\.\d{0,400})?(e[-+]?\d{1,5})?|inf|nan)", re.ASCII | re.IGNORECASE
)
OBJECTIVE = re.compile(r"[a-z_0-9]+( [a-z_]+(:[^: ]+)?)*")
STEERING = re.compile(r"[\x00-\x09\x0b-\x1f]")  # at some of them LightGBM ends a line, or all
HEAD = ("version", "num_class", "num_tree_per_iteration", "max_feature_idx", "feature_names")


class BrokenError(ValueError):
    """What is wrong with a model's text, in words."""


def check_model(text: str, features: int | None = None, classes: int | None = None) -> str:
    """What LightGBM needs to predict; BrokenError unless this is a model, of so many features and
    classes where that is known. How it was trained is left out: of a damaged line there LightGBM
    reads on beyond its end.
    """
    head, mark, rest = text.partition("\n\n")
    if not text.startswith("tree\n") or not mark:
        raise BrokenError("it is no model of LightGBM")
    body, mark, _ = rest.partition("end of trees\n")
    if not mark:
        raise BrokenError("its end is missing")
    if STEERING.search(head) or STEERING.search(body):
        raise BrokenError("it holds characters that are of no text")
    entries = fields(head.split("\n")[1:])
    count, per_round = check_head(entries, features, classes)
    sizes = numbers(entries, "tree_sizes")
    data = body.encode()
    if sum(sizes) > len(data) or min(sizes, default=1) < 1 or data[sum(sizes) :].strip():
        raise BrokenError("its trees are not as long as it says")
    if len(sizes) % per_round:
        raise BrokenError("it has too few trees")
    start = 0
    for number, size in enumerate(sizes):
        check_tree(number, data[start : start + size].decode("utf-8"), count)
        start += size
    return f"{head}\n\n{body}{mark}"


def check_head(entries: Fields, features: int | None, classes: int | None) -> tuple[int, int]:
    """How many features there are, and how many trees each round has."""
    if absent := [name for name in HEAD if name not in entries]:
        raise BrokenError(f"it does not say {absent[0]}")
    if entries["version"] not in ("v3", "v4"):
        raise BrokenError(f"its form {entries['version'][:20]!r} is not known")
    one, several, last = (whole(entries[name], name) for name in HEAD[1:4])
    if not 1 <= one <= 10_000 or several not in (1, one):
        raise BrokenError("it has an odd number of classes")
    check_objective(entries, one)
    if classes is not None and one != (classes if classes > 2 else 1):
        raise BrokenError("it has not as many classes as its signature")
    widths = {last + 1, len(entries["feature_names"].split(" "))}
    widths |= {len(entries["feature_infos"].split(" "))} if "feature_infos" in entries else set()
    if len(widths) != 1 or last < 0 or (features is not None and last + 1 != features):
        raise BrokenError("it has not as many features as its signature")
    return last + 1, several


def check_objective(entries: Fields, classes: int) -> None:
    """A name, and what it is given, each once: of two LightGBM takes the last, and of no name it
    reads what is not there.
    """
    text = entries.get("objective", "custom")
    if not OBJECTIVE.fullmatch(text):
        raise BrokenError("its objective cannot be understood")
    values = [word.partition(":")[::2] for word in text.split(" ")]
    if len(dict(values)) < len(values):
        raise BrokenError("its objective says something twice")
    if dict(values).get("num_class", str(classes)) != str(classes):
        raise BrokenError("its objective has another number of classes")


def check_tree(number: int, text: str, features: int) -> None:
    """BrokenError unless a tree is one, and all it points to is there."""
    lines = text.rstrip("\n").split("\n")
    if lines[0] != f"Tree={number}":
        raise BrokenError(f"tree {number} does not begin where it should")
    entries = fields(lines[1:])
    if odd := [name for name in entries if name not in KNOWN]:
        raise BrokenError(f"tree {number} says {odd[0][:40]!r}")
    leaves = whole(entries.get("num_leaves", ""), "num_leaves")
    if not 1 <= leaves <= len(text):
        raise BrokenError(f"tree {number} has {leaves} leaves")
    try:
        check_values(entries, leaves)
        places = check_categories(entries)
        if leaves > 1:
            check_splits(entries, leaves, features, places)
        if is_linear(entries):
            check_linear(entries, leaves, features)
    except BrokenError as error:
        raise BrokenError(f"tree {number}: {error}") from error


def check_values(entries: Fields, leaves: int) -> None:
    """Every list is as long as it has to be; of a tree with one leaf LightGBM reads none but its
    value, unless it is linear.
    """
    is_short = leaves == 1 and not is_linear(entries)
    needed = ["num_cat", "leaf_value", *(() if is_short else INNER)]
    if absent := [name for name in needed if name not in entries]:
        raise BrokenError(f"{absent[0]} is missing")
    for name in (*LEAVES, *WEIGHTS, *INNER):
        if name in entries:
            length, long = len(parts(entries, name)), leaves if name in LEAVES else leaves - 1
            if length != long and not (is_short and length == 0 and name != "leaf_value"):
                raise BrokenError(f"{name} has {length} values, not {long}")
        numbers(entries, name) if name.endswith("_count") else decimals(entries, name)
    decimals(entries, "shrinkage")


def is_linear(entries: Fields) -> bool:
    """Whether the leaves hold lines."""
    return entries.get("is_linear", "0") != "0"


def check_splits(entries: Fields, leaves: int, features: int, places: int) -> None:
    """Features exist, categories are listed, and every node is reached once from the first."""
    split = numbers(entries, "split_feature")
    if not all(0 <= feature < features for feature in split):
        raise BrokenError("it splits by a feature that is not there")
    kinds = numbers(entries, "decision_type")
    if not all(0 <= kind < KINDS for kind in kinds):
        raise BrokenError("a decision is of no known kind")
    thresholds = decimals(entries, "threshold")
    for kind, threshold in zip(kinds, thresholds, strict=True):
        if kind & CATEGORICAL and not (threshold.is_integer() and 0 <= threshold < places):
            raise BrokenError("a decision is by categories that are not there")
    check_children(numbers(entries, "left_child"), numbers(entries, "right_child"), leaves)


def check_children(children: Sequence[int], right: Sequence[int], leaves: int) -> None:
    """Below the first node each other one, and each leaf, stands once; no branch is too deep."""
    depths, reached = {0: 1}, set[int]()
    for _ in range(leaves - 1):
        if not (open_nodes := depths):
            raise BrokenError("it does not reach all of its nodes")
        node, depth = open_nodes.popitem()
        if depth > DEEPEST:
            raise BrokenError("a branch is too deep")
        for child in (children[node], right[node]):
            if not -leaves <= child < leaves - 1 or child == 0 or child in reached:
                raise BrokenError("a branch leads nowhere, or back")
            reached.add(child)
            if child > 0:
                depths[child] = depth + 1
    if depths or len(reached) != 2 * (leaves - 1):
        raise BrokenError("it does not reach all of its leaves")


def check_categories(entries: Fields) -> int:
    """How many sets of categories there are."""
    count = whole(entries.get("num_cat", "0"), "num_cat")
    if count == 0:
        return 0
    bounds, words = numbers(entries, "cat_boundaries"), numbers(entries, "cat_threshold")
    ordered = all(a < b for a, b in pairwise(bounds))
    if count < 0 or len(bounds) != count + 1 or bounds[0] != 0 or not ordered:
        raise BrokenError("its sets of categories are not in order")
    if bounds[-1] != len(words) or not all(0 <= word < 2**32 for word in words):
        raise BrokenError("its sets of categories are not as long as it says")
    return count


def check_linear(entries: Fields, leaves: int, features: int) -> None:
    """The same for leaves that hold a line."""
    constants = decimals(entries, "leaf_const")
    counts, used = numbers(entries, "num_features"), numbers(entries, "leaf_features")
    slopes = decimals(entries, "leaf_coeff")
    if len(constants) != leaves or len(counts) != leaves or min(counts) < 0:
        raise BrokenError("its lines are not as many as its leaves")
    if not sum(counts) == len(used) == len(slopes):
        raise BrokenError("its lines are not as long as it says")
    if not all(0 <= feature < features for feature in used):
        raise BrokenError("a line has a feature that is not there")


def fields(lines: Sequence[str]) -> dict[str, str]:
    """What `name=value` lines say, each once."""
    entries: dict[str, str] = {}
    for line in lines:
        name, mark, value = line.partition("=")
        if not mark and name not in FLAGS:
            raise BrokenError(f"a line says nothing: {line[:40]!r}")
        if name in entries:
            raise BrokenError(f"it says {name[:40]!r} twice")
        entries[name] = value
    return entries


def whole(text: str, name: str) -> int:
    """A whole number."""
    if not WHOLE.fullmatch(text):
        raise BrokenError(f"{name} is no number: {text[:40]!r}")
    return int(text)


def numbers(entries: Fields, name: str) -> list[int]:
    """A list of whole numbers."""
    return [whole(text, name) for text in parts(entries, name)]


def parts(entries: Fields, name: str) -> list[str]:
    """What stands in a list; only between the lines of two leaves there is more than one space."""
    text = entries.get(name, "").strip(" ")
    if name in LINES:
        return [part for part in text.split(" ") if part]
    return text.split(" ") if text else []


def decimals(entries: Fields, name: str) -> list[float]:
    """A list of numbers."""
    values = parts(entries, name)
    if not all(map(DECIMAL.fullmatch, values)):
        raise BrokenError(f"{name} holds what is no number")
    return [float(value) for value in values]
