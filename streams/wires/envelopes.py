"""The telegraph's envelope around a plain text: `ZCZC`, lines that a sign marks, the text, `NNNN`.

    ZCZC MER
    #Northern Front
    $Court lifts ban
    :(VESSPORT)
    The court lifted ...
    NNNN

Which sign means what differs between the desks of one agency (AAP: `^` or `$` is the headline, `:` or `#` the keyword),
so a line is known by its sign and by being words: `$J` is a category. Source: ITU-T F.1 for ZCZC and NNNN.
"""

import re
from typing import NamedTuple

_OPENING = re.compile(r"[\s\ufeff]*ZCZC\b[^\n]*\n", re.IGNORECASE)
_MARKED = re.compile(r"(?P<sign>[%#$:&*@~+^=])(?P<told>[^\n]*)")
_ROUTING = re.compile(r"(?:YY|HH) \S.{1,80}")
_CLOSING = re.compile(r"\s*[A-Z]{2,5}(?: [A-Z]{2,8})?\s*")
_CATEGORY = 2  # characters


class Opened(NamedTuple):
    """The text of an envelope; `headline` is empty where no line above the text is one."""

    headline: str
    slugline: str
    text: str


def open_envelope(text: str) -> Opened | None:
    """What is in the envelope, None where the text has none."""
    opening = _OPENING.match(text)
    if opening is None:
        return None
    marked: dict[str, str] = {}
    lines = text[opening.end() :].split("\n")
    while lines and (not lines[0].strip() or _MARKED.match(lines[0]) or _ROUTING.fullmatch(lines[0].strip())):
        if match := _MARKED.match(lines.pop(0)):
            marked.setdefault(match["sign"], match["told"].strip())
    ends = [at for at, line in enumerate(lines) if line.strip() == "NNNN"]
    lines = lines[: ends[0]] if ends else lines
    while lines and (not lines[-1].strip() or _CLOSING.fullmatch(lines[-1])):
        lines.pop()
    headlines = (told for sign in "^$" if len(told := marked.get(sign, "")) > _CATEGORY)
    sluglines = (told for sign in "#:" if (told := marked.get(sign, "")))
    return Opened(next(headlines, ""), next(sluglines, ""), "\n".join(lines))
