"""Custody: a round's ballot key in the hands of several people, so that no machine and no one of them opens ballots.

The pair is made and split in one step and kept in no file and no table: what is stored is its public key, who holds a
share, and each share's public point. Enough custodians together give the key back, in the memory of one process: for
a trial, and for the sealing.
"""

import secrets as randomness
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from survey.envelopes import EnvelopeError, open_ballot, padded_size_for, seal_ballot
from survey.errors import BadInput, WrongState
from survey.notices import one_line
from survey.round_records import Custody, RoundRecord, find_round
from survey.shares import (
    FEWEST_NEEDED,
    LONGEST_NAME,
    MOST_CUSTODIANS,
    Share,
    ShareError,
    file_name,
    is_one_polynomial,
    joined,
    refuse_repeated,
    share_key,
    split,
    write_share,
)
from survey.storage.audit import record_event
from survey.storage.office import Custodian, Round
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores
from survey.vault import SCRYPT_COST, KeyVault, Passphrase, fingerprint, public_point

COMMAND_LINE = "command line"
KEY_JOINED = "round.key_joined"
UNSEALED = ("draft", "open", "closed")

_CANARY_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewCustodian:
    """Who is to hold a share, and the passphrase that this person has chosen."""

    name: str
    passphrase: Passphrase


@dataclass(frozen=True, slots=True)
class ShareFile:
    """A share as it is handed to its custodian."""

    custodian: str
    name: str
    content: bytes


def entrust_key(
    stores: Stores,
    slug: str,
    need: int,
    custodians: Sequence[NewCustodian],
    keep: Callable[[Sequence[ShareFile]], None],
    *,
    actor: str = COMMAND_LINE,
    scrypt_cost: int = SCRYPT_COST,
) -> RoundRecord:
    """The round with a new ballot key that its custodians hold, each a share, and nobody and nothing the whole.

    `keep` is handed the files before anything is stored; where it raises, nothing is. A draft may be entrusted again,
    with a new key: the shares of the former one are then of no use. Raises NotFound, WrongState when the round is no
    draft or waits for answers to be imported, BadInput for names and numbers that do not hold.
    """
    names = [custodian_name(custodian.name) for custodian in custodians]
    _refuse_odd_custody(need, names)
    _refuse_another_life(find_round(stores, slug))
    private_key = ec.generate_private_key(ec.SECP256R1())
    public_key = public_point(private_key.public_key())
    values = split(private_key.private_numbers().private_value, need, len(names))
    if not is_one_polynomial(values, need):
        raise ArithmeticError("the shares do not belong together")
    files = [
        ShareFile(
            name,
            file_name(slug, number),
            write_share(
                Share(slug, name, number, need, len(names), public_key, values[number]),
                custodian.passphrase,
                scrypt_cost=scrypt_cost,
            ),
        )
        for number, (name, custodian) in enumerate(zip(names, custodians, strict=True), start=1)
    ]
    keep(files)
    with writing(stores.office) as session:
        row = _locked_draft(session, slug)
        row.ballot_public_key = public_key
        row.key_fingerprint = fingerprint(public_key)
        row.shares_needed = need
        session.execute(delete(Custodian).where(Custodian.round_slug == slug))
        session.add_all(
            Custodian(round_slug=slug, number=number, name=name, share_key=share_key(values[number]))
            for number, name in enumerate(names, start=1)
        )
        session.flush()
        record_event(
            session, actor, "round.key_entrusted", f"{slug} key {row.key_fingerprint} {need} of {len(names)} shares"
        )
        for number, name in enumerate(names, start=1):
            record_event(session, actor, "round.share_made", f"{slug} share {number} {name}")
    return find_round(stores, slug)


def try_shares(
    stores: Stores, slug: str, shares: Sequence[Share], today: date, *, actor: str = COMMAND_LINE
) -> RoundRecord:
    """The round after a trial: what was just sealed to its public key was opened with these shares.

    Raises ShareError for shares that do not give the key, WrongState when the round keeps its key on the machine or is
    sealed already; nothing is recorded then.
    """
    record = find_round(stores, slug)
    if record.state not in UNSEALED:
        raise WrongState(
            f"the round {slug} is {record.state}; its key is needed no more, its shares are to be destroyed"
        )
    private_key = join_shares(record, shares)
    _open_canary(private_key, record)
    numbers = sorted(share.number for share in shares)
    with writing(stores.office) as session:
        row = session.get(Round, slug, with_for_update=True)
        if row is None or row.ballot_public_key != record.ballot_public_key:
            raise WrongState(f"the round {slug} was given another key meanwhile; try the shares of that one")
        for custodian in session.scalars(select(Custodian).where(Custodian.round_slug == slug)):
            if custodian.number in numbers:
                custodian.tried_on = today
        record_event(session, actor, "round.shares_tried", _which(record, shares))
    return find_round(stores, slug)


def join_shares(record: RoundRecord, shares: Sequence[Share]) -> ec.EllipticCurvePrivateKey:
    """The round's private key, which enough of its custodians' shares give.

    Raises ShareError that names the share which is of another round (`other_round`), of another key (`other_key`),
    there twice (`twice`), or says that there are too few (`too_few`); WrongState where the key is not in custody.
    """
    custody = custody_of(record)
    refuse_repeated([(share.number, share.custodian) for share in shares if share.round_slug == record.slug])
    for share in shares:
        _refuse_strange_share(record, custody, share)
    if len(shares) < custody.need:
        raise ShareError(
            "too_few",
            f"the round {record.slug}: found {len(shares)} shares, expected at least {custody.need} of the "
            f"{len(custody.custodians)} that {listed(custody)} hold",
            found=len(shares),
            need=custody.need,
        )
    scalar = joined({share.number: share.value for share in shares[: custody.need]})
    private_key = ec.derive_private_key(scalar, ec.SECP256R1())
    if public_point(private_key.public_key()) != record.ballot_public_key:
        raise WrongState(
            f"the round {record.slug}: the shares give another key than the one its ballots are sealed to, "
            f"whose fingerprint is {record.key_fingerprint}"
        )
    return private_key


