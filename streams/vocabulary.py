"""The closed vocabularies of the records, each member with its one-line meaning.

Sources: the project's domain vocabulary, after the practice of the UN Security Council's committees and of states;
IPTC NewsCodes for the publishing status.
"""

from enum import StrEnum


class Change(StrEnum):
    """What happens to a group's status. Source: the project's domain vocabulary, after UNSC and national practice."""

    LISTING = "listing"  # designated, proscribed, banned, declared terrorist
    DELISTING = "delisting"  # removed, revoked, de-proscribed, lapsed, annulled
    SUSPENSION = "suspension"  # still on the list, its effects put on hold
    RENEWAL = "renewal"  # extended, or kept after a formal review
    RECOGNITION = "recognition"  # as a government or state partner; never "recognised as terrorist"


class Stage(StrEnum):
    """How far a change has come. Ordered: proposed < decided < effective; `rejected` ends the attempt."""

    PROPOSED = "proposed"  # considered, requested by one of the authority's own bodies, a bill
    DECIDED = "decided"  # announced or voted, a step or a day is still to come
    EFFECTIVE = "effective"  # in force, or reported as done
    REJECTED = "rejected"  # refused, ruled out, denied: the change did not happen


class PubStatus(StrEnum):
    """IPTC publishing status of a story (`stat:` scheme of NewsML-G2)."""

    USABLE = "usable"
    WITHHELD = "withheld"
    CANCELED = "canceled"


class Signal(StrEnum):
    """What a story says of itself as a message. Source: IPTC signal NewsCodes and the habits of wires."""

    UPDATE = "update"  # a new version of a story that was sent before
    CORRECTION = "correction"  # what was sent before was wrong
    KILL = "kill"  # what was sent before must not be used
    REPEAT = "repeat"  # the same text again
    BACKFILL = "backfill"  # its feed brought it long after it was published: moves the ledger and never alerts


class Precision(StrEnum):
    """How much of `Story.published` the source really gave."""

    TIME = "time"
    DAY = "day"
    MONTH = "month"


class State(StrEnum):
    """Where a group stands on one list of one authority, or in one authority's recognition."""

    UNKNOWN = "unknown"
    UNLISTED = "unlisted"
    LISTING_PROPOSED = "listing-proposed"
    LISTING_DECIDED = "listing-decided"
    LISTED = "listed"
    DELISTING_PROPOSED = "delisting-proposed"
    DELISTING_DECIDED = "delisting-decided"
    SUSPENSION_PROPOSED = "suspension-proposed"
    SUSPENSION_DECIDED = "suspension-decided"
    SUSPENDED = "suspended"
    DELISTED = "delisted"
    UNRECOGNISED = "unrecognised"
    RECOGNITION_PROPOSED = "recognition-proposed"
    RECOGNITION_DECIDED = "recognition-decided"
    RECOGNISED = "recognised"
    WITHDRAWN = "withdrawn"


class AlertKind(StrEnum):
    """What sort of news an alert is."""

    STEP = "step"  # a change is under way: proposed or decided
    CHANGE = "change"  # the status is another one now
    PARTIAL = "partial"  # off one list, still on another
    EXTENDED = "extended"  # another list, or a wider scope
    REJECTED = "rejected"  # an attempt has ended without change
    RENEWAL = "renewal"  # same status, new term
    LAPSE = "lapse"  # a term ran out


class AlertStatus(StrEnum):
    """Whether an alert still stands."""

    LIVE = "live"
    CORRECTED = "corrected"
    RETRACTED = "retracted"
    SUPERSEDED = "superseded"


class Level(StrEnum):
    """How well an alert is founded."""

    UNCONFIRMED = "unconfirmed"  # one voice, not the authority's
    CONFIRMED = "confirmed"  # the authority's own organ said it, or two independent sources
    OFFICIAL = "official"  # the authority's own publication
