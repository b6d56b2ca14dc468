"""The ledger's state machine as one table: which claim leads from which state to which, and what is announced.

The diagram in `.github/LEDGER.md` is drawn from it, and a test holds the two together. `UNKNOWN` counts as unlisted
for a listing and as listed for everything else. Stages may be skipped; a reversal is no edge of its own but the
opposite change from the state reached.

Source: the procedures of UNSC committees, 8 USC 1189, Terrorism Act 2000 and their kin, as the registry's authority
files cite them.
"""

from typing import NamedTuple

from streams.vocabulary import AlertKind, Change, Stage, State

S, C, T, K = State, Change, Stage, AlertKind

SETTLED = frozenset(
    {S.UNKNOWN, S.UNLISTED, S.LISTED, S.SUSPENDED, S.DELISTED, S.UNRECOGNISED, S.RECOGNISED, S.WITHDRAWN}
)
LISTED_STATES = frozenset(
    {
        S.LISTED,
        S.SUSPENDED,
        S.DELISTING_PROPOSED,
        S.DELISTING_DECIDED,
        S.SUSPENSION_PROPOSED,
        S.SUSPENSION_DECIDED,
    }
)


class Edge(NamedTuple):
    """Where one claim leads. `to` None: back to the settled state under the pending one."""

    to: State | None
    kind: AlertKind | None
    disputed: bool = False
    undoes: bool = False  # the authority says that the move was none: back to where the standing was before it


class Row(NamedTuple):
    """One row of the table: from any of `states`, `change` at `stage` leads along `edge`."""

    states: tuple[State, ...]
    change: Change
    stage: Stage
    edge: Edge


_OFF = (S.UNKNOWN, S.UNLISTED, S.DELISTED)
_ON = (S.LISTED, S.SUSPENDED, S.UNKNOWN)
_DELISTING = (S.DELISTING_PROPOSED, S.DELISTING_DECIDED)
_SUSPENSION = (S.SUSPENSION_PROPOSED, S.SUSPENSION_DECIDED)
_SUSPENDABLE = (S.LISTED, S.UNKNOWN, *_DELISTING)
_LISTING = (S.LISTING_PROPOSED, S.LISTING_DECIDED)
_RECOGNITION = (S.RECOGNITION_PROPOSED, S.RECOGNITION_DECIDED)
_UNRECOGNISED = (S.UNRECOGNISED, S.WITHDRAWN)

