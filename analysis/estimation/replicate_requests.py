"""Replicate weights that a specification asks to be made from its design, instead of a file of them.

`design.replicates: {type: JKn, make: true}`, with `n_replicates` and `seed` for bootstraps, `rho` for Fay and `mse`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from analysis.errors import SpecError
from analysis.estimation.spec_values import choice_at, flag_at, is_number, known_keys, shown

ReplicationKind = Literal["JK1", "JKn", "BRR", "Fay", "RaoWu", "subbootstrap", "bootstrap", "mrbbootstrap"]
REPLICATIONS: tuple[ReplicationKind, ...] = get_args(ReplicationKind)
BOOTSTRAPS: tuple[ReplicationKind, ...] = ("RaoWu", "subbootstrap", "bootstrap", "mrbbootstrap")
MOST_REPLICATES = 10_000
_KEYS = ("type", "make", "n_replicates", "rho", "seed", "mse", "note")


@dataclass(frozen=True, slots=True)
class MadeReplicates:
    """What replicates are made.

    Attributes:
        kind: how; n_replicates: of bootstraps; rho: what Fay's method leaves of the weights of the smaller half, 0 to
            below 1; seed: of bootstraps; mse: squares are taken about the full-sample estimate.
        file: always empty, as no file is read.
    """

    kind: ReplicationKind
    n_replicates: int
    rho: float
    seed: int
    mse: bool
    file: str = ""


def read_made_replicates(mapping: Mapping[str, Any], place: str) -> MadeReplicates:
    """What `design.replicates` asks to be made.

    Raises SpecError for a kind that cannot be made and for keys that do not belong to it.
    """
    known_keys(mapping, _KEYS, place)
    kind = cast(ReplicationKind, choice_at(mapping, "type", place, REPLICATIONS, ""))
    if not kind:
        raise SpecError(f"{place}.type: found nothing, expected one of {', '.join(REPLICATIONS)}")
    allowed = ["seed", "n_replicates"] if kind in BOOTSTRAPS else ["rho"] if kind == "Fay" else []
    for key in ("seed", "n_replicates", "rho"):
        if mapping.get(key) is not None and key not in allowed:
            raise SpecError(f"{place}.{key}: found {shown(mapping[key])}, expected nothing, as {kind} has none")
    count = _whole(mapping, "n_replicates", place, 100, 2, MOST_REPLICATES)
    seed = _whole(mapping, "seed", place, 1, 0, 2**63 - 1)
    rho = mapping.get("rho")
    if rho is not None and not (is_number(rho) and 0 <= rho < 1):
        raise SpecError(f"{place}.rho: found {shown(rho)}, expected a number from 0 to below 1")
    return MadeReplicates(
        kind, count, 0.5 if rho is None else float(rho), seed, flag_at(mapping, "mse", place, default=False)
    )


def _whole(mapping: Mapping[str, Any], key: str, place: str, default: int, least: int, most: int) -> int:
    value = mapping.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise SpecError(f"{place}.{key}: found {shown(value)}, expected a whole number from {least} to {most}")
    return value
