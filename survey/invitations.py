"""Invitations: the right to answer once, issued for the units of a round and found again by their code."""

import hmac
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from sqlalchemy import LargeBinary, bindparam, func, insert, or_, select
from sqlalchemy.orm import Session

from analysis.accounting import OPEN_LINK
from survey.ballots import Origin
from survey.codes import new_code, read_code
from survey.errors import BadInput, WrongState
from survey.labels import check_label, printable
from survey.round_records import RoundRecord, find_round, load_questionnaire_of
from survey.rounds import COMMAND_LINE
from survey.secrets import Secrets
from survey.storage.audit import record_event
from survey.storage.frame import Invitation
from survey.storage.office import Round
from survey.storage.sessions import looking, writing
from survey.storage.stores import Stores

DEFAULT_CHANNEL = "slip"
MOST_CODES = 1_000_000
ISSUING_STATES = ("draft", "open")

# A unit, a stratum and a PSU, as a design tells cells apart.
Cell = tuple[str, str, str]

_ROWS_A_STATEMENT = 5_000
# What is looked up when a text is no code at all, so that the same work is done; no code has three bytes.
_NO_CODE = b"\0\0\0"
_TAG = bindparam("tag", type_=LargeBinary(32))
_FRAME = Invitation.__table__.c
_BY_TAG = select(
    _FRAME.id,
    _FRAME.round_slug,
    _FRAME.unit_code,
    _FRAME.stratum,
    _FRAME.psu,
    _FRAME.channel,
    _FRAME.qr_tag,
    _FRAME.typed_tag,
).where(or_(_FRAME.qr_tag == _TAG, _FRAME.typed_tag == _TAG))


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """How many invitations are wanted for one unit; empty stratum and psu mean that there are none.

    `unit` is empty in a round whose ballots rate several units: its invitations belong to the round. `place` is the
    line of the file that asks for them, for complaints.
    """

    unit: str
    count: int
    stratum: str = ""
    psu: str = ""
    channel: str = DEFAULT_CHANNEL
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class IssuedCode:
    """A code on its way to paper. It exists in this answer only: the stores keep keyed hashes of it."""

    round_slug: str
    unit: str
    typed: str
    qr: str
    channel: str

    def address(self, public_url: str | None) -> str:
        """What the QR picture holds; the path alone without a public address. The code rides in the fragment."""
        place = f"/{quote(self.unit, safe='')}" if self.unit else ""
        return f"{public_url or ''}/r/{quote(self.round_slug, safe='')}{place}#{self.qr}"


@dataclass(frozen=True, slots=True, repr=False)
class InvitationRecord:
    """An invitation as intake needs it."""

    id: bytes
    origin: Origin


def issue_invitations(
    stores: Stores,
    secrets: Secrets,
    round_slug: str,
    requests: Sequence[CodeRequest],
    *,
    actor: str = COMMAND_LINE,
    keep: Callable[[list[IssuedCode]], None] | None = None,
) -> list[IssuedCode]:
    """New invitations and their codes, in the order they were asked for: all of them, or none when anything is wrong.

    The codes are stored nowhere; who calls this has the only copy. `keep` is handed them before the invitations
    become valid: when it raises, nothing was issued. Raises NotFound, WrongState or BadInput.
    """
    record = find_round(stores, round_slug)
    _refuse_wrong_state(round_slug, record.state, is_imported=record.is_imported)
    wanted = _checked_requests(round_slug, invited_units(stores, record), requests)
    frame_counts = _FrameCounts(record)
    frame_counts.refuse_strange_cells(wanted)
    new_codes = [(request, new_code()) for request in wanted for _ in range(request.count)]
    codes = [IssuedCode(round_slug, request.unit, code.typed, code.qr, request.channel) for request, code in new_codes]
    with writing(stores.office) as office:
        # The round's row is read again under the lock: a round that was closed meanwhile gets no more invitations.
        row = office.get_one(Round, round_slug, with_for_update=True)
        _refuse_wrong_state(round_slug, row.state, is_imported=row.imported)
        subject = f"{round_slug}: {len(codes)} for {len({request.unit for request in wanted})} units"
        record_event(office, actor=actor, action="invitations.issued", subject=subject)
        with writing(stores.frame) as frame:
            frame_counts.refuse_too_many(frame, wanted)
            for start in range(0, len(new_codes), _ROWS_A_STATEMENT):
                rows = [
                    invitation_row(
                        secrets,
                        round_slug,
                        Origin(request.unit, request.stratum, request.psu, request.channel),
                        _code_bytes(code.qr),
                        _code_bytes(code.typed),
                    )
                    for request, code in new_codes[start : start + _ROWS_A_STATEMENT]
                ]
                frame.execute(insert(Invitation.__table__), rows)  # type: ignore[arg-type]
            if keep is not None:
                keep(codes)
    return codes


