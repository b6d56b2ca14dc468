"""Texts that are no story: what they are instead, told by how they open and what most of their lines look like.

Whoever reads a folder meets pages, data, code, logs, licences, mail with its headers, and what servers say when they
fail. Each is refused by its own name. What none of the rules knows must still have sentences, which is asked in
`plain.py`.
"""

import re
from collections.abc import Sequence

from streams.wires.markup import is_html

_SHARE = 0.4
_SHORT = 1_000  # characters; what a server says of itself is short, and news of servers is not
# fmt: off
# What a line of something else looks like: a document is that when more than `_SHARE` of its lines do.
_LINES = (
    ("a log", re.compile(
        r"\[?\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}|\d{1,3}(?:\.\d{1,3}){3}\s|[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}\s"
        r"|\[?(?:DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL)\b|\d{2}:\d{2}:\d{2}[.,]\d")),
    ("fields", re.compile(
        r"[\w.\-]{1,40}\s?[:=](?:\s.{0,60}|\S*)\Z|- [\w.\-]{1,40}:|---|- \S+\Z|[\w\-\[\]]+\s?[=~><!]=")),
    ("a table", re.compile(
        r"[^,;|\t]*(?:[,;|\t][^,;|\t.]{0,30}){3,}\Z|[^,]{0,40}(?:,[^ ,][^,]{0,40}){3,}\Z|.*\S {3,}\S+ {3,}\S")),
    ("code", re.compile(
        r".*(?:[;{}]|\):|\)\s?=>|\\)\Z|(?:import|from|def|class|function|var|let|const|return|package|using)\s\S+[\w.()]*\Z"
        r"|#!|#include\b|//|/\*|<\?|\$ ?\w+|@\w+\Z|[A-Z_]{2,}=|(?:SELECT|INSERT|UPDATE|CREATE|COPY|RUN|ENV|FROM) \S")),
)
# How something else begins.
_OPENS = (
    ("markup", re.compile(r"[<{]|%PDF|%!PS|\{\\rtf")),
    ("data", re.compile(
        r"\[\s*[\[{\"\d]|\"[^\"\n]*\"[,;\t][\"\d,;]|%YAML|---\s|\w+ ?= ?[\"'\d\[]|Signature: [0-9a-f]{8}")),
    ("a wire's message without its end", re.compile(
        r"\W*(?:[^\W\d_]{2,12}\d{3,6} [1-9] [^\W\d_]{1,4} +\d|[A-Za-z]\d{4}\W?_[\w-]+\W*\n)")),
    ("robots.txt", re.compile(r"(?:#.*\n\s*)*(?:user-agent|sitemap|disallow)\s*:", re.IGNORECASE)),
    ("code", re.compile(
        r"@\w|\"{3}|'{3}|//|/\*|#!|from \S+ import\b|FROM \S+:|import [\w.]+\W*\n|package [\w:.]+;?\s*\n|use [\w:]+;"
        r"|traceback \(most recent|exception in thread|[^\n]*[;{}\\]\s*(?:\n|\Z)", re.IGNORECASE)),
    ("documentation", re.compile(
        r"#|\.(?:\. ?|\\\"|TH )|[=*~\-]{3}|%|=|:\w+:|\[[^\]\n]*\](?:[(:]|\s*\n)|\[!|.{3,120}\n\W{0,2}([=\-~*#^])\1{3,}\s*\n|[^\n]{0,200}https?://")),
    ("an answer of a server", re.compile(
        r"HTTP/\d|\W*(?:error\W{0,3})?[45]\d\d[ :\u2014-]+(?:bad|client|error|forbidden|gateway|gone|internal|method"
        r"|not|page|payment|request|server|service|temporar|too many|unauthori[sz]ed|unavailable)"
        r"|error (?:establishing|connecting|code|id)\b|fatal error\b"
        r"|(?:php )?(?:warning|notice): +(?:\w+\(|uncaught|undefined)"
        r"|(?:just a moment|one moment)\W|(?:access denied|forbidden|not found|page not found|bad gateway"
        r"|(?:service|temporarily) unavailable|internal server error|gateway time-?out|too many requests)\W*\n",
        re.IGNORECASE)),
    ("a licence", re.compile(
        r"(?:.*\n){0,5}?.{0,60}\b(?:copyright (?:\(c\) )?\d{4}|all rights reserved"
        r"|(?:gnu|mit|bsd|isc|apache|mozilla|eclipse|public|software|end.user|documentation) licen[cs]e\b)"
        r"|creative commons", re.IGNORECASE)),
)
# Marks of documentation anywhere in a text.
_MARKED_UP = re.compile(r"^(?:```|\.\. [\w-]+::|#{2,6} \w|={4,}\s*$|!\[)", re.MULTILINE)
_MAIL = re.compile(
    r"(?:from|to|cc|subject|received|return-path|delivered-to|message-id|mime-version|content-type|reply-to|x-[\w-]+"
    r"|content-transfer-encoding|dkim-signature|authentication-results|envelope-to)\s?:", re.IGNORECASE)
# Two of these in a short text are a server's.
_FAILURES = re.compile(
    r"not found|forbidden|unauthori[sz]ed|access (?:is |was |has been )?denied|permission to|bad gateway|time-?out"
    r"|timed out|(?:temporarily )?unavailable|internal server error|too many requests|rate limit|try again later"
    r"|requested url|request (?:could|was|has)|your (?:browser|request|ip)|javascript|cookies?\b|captcha|ray id"
    r"|web ?master|system administrator|this (?:page|site|server|website)|cloudflare|nginx|apache|down for maintenance"
    r"|stack trace|traceback|exception|verify (?:that )?you|log ?in to\b|sign in\b|database|config file",
    re.IGNORECASE)
_LEGAL = re.compile(
    r"permission is hereby granted|licensed under the|general public license|everyone is permitted to copy"
    r"|without warrant(?:y|ies)|redistribution and use in source|apache license|mozilla public license"
    r"|creative commons (?:corporation|legal code)", re.IGNORECASE)
# fmt: on


def other_than_story(text: str) -> str | None:
    """What the text is by its form, None if nothing says that it is no story."""
    if is_html(text):
        return "markup"
    if opens := next((what for what, pattern in _OPENS if pattern.match(text)), None):
        return opens
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if sum(bool(_MAIL.match(line)) for line in lines[:12]) >= 2:
        return "mail with its headers"
    if what := next((what for what, pattern in _LINES if _share(pattern, lines) > _SHARE), None):
        return what
    return _by_words(text)


def _by_words(text: str) -> str | None:
    if len(text) < _SHORT and len({found.lower() for found in _FAILURES.findall(text)}) >= 2:
        return "an answer of a server"
    if _LEGAL.search(text[:5_000]):
        return "a licence"
    return "documentation" if _MARKED_UP.search(text) else None


def _share(pattern: re.Pattern[str], lines: Sequence[str]) -> float:
    alike = sum(bool(pattern.match(line[:400])) for line in lines)
    return alike / len(lines) if alike > 1 else 0.0