def ballot_key(
    stores: Stores, vault: KeyVault, record: RoundRecord, shares: Sequence[Share], *, actor: str = COMMAND_LINE
) -> ec.EllipticCurvePrivateKey:
    """The private key that opens a round's ballots: from the vault, or from its custodians' shares.

    That shares were put together is in the audit log before anything is opened with them.
    """
    if record.custody is not None:
        private_key = join_shares(record, shares)
        with writing(stores.office) as session:
            record_event(session, actor, KEY_JOINED, _which(record, shares))
        return private_key
    if shares:
        custody_of(record)
    private_key = vault.unwrap(record.slug)
    if public_point(private_key.public_key()) != record.ballot_public_key:
        raise WrongState(
            f"the round {record.slug}: the key in the vault is not the one its ballots were sealed to, "
            f"whose fingerprint is {record.key_fingerprint}"
        )
    return private_key


def has_key_on_machine(stores: Stores) -> bool:
    """Whether the machine holds the key of a round that is not yet sealed, or held that of one where all are.

    True, too, where there is no round: that is how one begins.
    """
    query = select(Round.state, Round.shares_needed).where(Round.imported.is_(False))
    with reading(stores.office) as session:
        rows = session.execute(query).all()
    needed = [count for state, count in rows if state in UNSEALED] or [count for _, count in rows]
    return not needed or None in needed


def refuse_untried(record: RoundRecord) -> None:
    """Raise WrongState where nobody has seen that the custodians' shares open what is sealed to the round's key."""
    if record.custody is not None and not record.custody.is_tried:
        raise WrongState(
            f"the round {record.slug}: found no trial of its key, expected one with {record.custody.need} shares "
            f"(`hailong round trial {record.slug} --share FILE …`): ballots that nobody can open would be lost"
        )


def _refuse_odd_custody(need: int, names: Sequence[str]) -> None:
    if not FEWEST_NEEDED <= need <= len(names) <= MOST_CUSTODIANS:
        raise BadInput(
            f"found {need} needed of {len(names)} custodians, expected at least {FEWEST_NEEDED} needed, no more needed "
            f"than there are, and at most {MOST_CUSTODIANS} custodians"
        )
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise BadInput(f"found the custodian “{name}” twice, expected each name once")
        seen.add(name.casefold())


def custodian_name(text: str) -> str:
    """A custodian's name as it is stored; BadInput where it is empty, too long or holds what nobody sees."""
    name = one_line("custodian", text, longest=LONGEST_NAME)
    if not name:
        raise BadInput("custodian: found an empty name, expected who is to hold the share")
    return name


def _refuse_another_life(record: RoundRecord) -> None:
    if record.state != "draft" or record.is_imported:
        found = "imported" if record.is_imported else record.state
        raise WrongState(f"the round {record.slug} is {found}; custodians are named while it is a draft")


def _locked_draft(session: Session, slug: str) -> Round:
    row = session.get(Round, slug, with_for_update=True)
    if row is None or row.state != "draft":
        raise WrongState(f"the round {slug} is no draft any more; its key stays as it is")
    return row


def _refuse_strange_share(record: RoundRecord, custody: Custody, share: Share) -> None:
    if share.round_slug != record.slug:
        raise ShareError(
            "other_round",
            f"found the share of “{share.custodian}” for the round {share.round_slug[:60]}, "
            f"expected shares of the round {record.slug}",
            custodian=share.custodian,
            other=share.round_slug[:60],
        )
    known = {custodian.number: custodian.share_key for custodian in custody.custodians}
    if share.public_key != record.ballot_public_key or known.get(share.number) != share_key(share.value):
        raise ShareError(
            "other_key",
            f"found the share of “{share.custodian}” of another key of the round {record.slug}, "
            f"expected the one with the fingerprint {record.key_fingerprint}",
            custodian=share.custodian,
        )


def _open_canary(private_key: ec.EllipticCurvePrivateKey, record: RoundRecord) -> None:
    canary = randomness.token_bytes(_CANARY_BYTES)
    sealed_to = record.ballot_public_key or b""
    envelope = seal_ballot(sealed_to, record.slug, record.questionnaire_hash, canary, padded_size_for(_CANARY_BYTES))
    try:
        opened = open_ballot(private_key, record.slug, record.questionnaire_hash, envelope)
    except EnvelopeError:
        opened = b""
    if opened != canary:
        raise WrongState(f"the round {record.slug}: what was sealed to its key did not open with these shares")


def custody_of(record: RoundRecord) -> Custody:
    """The custody of a round; WrongState where the machine holds its key."""
    if record.custody is None:
        raise WrongState(f"the round {record.slug} keeps its key on this machine; it has no custodians and no shares")
    return record.custody


def _which(record: RoundRecord, shares: Sequence[Share]) -> str:
    numbers = " ".join(str(number) for number in sorted(share.number for share in shares))
    return f"{record.slug} key {record.key_fingerprint} shares {numbers}"


def listed(custody: Custody) -> str:
    """The custodians' names, for a complaint."""
    return ", ".join(f"“{custodian.name}”" for custodian in custody.custodians)
