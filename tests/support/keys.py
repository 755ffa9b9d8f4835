"""Keys that lie in an instance before it needs them, wrapped at the lowest cost that a file may name.

What is there already is never made again, so that commands and pages, which wrap at the usual cost, take these. What
the usual cost is, and that it is the usual one, is tested with the vault itself.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from survey.settings import Settings
from survey.vault import KeyVault

CHEAPEST = 2**14


def lay_keys(settings: Settings, *slugs: str) -> KeyVault:
    """The instance's own key and the two pairs of each of these rounds, and the vault that they lie in."""
    passphrase = settings.passphrase_file.read_bytes().strip()
    folder = settings.instance / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("signing", *(pair for slug in slugs for pair in (slug, f"{slug}.comments"))):
        path = folder / f"{name}.json"
        path.write_bytes(_wrapped(name, passphrase))
        path.chmod(0o600)
    return KeyVault(folder, passphrase, scrypt_cost=CHEAPEST)


@cache
def _wrapped(name: str, passphrase: bytes) -> bytes:
    """The file of a key, made once a process."""
    with TemporaryDirectory() as folder:
        vault = KeyVault(Path(folder), passphrase, scrypt_cost=CHEAPEST)
        if name == "signing":
            vault.signer()
        else:
            vault.create_pair(name)
        return (Path(folder) / f"{name}.json").read_bytes()
