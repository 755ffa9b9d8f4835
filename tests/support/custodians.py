"""Three custodians of the small round's key, two of whom open it; scrypt at its cheapest."""

from collections.abc import Sequence

from support.rounds import SLUG, TODAY, Collection
from survey.custody import NewCustodian, ShareFile, entrust_key, try_shares
from survey.shares import Share, read_share, share_passphrase

NAMES = ("Sở Nội vụ", "Ủy ban Mặt trận Tổ quốc", "Trường Đại học Hạ Long")
PASSPHRASES = ("cầu Bãi Cháy nhìn từ xa", "chợ Hạ Long sáng sớm", "núi Bài Thơ chiều mưa")
NEED = 2
CHEAP = 2**14


def entrust(collection: Collection, need: int = NEED) -> list[ShareFile]:
    """The share files of the round, which is in draft."""
    kept: list[ShareFile] = []
    people = [NewCustodian(name, share_passphrase(text)) for name, text in zip(NAMES, PASSPHRASES, strict=True)]
    entrust_key(collection.stores, SLUG, need, people, lambda files: kept.extend(files), scrypt_cost=CHEAP)
    return kept


def opened_shares(files: Sequence[ShareFile], *numbers: int) -> list[Share]:
    """These shares, each opened by its custodian."""
    return [
        read_share(files[number - 1].content, share_passphrase(PASSPHRASES[number - 1]), files[number - 1].name)
        for number in numbers
    ]


def try_all(collection: Collection, files: Sequence[ShareFile]) -> None:
    try_shares(collection.stores, SLUG, opened_shares(files, 1, 2, 3), TODAY)
