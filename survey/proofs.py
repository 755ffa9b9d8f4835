"""What stands for a code where there is none: a proof that a machine worked, or that somebody waited.

The work is ALTCHA's (version 2 of its challenges, PBKDF2 with SHA-256): a machine looks for a counter whose derived key
begins with zeros. Challenges and tickets are signed and kept nowhere; each is good for one ballot about one unit.
"""

import hmac
import re
import secrets as randomness
from dataclasses import dataclass

from survey.secrets import Secrets

# About 256 keys of so many iterations each: a second or two on a slow phone, in the background while its owner reads.
ALGORITHM = "PBKDF2/SHA-256"
COST = 2_000
KEY_PREFIX = "00"
# A form may lie open for a while before it is sent, and a phone may be offline meanwhile.
LASTS_SECONDS = 6 * 3600
# How long somebody waits whose browser does no work.
WAIT_SECONDS = 15
LONGEST_PROOF = 2_000

_TICKET = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})\.([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket of ours: its name, 16 bytes, and for how many seconds its bearer has to wait yet."""

    id: bytes
    seconds_left: int


def new_challenge(secrets: Secrets, round_slug: str, unit_code: str, now: float) -> dict[str, object]:
    """A signed challenge for one ballot about a unit, as ALTCHA's workers read it."""
    from altcha.v2 import create_challenge

    challenge = create_challenge(
        ALGORITHM,
        COST,
        key_prefix=KEY_PREFIX,
        expires_at=int(now) + LASTS_SECONDS,
        data={"round": round_slug, "unit": unit_code},
        hmac_secret=secrets.proof_key,
    )
    found: dict[str, object] = challenge.to_dict()
    return found


def proof_id(secrets: Secrets, round_slug: str, unit_code: str, text: str) -> bytes | None:
    """The name of the challenge that a text solves, 32 bytes; None when it solves none of ours about this unit.

    One challenge has one name, however many solutions it has and however often they are sent.
    """
    from altcha.v2 import Payload, verify_solution

    if not text or len(text) > LONGEST_PROOF or not text.isascii():
        return None
    try:
        payload = Payload.from_base64(text)
        signature = bytes.fromhex(payload.challenge.signature or "")
        is_solved = verify_solution(payload, secrets.proof_key).verified
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
        # Anything at all may stand in a form's field; what is no payload proves nothing.
        return None
    if not is_solved or payload.challenge.parameters.data != {"round": round_slug, "unit": unit_code}:
        return None
    return signature


def new_ticket(secrets: Secrets, round_slug: str, unit_code: str, now: float) -> str:
    """A signed text for one ballot about a unit, good after `WAIT_SECONDS`."""
    issued, name = str(int(now)), randomness.token_bytes(16)
    return f"{issued}.{name.hex()}.{secrets.ticket_mark(round_slug, unit_code, issued, name).hex()}"


def read_ticket(secrets: Secrets, round_slug: str, unit_code: str, text: str, now: float) -> Ticket | None:
    """The ticket in a text; None when it is none of ours about this unit, or was given out too long ago."""
    found = _TICKET.fullmatch(text)
    if found is None:
        return None
    issued, name, mark = found[1], bytes.fromhex(found[2]), bytes.fromhex(found[3])
    if not hmac.compare_digest(mark, secrets.ticket_mark(round_slug, unit_code, issued, name)):
        return None
    age = int(now) - int(issued)
    if not 0 <= age <= LASTS_SECONDS:
        return None
    return Ticket(name, max(0, WAIT_SECONDS - age))
