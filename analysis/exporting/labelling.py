"""Responses with their weights, in batches, with codes as they are or with labels for people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from analysis.accounting import OPEN_LINK
from analysis.archive import Archive
from analysis.exporting.codebook import NO, YES, Variable, codebook_of
from analysis.exporting.safe_cells import safe_text
from analysis.release.design_weights import weigh_responses
from analysis.release.open_link import drawn_responses
from analysis.release.round_design import parse_design

# Rows at a time: what is made of them stays small, however many there are.
BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Microdata:
    """The responses of a round with a column of weights, and what its columns are."""

    archive: Archive
    table: pa.Table
    variables: tuple[Variable, ...]

    def title(self, language: str) -> str:
        """The name of the round; that of a simulated one says so."""
        facts = self.archive.contents.facts
        title = facts.title.in_language(language)
        if facts.collected != "simulated":
            return title
        # Before the name, for some programs cut what is long.
        return f"{'Simulated data' if language == 'en' else 'Số liệu mô phỏng'}: {title}"


def microdata_of(archive: Archive) -> Microdata:
    """The responses of an archive with the weights that its design gives them; answers from an open link have none.

    Raises DesignError where the design's counts do not suit the responses.
    """
    contents = archive.contents
    design = parse_design(contents.design_source, "design.yaml")
    variables = codebook_of(archive.questionnaire, contents.units, has_counts=design.has_counts)
    drawn = drawn_responses(contents.responses)
    weights = pa.array(weigh_responses(drawn, design, contents.coarsening).weights)
    if drawn.num_rows < contents.responses.num_rows:
        is_drawn = pc.not_equal(contents.responses["channel"], OPEN_LINK).combine_chunks()
        place = pc.subtract(pc.cumulative_sum(is_drawn.cast(pa.int64())), 1)
        weights = weights.take(pc.if_else(is_drawn, place, None))
    return Microdata(archive, contents.responses.append_column(variables[-1].name, weights), variables)


def batches_of(microdata: Microdata) -> Iterator[pa.RecordBatch]:
    """The rows in batches, codes as they are; one without rows where nobody answered."""
    yield from microdata.table.to_batches(max_chunksize=BATCH) or [
        pa.RecordBatch.from_pylist([], microdata.table.schema)
    ]


def labelled_batches(microdata: Microdata, language: str, *, is_guarded: bool) -> Iterator[pa.RecordBatch]:
    """The rows in batches with labels instead of codes; no text begins like a formula where it is guarded."""
    names = labelled_names(microdata.variables, language)
    if is_guarded:
        names = [safe_text(name) for name in names]
    for batch in batches_of(microdata):
        columns = [
            _labelled(column, variable, language, is_guarded=is_guarded)
            for column, variable in zip(batch.columns, microdata.variables, strict=True)
        ]
        yield pa.record_batch(columns, names=names)


def labelled_names(variables: Sequence[Variable], language: str) -> list[str]:
    """What the columns are called for people: the code and the question."""
    return [f"{variable.name}: {variable.text.in_language(language)}" for variable in variables]


def _labelled(column: pa.Array, variable: Variable, language: str, *, is_guarded: bool) -> pa.Array:
    if variable.kind == "yes_no":
        return pc.if_else(column, YES.in_language(language), NO.in_language(language))
    if pa.types.is_floating(column.type) and not variable.categories:
        return column
    encoded = column.dictionary_encode()
    labels = {code: label.in_language(language) for code, label in variable.labels.items()}
    found = [_spelled(value, labels) for value in encoded.dictionary.to_pylist()]
    if is_guarded:
        found = [safe_text(text) for text in found]
    return pa.array(found, pa.string()).take(encoded.indices)


def _spelled(value: str | float, labels: dict[str, str]) -> str:
    code = value if isinstance(value, str) else f"{value:g}"
    return labels.get(code, code)
