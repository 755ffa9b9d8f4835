"""Guessing codes: how many sendings a second may come to nothing, and who is let through when there were more.

Fifty wrong tries a second find a typed code of a round with a million of them once in some three hundred thousand days.
What is counted is everybody's; a limit for each address would need the address, and stop a village behind one of them.
"""

import hmac

from survey.intake import OpenRound
from survey.invitations import find_invitation
from survey.limits import Counters
from survey.secrets import Secrets
from survey.storage.intake import spent_by
from survey.storage.stores import Stores

FRUITLESS_A_SECOND = 50
# From here on senders without a right are counted before any work is done for them: several at work at once would
# otherwise each find room for one more.
CROWDED_FROM = FRUITLESS_A_SECOND // 5
_PURPOSE = "fruitless sending"
# Identifiers of invitations are 16 bytes; this is none, and stands for one so that the work is the same.
_NOBODY = b"nobody"


def is_crowded(counters: Counters) -> bool:
    """Whether a fifth of the sendings that are allowed to come to nothing came within the last second."""
    return counters.is_exhausted(_PURPOSE, "", CROWDED_FROM, 1)


def count_fruitless(counters: Counters) -> bool:
    """Count a sending that came to nothing; whether it was within what is allowed."""
    return counters.allow(_PURPOSE, "", FRUITLESS_A_SECOND, 1)


def is_usable(
    stores: Stores, secrets: Secrets, open_round: OpenRound, unit_code: str, code_text: str, nonce: str
) -> bool:
    """Whether a ballot under this code would be received, or was under this same form. The work is always the same."""
    found = find_invitation(stores, secrets, open_round.slug, code_text, open_round.untagged_mark)
    is_valid = found is not None and found.origin.unit == unit_code
    nullifier = secrets.nullifier(open_round.slug, found.id if found is not None and is_valid else _NOBODY)
    nonce_tag = secrets.nonce_tag(open_round.slug, nullifier, nonce)
    used_by = spent_by(stores.intake, open_round.slug, nullifier)
    is_same_form = hmac.compare_digest(used_by or bytes(len(nonce_tag)), nonce_tag)
    return is_valid and (used_by is None or is_same_form)
