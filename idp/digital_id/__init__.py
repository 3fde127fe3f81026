"""Digital IDs as QR codes: what a code says, and whether it is genuine, without a database or a network.

Any Python service can call this:

    from idp.digital_id import read_keys, verify

    keys = read_keys(Path("issuer.jwk").read_bytes(), "https://id.gov.example")
    verdict = verify(scanned, keys, now=int(time.time()))
    if verdict.genuine: ...

Whoever asks for presence codes gives `seen=Remembered()`, one for all that a counter is shown, and looks for
`verdict.shown_at`. The layout of a card, and what its signature cannot stop, stand in docs/digital-id.md.
"""

from __future__ import annotations

from idp.digital_id.card import Biometric, Card, StatusReference
from idp.digital_id.issuing import Unfit, issue, issue_age
from idp.digital_id.national_card import Doubt, NationalCard, NotANationalCard, read_national_card
from idp.digital_id.presence import Remembered, Seen
from idp.digital_id.reasons import Leniency, Reason, Unreadable
from idp.digital_id.status_lists import BadList, Lists, StatusList, read_cwt, read_jwt
from idp.digital_id.trust import BadKey, TrustedKey, key_id, read_keys, thumbprint, trusted
from idp.digital_id.verification import Answer, Read, Status, Statuses, Told, Verdict, card_binding, read, verify

__all__ = [
    "Answer", "BadKey", "BadList", "Biometric", "Card", "Doubt", "Leniency", "Lists", "NationalCard",
    "NotANationalCard", "Read", "Reason", "Remembered", "Seen", "Status", "StatusList", "StatusReference", "Statuses",
    "Told", "TrustedKey", "Unfit", "Unreadable", "Verdict", "card_binding", "issue", "issue_age", "key_id", "read",
    "read_cwt", "read_jwt", "read_keys", "read_national_card", "thumbprint", "trusted", "verify",
]  # fmt: skip