# fmt: off
TABLE: tuple[Row, ...] = (
    #   from                                     change         stage        to                       alert
    Row(_OFF,                                    C.LISTING,     T.PROPOSED,  Edge(S.LISTING_PROPOSED,    K.STEP)),
    Row((*_OFF, S.LISTING_PROPOSED),             C.LISTING,     T.DECIDED,   Edge(S.LISTING_DECIDED,     K.STEP)),
    Row((*_OFF, *_LISTING),                      C.LISTING,     T.EFFECTIVE, Edge(S.LISTED,              K.CHANGE)),
    Row(_LISTING,                                C.LISTING,     T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.UNLISTED, S.DELISTED),                C.LISTING,     T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.UNKNOWN,),                            C.LISTING,     T.REJECTED,  Edge(S.UNLISTED,            K.REJECTED)),
    Row((*_DELISTING, *_SUSPENSION),             C.LISTING,     T.EFFECTIVE, Edge(S.LISTED,              K.REJECTED)),
    Row((S.SUSPENDED,),                          C.LISTING,     T.PROPOSED,  Edge(S.SUSPENDED,           K.STEP)),
    Row((S.SUSPENDED,),                          C.LISTING,     T.DECIDED,   Edge(S.SUSPENDED,           K.STEP)),
    Row((S.SUSPENDED,),                          C.LISTING,     T.EFFECTIVE, Edge(S.LISTED,              K.CHANGE)),
    Row((*_ON, *_SUSPENSION),                    C.DELISTING,   T.PROPOSED,  Edge(S.DELISTING_PROPOSED,  K.STEP)),
    Row((*_ON, *_SUSPENSION, S.DELISTING_PROPOSED), C.DELISTING, T.DECIDED,  Edge(S.DELISTING_DECIDED,   K.STEP)),
    Row((*_ON, *_SUSPENSION, *_DELISTING),       C.DELISTING,   T.EFFECTIVE, Edge(S.DELISTED,            K.CHANGE)),
    Row(_LISTING,                                C.DELISTING,   T.EFFECTIVE, Edge(S.DELISTED,            K.CHANGE)),
    Row(_LISTING,                                C.DELISTING,   T.PROPOSED,  Edge(None,                  None, True)),
    Row(_LISTING,                                C.DELISTING,   T.DECIDED,   Edge(None,                  None, True)),
    Row(_DELISTING,                              C.DELISTING,   T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.LISTED, S.SUSPENDED),                 C.DELISTING,   T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.UNKNOWN,),                            C.DELISTING,   T.REJECTED,  Edge(S.LISTED,              K.REJECTED)),
    Row(_SUSPENDABLE,                            C.SUSPENSION,  T.PROPOSED,  Edge(S.SUSPENSION_PROPOSED, K.STEP)),
    Row((*_SUSPENDABLE, S.SUSPENSION_PROPOSED), C.SUSPENSION,  T.DECIDED,   Edge(S.SUSPENSION_DECIDED,  K.STEP)),
    Row((*_SUSPENDABLE, *_SUSPENSION),           C.SUSPENSION,  T.EFFECTIVE, Edge(S.SUSPENDED,           K.CHANGE)),
    Row(_SUSPENSION,                             C.SUSPENSION,  T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.LISTED,),                             C.SUSPENSION,  T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.UNKNOWN,),                            C.SUSPENSION,  T.REJECTED,  Edge(S.LISTED,              K.REJECTED)),
    Row((S.LISTED, S.UNKNOWN),                   C.RENEWAL,     T.EFFECTIVE, Edge(S.LISTED,              K.RENEWAL)),
    Row((S.SUSPENDED, *_DELISTING, *_SUSPENSION), C.RENEWAL,    T.EFFECTIVE, Edge(None,                  K.RENEWAL)),
    Row((S.LISTED, S.SUSPENDED, S.UNKNOWN),      C.RENEWAL,     T.PROPOSED,  Edge(None,                  K.STEP)),
    Row((S.LISTED, S.SUSPENDED, S.UNKNOWN),      C.RENEWAL,     T.DECIDED,   Edge(None,                  K.STEP)),
    Row((S.LISTED, S.SUSPENDED),                 C.RENEWAL,     T.REJECTED,  Edge(S.DELISTED,            K.LAPSE)),
    Row(_UNRECOGNISED,                           C.RECOGNITION, T.PROPOSED,  Edge(S.RECOGNITION_PROPOSED, K.STEP)),
    Row((*_UNRECOGNISED, S.RECOGNITION_PROPOSED), C.RECOGNITION, T.DECIDED,  Edge(S.RECOGNITION_DECIDED, K.STEP)),
    Row((*_UNRECOGNISED, *_RECOGNITION),         C.RECOGNITION, T.EFFECTIVE, Edge(S.RECOGNISED,          K.CHANGE)),
    Row((*_UNRECOGNISED, *_RECOGNITION),         C.RECOGNITION, T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.RECOGNISED,),                         C.RECOGNITION, T.REJECTED,  Edge(S.WITHDRAWN,           K.CHANGE)),
    # the authority denies what was told of it
    Row((S.LISTED,),                             C.LISTING,     T.REJECTED,  Edge(None,   None, undoes=True)),
    Row((S.DELISTED,),                           C.DELISTING,   T.REJECTED,  Edge(None,   None, undoes=True)),
    Row((S.SUSPENDED,),                          C.SUSPENSION,  T.REJECTED,  Edge(None,   None, undoes=True)),
)
# fmt: on

TRANSITIONS: dict[tuple[State, Change, Stage], Edge] = {
    (state, row.change, row.stage): row.edge for row in TABLE for state in row.states
}
