"""What an edition takes from elsewhere than its archive: editions of earlier rounds, and what people wrote."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from analysis.release.edition import Edition
from analysis.release.history import change_rows_of, earlier_edition, history_rows, in_order
from analysis.release.lineage import Registry
from analysis.release.voices import Voices, refuse_strange_voices


@dataclass(frozen=True, slots=True)
class Context:
    """What is handed to an edition beside its archive.

    `earlier_rounds` are published editions of the same questionnaire, one of each earlier round, of which history and
    changes are made; `registry` tells which of their units went into which. `voices` are what people wrote.
    """

    earlier_rounds: Sequence[Edition] = ()
    registry: Registry = field(default_factory=Registry)
    voices: Voices = field(default_factory=Voices)


def with_context(edition: Edition, context: Context) -> Edition:
    """The edition with its history, its changes and what people wrote.

    Raises AnalysisError when an earlier edition is
    none of the same questionnaire, or what people wrote does not fit.
    """
    refuse_strange_voices(context.voices, {unit.code for unit in edition.units})
    ordered = in_order(edition, context.earlier_rounds)
    history = tuple(row for one in ordered for row in history_rows(edition, one, context.registry))
    slug, level = edition.facts.slug, edition.plan.level
    return replace(
        edition,
        history=history,
        changes=tuple(change_rows_of(slug, level, edition.estimates, history)),
        earlier=tuple(earlier_edition(one) for one in ordered),
        themes=context.voices.themes,
        comments=context.voices.comments,
        promises=context.voices.promises,
    )


def with_context_of(recomputed: Edition, published: Edition) -> Edition:
    """A recomputed edition with what the published one took from elsewhere, and the changes that follow from it."""
    slug, level = recomputed.facts.slug, recomputed.plan.level
    return replace(
        recomputed,
        history=published.history,
        changes=tuple(change_rows_of(slug, level, recomputed.estimates, published.history)),
        earlier=published.earlier,
        themes=published.themes,
        comments=published.comments,
        promises=published.promises,
    )
