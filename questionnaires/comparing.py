"""Two texts side by side: which words of each are not in the other."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

MarkedWords = tuple[tuple[str, bool], ...]

_WORD = re.compile(r"\S+\s*")
# Longer lists of words are compared as a whole: nobody reads single marks in them.
_MOST_WORDS = 1500


def marked_words(before: str, after: str) -> tuple[MarkedWords, MarkedWords]:
    """Both texts in runs of words, each run with whether it is changed; joined they are the texts themselves."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    if not old or not new or len(old) + len(new) > _MOST_WORDS:
        return ((before, True),) if before else (), ((after, True),) if after else ()
    matcher = SequenceMatcher(None, [word.strip() for word in old], [word.strip() for word in new], autojunk=False)
    left: list[tuple[str, bool]] = []
    right: list[tuple[str, bool]] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        _add(left, old[i:j], kind != "equal")
        _add(right, new[k:m], kind != "equal")
    return tuple(left), tuple(right)


def _add(runs: list[tuple[str, bool]], words: Sequence[str], is_changed: bool) -> None:
    if not words:
        return
    text = "".join(words)
    bare = text.rstrip()
    # The space behind a run is not marked, so that marks end with their words.
    runs.append((bare, is_changed))
    if bare != text:
        runs.append((text[len(bare) :], False))
