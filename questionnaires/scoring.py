"""The scoring tree and the profiles of a questionnaire's file."""

from typing import cast, get_args

from questionnaires.model import Band, Formula, Node, Profile, SameExtremes, Source, Text
from questionnaires.records import Record
from questionnaires.spelling import A_CODE, CODE, NAME

LARGEST_WEIGHT = 1_000_000.0
MOST_BANDS = 20
PROFILE_KEYS = (
    "name", "label", "formula", "threshold", "points", "hard", "same_extremes", "bands", "confirmed", "source",
)  # fmt: skip

_NODE_KEYS = ("code", "label", "short_label", "weight", "source")
_CRITERION_KEYS = (*_NODE_KEYS, "item", "hard", "reversed")
_STANDARDISED_KEYS = ("points", "hard", "same_extremes")


def read_index(root: Record, item_texts: dict[str, Text]) -> Node | None:
    """The scoring tree of a file, None without one; a criterion that says nothing else is called like its item."""
    index = root.record("index", ("label", "short_label", "factors"))
    if index is None:
        return None
    label = index.text("label")
    factors = index.records("factors", (*_NODE_KEYS, "criteria"), (1, 60))
    return Node(
        code="index",
        kind="index",
        label=label,
        short_label=index.optional_text("short_label") or label,
        children=tuple(_factor(factor, item_texts) for factor in factors),
    )


def _factor(factor: Record, item_texts: dict[str, Text]) -> Node:
    label = factor.text("label")
    return Node(
        code=factor.word("code", A_CODE, CODE),
        kind="factor",
        label=label,
        short_label=factor.optional_text("short_label") or label,
        weight=_weight(factor),
        children=tuple(
            _criterion(criterion, item_texts) for criterion in factor.records("criteria", _CRITERION_KEYS, (1, 200))
        ),
        source=_source(factor) if factor.has("source") else None,
    )


def _criterion(criterion: Record, item_texts: dict[str, Text]) -> Node:
    is_hard = criterion.has("hard")
    item = hard = ""
    label = criterion.optional_text("label")
    if is_hard:
        hard = criterion.word("hard", "the code of an indicator of the hard data", CODE)
        for key in ("item", "code"):
            if criterion.has(key):
                criterion.complain(key, f"found both “{key}” and “hard”, expected “hard” alone: it is the code too")
        if label is None:
            criterion.complain("label", "found no “label” beside “hard”, expected the indicator's name")
    else:
        item = criterion.word("item", "the code of an item, or “hard” with that of an indicator", CODE)
    label = label or item_texts.get(item, Text("", ""))
    return Node(
        code=hard if is_hard else criterion.word("code", A_CODE, CODE, is_required=False) or item,
        kind="criterion",
        label=label,
        short_label=criterion.optional_text("short_label") or label,
        weight=_weight(criterion),
        item=None if is_hard else item,
        source=_source(criterion),
        hard=is_hard,
        reversed=criterion.flag("reversed"),
    )


def _weight(node: Record) -> float:
    if not node.has("weight"):
        return 1.0
    weight = node.number("weight", within=(0, LARGEST_WEIGHT))
    if weight == 0:
        node.complain("weight", "found the weight 0, expected a weight above 0")
    return weight or 1.0


def read_profile(profile: Record) -> Profile:
    """A profile of a file."""
    formula = profile.one_of("formula", get_args(Formula))
    if formula and formula != "share" and profile.has("threshold"):
        profile.complain("threshold", f"found a threshold with the formula {formula}, expected it with share only")
    for key in _STANDARDISED_KEYS if formula and formula != "standardised" else ():
        if profile.has(key):
            profile.complain(key, f"found “{key}” with the formula {formula}, expected it with standardised only")
    points = profile.number("points", within=(100, 1000)) if profile.has("points") else 100.0
    if points not in {None, 100.0, 1000.0}:
        profile.complain("points", f"found the number {points:g}, expected 100 or 1000")
    same_extremes = profile.one_of("same_extremes", get_args(SameExtremes)) if profile.has("same_extremes") else ""
    bands = profile.records("bands", ("low", "label"), (2, MOST_BANDS)) if profile.has("bands") else ()
    return Profile(
        name=profile.word("name", A_CODE, NAME),
        label=profile.text("label"),
        formula=cast(Formula, formula or "rescaled"),
        threshold=profile.number("threshold", is_required=formula == "share", within=(-1000, 1000)),
        confirmed=profile.flag("confirmed", is_required=True),
        source=_source(profile),
        points=int(points or 100),
        uses_hard=profile.flag("hard"),
        same_extremes=cast(SameExtremes, same_extremes or "midpoint"),
        bands=tuple(
            Band(band.number("low", is_required=True, within=(0, 1000)) or 0.0, band.text("label")) for band in bands
        ),
    )


def _source(holder: Record) -> Source:
    if holder.scalar("source") is not None:
        holder.one_of("source", ("ours",))
        return Source(ours=True)
    if not holder.has("source"):
        holder.complain("source", "found no “source”, expected ours, or a document and its page")
        return Source(ours=True)
    source = holder.record("source", ("document", "page"))
    return Source(False, source.sentence("document"), source.sentence("page")) if source else Source(ours=True)
