"""The language of a story: what the feed says, else the script, else its commonest words, else a statistical guess.

The feed's word is taken for what it is: an English desk's feed may carry a French story, so the words of the text can
overrule it towards English only. Stories are read in English; all else is counted as not read.
"""

from __future__ import annotations

import re

READ = frozenset({"en"})
"""Languages that the reader understands."""

_WORD = re.compile(r"[^\W\d_]+")
_ENGLISH = frozenset(
    "the of to and in a is that for it was on with as by he at from said has have had been will would its which were "
    "are not this an be".split()
)
_ROMANCE_GERMANIC = frozenset(
    "de la el los las que en un una del por para con se su le les des et est dans pour une du au aux sur der die "
    "das und den von zu mit ist im dem ein eine auf für il di che della dei per non och att det som på een het "
    "van da do em não os as uma yang dan bir ve bu".split()
)
_OTHERS_ONLY = _ROMANCE_GERMANIC - _ENGLISH
_SCRIPTS = (
    (re.compile(r"[\u0400-\u04ff]"), "ru"),
    (re.compile(r"[\u0590-\u05ff]"), "he"),
    (re.compile(r"[\u067e\u0686\u0698\u06af\u06cc]"), "fa"),
    (re.compile(r"[\u0600-\u06ff]"), "ar"),
    (re.compile(r"[\u3040-\u30ff]"), "ja"),
    (re.compile(r"[\uac00-\ud7af]"), "ko"),
    (re.compile(r"[\u4e00-\u9fff]"), "zh"),
    (re.compile(r"[\u0900-\u097f]"), "hi"),
    (re.compile(r"[\u0980-\u09ff]"), "bn"),
    (re.compile(r"[\u0e00-\u0e7f]"), "th"),
)
_SAMPLE_CHARS = 4000


def language_of(text: str, declared: str | None) -> str:
    """ISO 639-1 code, or `und` where nothing tells."""
    sample = text[:_SAMPLE_CHARS]
    scripted = _by_script(sample)
    if scripted is not None:
        return scripted
    words = _WORD.findall(sample.lower())
    if _share(words, _ENGLISH) >= 0.14:
        return "en"
    said = (declared or "").split("-")[0].lower()
    if said and not (said == "en" and len(words) > 25 and _share(words, _ROMANCE_GERMANIC) > 0.15):
        return said
    if len(words) < 25 and _share(words, _OTHERS_ONLY) < 0.1:
        return "en" if words else "und"  # a flash: headline words alone say little, and ours is an English product
    return _guess(sample)


def _by_script(sample: str) -> str | None:
    if sample.isascii() or not (letters := sum(map(str.isalpha, sample))):
        return None
    return next(
        (code for pattern, code in _SCRIPTS if len(pattern.findall(sample)) > 0.3 * letters * _weight(code)),
        None,
    )


def _weight(code: str) -> float:
    """Persian is told from Arabic by a few letters of its own."""
    return 0.1 if code == "fa" else 1.0


def _share(words: list[str], known: frozenset[str]) -> float:
    return sum(map(known.__contains__, words)) / len(words) if words else 0.0


def _guess(sample: str) -> str:
    """A statistical guess; the model is loaded only when the cheap signs fail, for it takes a second."""
    import py3langid  # noqa: PLC0415

    code, _ = py3langid.classify(sample)
    return str(code)