def invitation_row(
    secrets: Secrets, round_slug: str, origin: Origin, qr_code: bytes, typed_code: bytes
) -> dict[str, bytes | str]:
    """A new row of the frame store for a code's two spellings, under the one name that sealing takes it for real by."""
    qr_tag, typed_tag = secrets.invitation_tag(qr_code), secrets.invitation_tag(typed_code)
    labels = (origin.unit, origin.stratum, origin.psu, origin.channel)
    return {
        "id": secrets.invitation_id(round_slug, labels, qr_tag, typed_tag),
        "round_slug": round_slug,
        "unit_code": origin.unit,
        "stratum": origin.stratum,
        "psu": origin.psu,
        "channel": origin.channel,
        "qr_tag": qr_tag,
        "typed_tag": typed_tag,
    }


def invited_units(stores: Stores, record: RoundRecord) -> tuple[str, ...]:
    """The units that invitations name: those of the round, or the empty one where a ballot rates several units."""
    return ("",) if load_questionnaire_of(stores, record).rates_several_units else record.unit_codes


class _FrameCounts:
    """What the round's design counts: which cells there are to invite people from, and how many people each has.

    An invitation that the design has no people for would have no weight, and after sealing it is too late to say so.
    An open link is for whoever finds it: its codes are of no cell, and their answers have no weight.
    """

    def __init__(self, record: RoundRecord) -> None:
        from analysis.release.round_design import parse_design

        self.slug = record.slug
        self.design = parse_design(record.design_source, "the round's design")

    def refuse_strange_cells(self, requests: Sequence[CodeRequest]) -> None:
        for request in requests:
            if request.channel != OPEN_LINK and not self.design.knows_cell(request.unit, request.stratum, request.psu):
                raise BadInput(
                    f"{_placed(request)}found {_cell_words(request)}, expected a cell of the design of {self.slug}"
                )

    def refuse_too_many(self, frame: Session, requests: Sequence[CodeRequest]) -> None:
        """Raise BadInput when a cell would have more invitations than people, those of before included."""
        if not self.design.has_counts:
            return
        issued: Counter[Cell | str] = Counter()
        query = (
            select(Invitation.unit_code, Invitation.stratum, Invitation.psu, func.count())
            .where(Invitation.round_slug == self.slug, Invitation.channel != OPEN_LINK)
            .group_by(Invitation.unit_code, Invitation.stratum, Invitation.psu)
        )
        for unit, stratum, psu, count in frame.execute(query):
            issued[self._counted_as(unit, stratum, psu)] += count
        for request in requests:
            if request.channel == OPEN_LINK:
                continue
            counted_as = self._counted_as(request.unit, request.stratum, request.psu)
            before = issued[counted_as]
            people = self._people(counted_as)
            if before + request.count > people:
                earlier = f" after {before} issued before" if before else ""
                raise BadInput(
                    f"{_placed(request)}found {request.count} codes for {_cell_words(request)}{earlier}, expected at "
                    f"most the {people} people whom the design of {self.slug} counts there"
                )
            issued[counted_as] += request.count

    def _counted_as(self, unit: str, stratum: str, psu: str) -> Cell | str:
        cell = self.design.cell_of(unit, stratum, psu)
        return cell if self.design.cells else self.design.stratum_of(cell)

    def _people(self, counted_as: Cell | str) -> int:
        if isinstance(counted_as, str):
            return (self.design.population or {}).get(counted_as, 0)
        return self.design.population_of(*counted_as) or 0


