"""These errors say why the books can't be proved.

ProofError
├── BrokenLog         the log and the books contradict each other
├── NotYetProved      a record that stands under no checkpoint yet
├── NoProofKey        a checkpoint was asked for, and there is no key to sign it with
├── NoTimestamp       the authority of time gave no answer that holds
└── NotPublished      a checkpoint that did not reach every place it is published to
"""

from billing.frame.errors import BillingError


class ProofError(BillingError):
    """Base class; the message says what to do next."""


class BrokenLog(ProofError):
    """The log and the books contradict each other: something was changed behind their back."""


class NotYetProved(ProofError):
    """A record that stands under no checkpoint yet."""


class NoProofKey(ProofError):
    """Checkpoints need a key."""


class NoTimestamp(ProofError):
    """The authority of time gave no answer that holds."""


class NotPublished(ProofError):
    """A checkpoint did not reach every place it is published to; it is signed and kept."""
