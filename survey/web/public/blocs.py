"""A bloc on the public pages: its units by group at the index or at any node below it, found, sorted and in pages."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from analysis.release.edition import Edition
from analysis.release.rows import BLOC_PREFIX, ROOT
from analysis.scorecards.comparison import verdict_of
from analysis.scorecards.content import League, Member, Tier
from analysis.scorecards.drawing import index_bounds
from analysis.scorecards.figures import ABSENT, Figure, figure_of, numbered
from questionnaires.model import Text
from survey.web.public.drawings import Tile, WebStrip, tile_map, web_strip

TIERS: tuple[Tier, ...] = ("above", "not_different", "below")
SORTS = ("group", "score", "name", "answers")
# A table of so many units is sent whole; a longer one goes in pages, so that a phone can hold it.
MOST_WHOLE = 150
PER_PAGE = 100
LONGEST_QUERY = 80
_TIER_OF: dict[str, Tier] = {"higher": "above", "lower": "below", "not_different": "not_different"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reader asked of a bloc's table: the node, words of a name, the order, the page counted from 1."""

    node: str = ROOT
    words: str = ""
    sort: str = "group"
    page: int = 1


@dataclass(frozen=True, slots=True)
class NodeOption:
    """A node that the table can be of."""

    code: str
    number: str
    label: Text


@dataclass(frozen=True, slots=True)
class Group:
    """Units that stand together under one heading; the heading is `tier_KEY`, or none for a plain order."""

    key: str
    members: tuple[Member, ...]
    n_all: int


@dataclass(frozen=True, slots=True)
class BlocTable:
    """A bloc as a page shows it. `groups` hold the units of this page alone; `n_found` are those that the words found.

    The members of a node below the index have no ranks: `differences` says by how much they differ from the others of
    the bloc, and the groups are what the edition's tests found.
    """

    code: str
    name: Text
    node: str
    node_label: Text
    bloc: Figure
    groups: tuple[Group, ...]
    differences: dict[str, float | None]
    bounds: tuple[float, ...]
    strip: WebStrip | None
    tiles: tuple[Tile, ...]
    tier_sizes: tuple[tuple[str, int], ...]
    n_units: int
    n_found: int
    n_pages: int
    page: int
    has_caution: bool
    ordered: tuple[Member, ...]

    @property
    def is_index(self) -> bool:
        """True when the table is of the index, whose units have ranks."""
        return self.node == ROOT


def bloc_table(edition: Edition, league: League, choice: Choice, language: str, *, is_whole: bool = False) -> BlocTable:
    """The bloc's table as the choice asks for it; a page beyond the last is the last. `is_whole` sends every unit."""
    members, bloc, differences = _members_at(edition, league, choice.node)
    wanted = bare(choice.words)
    found = [member for member in members if wanted in bare(member.name.in_language(language))]
    ordered = _ordered(found, choice.sort, language)
    n_pages = 1 if is_whole or len(found) <= MOST_WHOLE else -(-len(found) // PER_PAGE)
    page = min(max(choice.page, 1), n_pages)
    shown = ordered if n_pages == 1 else ordered[(page - 1) * PER_PAGE : page * PER_PAGE]
    groups = _groups(shown, found) if choice.sort == "group" else (Group("", tuple(shown), len(found)),)
    scale = edition.scale_of(choice.node)
    with_value = [member for member in members if member.figure.is_shown]
    return BlocTable(
        code=league.bloc_code,
        name=league.bloc_name,
        node=choice.node,
        node_label=_label(edition, choice.node),
        bloc=bloc,
        groups=groups,
        differences=differences,
        bounds=index_bounds(with_value, bloc, scale),
        strip=web_strip(with_value, bloc, scale),
        tiles=tile_map(members),
        tier_sizes=tuple((group.key, group.n_all) for group in _groups(members, members)),
        n_units=len(members),
        n_found=len(found),
        n_pages=n_pages,
        page=page,
        has_caution=any(member.figure.state == "caution" for member in shown),
        ordered=tuple(with_value),
    )


def node_options(edition: Edition) -> tuple[NodeOption, ...]:
    """The index and every node below it, in the order of the questionnaire."""
    root = edition.questionnaire.tree(edition.profile)
    if root is None:
        return ()
    below = (NodeOption(node.code, number, node.short_label) for number, node in numbered(root.children))
    return (NodeOption(ROOT, "", root.short_label), *below)


def bare(text: str) -> str:
    """The text in small letters without their marks, as people type it in a hurry: "Hạ Long" is "ha long"."""
    # The letter đ is no d with a mark to Unicode.
    letters = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def _members_at(
    edition: Edition, league: League, node: str
) -> tuple[tuple[Member, ...], Figure, dict[str, float | None]]:
    ranked = (*league.ranked, *league.unranked)
    if node == ROOT:
        return ranked, league.bloc_index, {}
    members, differences = [], {}
    for member in ranked:
        found = edition.difference_of(member.code, node)
        figure = _figure(edition, member.code, node)
        tier = _TIER_OF.get(verdict_of(found)) if figure.is_shown else None
        members.append(
            replace(
                member, figure=figure, rank=None, rank_low=None, rank_high=None, tier=tier,
                band=None, band_low=None, band_high=None,
            )
        )  # fmt: skip
        differences[member.code] = found.difference if found is not None and figure.is_shown else None
    return _by_score(members), _figure(edition, BLOC_PREFIX + league.bloc_code, node), differences


def _figure(edition: Edition, owner: str, node: str) -> Figure:
    try:
        return figure_of(edition.row(owner, node))
    except KeyError:
        return ABSENT


def _label(edition: Edition, node: str) -> Text:
    return next((option.label for option in node_options(edition) if option.code == node), Text(node, node))


def _ordered(members: Sequence[Member], sort: str, language: str) -> list[Member]:
    if sort == "name":
        return sorted(members, key=lambda member: (bare(member.name.in_language(language)), member.code))
    if sort == "answers":
        return sorted(members, key=lambda member: (-(member.figure.n or 0), member.code))
    if sort == "score":
        return list(_by_score(members))
    return [member for _, group in _by_tier(members) for member in group]


def _by_score(members: Sequence[Member]) -> tuple[Member, ...]:
    def key(member: Member) -> tuple[bool, float, str]:
        return member.figure.value is None, -(member.figure.value or 0.0), member.code

    return tuple(sorted(members, key=key))


def _by_tier(members: Sequence[Member]) -> Iterator[tuple[str, list[Member]]]:
    for tier in TIERS:
        yield tier, [member for member in members if member.tier == tier]
    yield "unranked", [member for member in members if member.tier not in TIERS]


def _groups(shown: Sequence[Member], found: Sequence[Member]) -> tuple[Group, ...]:
    sizes = {tier: len(members) for tier, members in _by_tier(found)}
    return tuple(Group(tier, tuple(members), sizes[tier]) for tier, members in _by_tier(shown) if members)
