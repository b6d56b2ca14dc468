"""The one tree of errors. Each carries its facts as attributes; `str(error)` is the line a person reads."""


class ListwireError(Exception):
    """Anything Listwire raises on purpose; its text names the culprit and fits one line."""


class RecordError(ListwireError):
    """Bytes that are not the record they should be."""

    def __init__(self, record: str, problem: str) -> None:
        super().__init__(f"{record}: {problem}")
        self.record = record
        self.problem = problem


class NewerRecordError(RecordError):
    """A record in words that only a later version of Listwire knows: its `schema` number, or a member of an enum.

    It is not broken. After the upgrade it can be read, so whoever meets it keeps it until then.
    """


class DataFileError(ListwireError):
    """A file of ours or of the operator's (registry, phrasebook, feed list) that breaks its rules."""

    def __init__(self, file: str, problem: str, key: str | None = None) -> None:
        super().__init__(f"{file}: {key}: {problem}" if key else f"{file}: {problem}")
        self.file = file
        self.key = key
        self.problem = problem


class WireError(ListwireError):
    """A document that is no story feed in any format we read.

    `reason` is from a closed set and ends up as a metric label: `empty`, `html`, `challenge`, `not-a-feed`,
    `truncated`, `too-large`, `entities`, `malformed`.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class LedgerError(ListwireError):
    """A claim handed to the entry of another (authority, group): a fault of the caller."""

    def __init__(self, entry_key: str, claim_key: str) -> None:
        super().__init__(f"claim about {claim_key} handed to the entry of {entry_key}")
        self.entry_key = entry_key
        self.claim_key = claim_key


class SettingsError(ListwireError):
    """A setting that is unknown, malformed or contradicts another one."""