def _placed(request: CodeRequest) -> str:
    return f"{request.place}: " if request.place else ""


def _cell_words(request: CodeRequest) -> str:
    labels = (("unit", request.unit), ("stratum", request.stratum), ("psu", request.psu))
    return ", ".join(f"{name} “{printable(label)}”" for name, label in labels if label) or "no unit, stratum or psu"


def find_invitation(
    stores: Stores, secrets: Secrets, round_slug: str, code_text: str, untagged_mark: bytes | None = None
) -> InvitationRecord | None:
    """The invitation of this round that a text spells in either way, or None. The work is the same in each case.

    A row that was not written by us, or was changed since, is none; unless the round's `untagged_mark` is there to say
    that its invitations are older than the names by which this is known.
    """
    read = read_code(code_text)
    tag = secrets.invitation_tag(read[1] if read else _NO_CODE)
    with looking(stores.frame) as connection:
        rows = connection.execute(_BY_TAG, {"tag": tag}).all()
    # Whoever may write to the store can have put one code's two spellings into two rows: then it is nobody's.
    row = rows[0] if len(rows) == 1 else None
    found_id, _, *labels, qr_tag, typed_tag = row or (b"", "", "", "", "", "", tag, tag)
    is_ours = hmac.compare_digest(secrets.invitation_id(round_slug, labels, qr_tag, typed_tag), found_id)
    if row is None or row.round_slug != round_slug:
        return None
    if not is_ours and not is_from_before_tags(secrets, round_slug, untagged_mark):
        return None
    return InvitationRecord(found_id, Origin(*labels))


def is_from_before_tags(secrets: Secrets, round_slug: str, untagged_mark: bytes | None) -> bool:
    """Whether a round was there before its rows had tags: a mark that only our upgrade can have made says so."""
    return untagged_mark is not None and hmac.compare_digest(untagged_mark, secrets.untagged_mark(round_slug))


def check_count(count: int) -> int:
    """The number of codes that are wanted; BadInput when there are none or far too many."""
    if not 1 <= count <= MOST_CODES:
        raise BadInput(f"count: found {count}, expected a whole number from 1 to {MOST_CODES}")
    return count


def _checked_requests(round_slug: str, units: Sequence[str], requests: Sequence[CodeRequest]) -> list[CodeRequest]:
    known = frozenset(units)
    checked = []
    for request in requests:
        if request.unit not in known:
            raise BadInput(f"unit: found “{printable(request.unit)}”, expected {expected_unit(units)} {round_slug}")
        checked.append(
            replace(
                request,
                count=check_count(request.count),
                stratum=check_label("stratum", request.stratum),
                psu=check_label("psu", request.psu),
                channel=check_label("channel", request.channel) or DEFAULT_CHANNEL,
            )
        )
    if not checked:
        raise BadInput("found no request for codes, expected at least one with a count")
    check_count(sum(request.count for request in checked))
    return checked


def expected_unit(units: Sequence[str]) -> str:
    """What a complaint about a unit says was expected, before the name of the round."""
    return "nothing: the respondents choose the units in the round" if "" in units else "a unit of the round"


def _refuse_wrong_state(round_slug: str, state: str, *, is_imported: bool) -> None:
    if is_imported or state not in ISSUING_STATES:
        found = "imported" if is_imported else state
        raise WrongState(f"the round {round_slug} is {found}; codes are issued while it is draft or open")


def _code_bytes(spelled: str) -> bytes:
    read = read_code(spelled)
    if read is None:
        raise AssertionError("a new code is not read back")
    return read[1]
