"""Digital IDs of people: which cards there are, what became of them, and what verifiers are told of it.

What a card says and how it is verified stands in `idp.digital_id`; here it is made for somebody, kept and ended.
"""

from idp.cards.book import Book, Kept, State
from idp.cards.making import CannotMake, Cards, Holder
from idp.cards.publishing import Form, Publishing

__all__ = ["Book", "CannotMake", "Cards", "Form", "Holder", "Kept", "Publishing", "State"]
