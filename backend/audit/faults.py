"""What may be wrong with a trail, each kind with what an auditor does next."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """A kind of fault; its value is the advice."""

    ENTRY_BENT = (
        "Entries were changed, removed or inserted by somebody with the tables' owner's rights, or above. Keep the"
        " database as it is, compare them with a backup from before, and find out who had those rights."
    )
    BATCH_BENT = (
        "Batches were changed or removed by somebody with the tables' owner's rights, or above. Compare with a backup"
        " and with the heads that were kept elsewhere: entries of such a batch prove nothing any more."
    )
    NOT_OURS = (
        "Rows among the batches have no signature of the sealer's. Who writes as the API's role can add such rows, and"
        " the trail goes on beside them: find out who does, and change the role's password. Only the tables' owner can"
        " make such a row of a real batch."
    )
    KEY_UNKNOWN = (
        "A public key is missing here: add it to BASHGAH_AUDIT_PUBLIC_KEYS and verify again. Nothing that it signed is"
        " verified so far. If the house never had that key, the rows are forged."
    )
    KEY_SUCCEEDED = (
        "A key that had been succeeded signed again. Either a worker still runs with it: stop that one, or give it the"
        " newer key. Or the retired key is in wrong hands: then look for who can also write to the database."
    )
    BACK_DATED = (
        "Entries say to be older than they are. A clock that stood wrong for an hour does that to all entries of its"
        " machine; else somebody wrote them later, to have them look old."
    )
    AHEAD = (
        "Entries have a transaction's number that the database has not given to anybody: only the tables' owner can"
        " write those, to keep them from being sealed. Find out who had the owner's rights."
    )
    LATE = (
        "The sealer is behind, so that what is not sealed can still be bent. `bashgah doctor` and the workers' log say"
        " why: no worker, no key, a transaction that stays open, or somebody who holds the sealer up."
    )
    KEPT_HEAD = (
        "The trail is not the one whose head was kept: its end was cut off, or it was written anew. Look at the kept"
        " head first (is it of this database?), then restore from a backup beside and compare the two."
    )
    READS_BENT = (
        "Reads of members' files were changed, removed or inserted by somebody with the tables' owner's rights, or a"
        " seal of them was forged by who may add entries. Compare with a backup from before."
    )

    @property
    def advice(self) -> str:
        """What to do next."""
        return self.value


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was sealed; `text` names the batch or the entry."""

    text: str
    kind: Kind
