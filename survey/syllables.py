"""Whether a word can be a Vietnamese syllable: what tells text that was read in the right encoding from any other."""

import re
import unicodedata
from functools import lru_cache

# Tones as combining marks: grave, acute, hook above, tilde, dot below.
_TONES = "\u0300\u0301\u0309\u0303\u0323"
# After a stop only these two are spoken.
_TONES_OF_STOPS = frozenset("\u0301\u0323")
_STOPS = ("c", "ch", "p", "t")
_ONSET = re.compile(r"(?:ngh|ng|nh|gh|gi|kh|ph|qu|th|tr|ch|[bcdđghklmnpqrstvx])?")
_RHYMES = frozenset(
    re.findall(
        r"\S+",
        """a ac ach ai am an ang anh ao ap at au ay
        ăc ăk ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây e ec em en eng eo ep et
    ê êch êm ên ênh êp êt êu i ia ich iêc iêm iên iêng iêp iêt iêu im in inh ip it iu o oa oac oach oai oam oan oang
    oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oen oeo oet oi om on ong ooc oong op ot ô ôc ôi ôm ôn ông ôp ôt
    ơ ơi ơm ơn ơp ơt u ua uân uâng uât uây uc uê uêch uênh ui um un ung uôc uôi uôm uôn uông uôt up ut uy uya
    uych uyên uyêt uynh uyt uyu uơ ư ưa ưc ưi ưm ưn ưng ưt ưu ươc ươi ươm ươn ương ươp ươt ươu y yêm yên yêng yêt
    yêu uyp oăp""",
    )
)


@lru_cache(maxsize=50_000)
def is_syllable(word: str) -> bool:
    """Whether a word is spelled as a Vietnamese syllable may be: onset, rhyme, and a tone that the rhyme can bear.

    Composed and decomposed letters are read alike, capitals and small ones too. A word that is none may still be a
    name of another language.
    """
    toneless: list[str] = []
    tones: list[str] = []
    for letter in unicodedata.normalize("NFD", word.lower()):
        (tones if letter in _TONES else toneless).append(letter)
    if len(tones) > 1:
        return False
    plain = unicodedata.normalize("NFC", "".join(toneless))
    onset = _ONSET.match(plain)
    begin = onset.group() if onset else ""
    # "gi" and "qu" may be an onset, or an onset and the beginning of the rhyme.
    for cut in {len(begin), 1 if begin in ("gi", "qu") else len(begin), 0}:
        rhyme = plain[cut:]
        if rhyme in _RHYMES and not (tones and rhyme.endswith(_STOPS) and tones[0] not in _TONES_OF_STOPS):
            return True
    return begin == plain == "gi"
