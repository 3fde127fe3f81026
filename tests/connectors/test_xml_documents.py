"""XML that is made to be expensive is refused before a parser, or a signature's canonical form, takes its time."""

from __future__ import annotations

import time

import pytest

from connectors.answers import Refusal
from connectors.base import Failure
from connectors.xml_documents import (
    ALL_ATTRIBUTES_LIMIT,
    ATTRIBUTES_LIMIT,
    NAMESPACES_LIMIT,
    parsed,
)


def attributes(number: int, prefix: str = "a") -> str:
    return "".join(f' {prefix}{n}="{n}"' for n in range(number))


def namespaces(number: int, first: int = 0) -> str:
    return "".join(f' xmlns:n{n}="u"' for n in range(first, first + number))


AS_MANY_AS_ALLOWED = {
    "attributes": f"<r{attributes(ATTRIBUTES_LIMIT)}/>",
    "namespaces": f"<r>{''.join(f'<e{namespaces(50, n)}/>' for n in range(NAMESPACES_LIMIT // 50))}</r>",
}
ONE_TOO_MANY = {
    "attributes": f"<r{attributes(ATTRIBUTES_LIMIT + 1)}/>",
    "all attributes": f"<r>{f'<e{attributes(50)}/>' * (ALL_ATTRIBUTES_LIMIT // 50)}<e a='1'/></r>",
    "namespaces": f"<r>{f'<e{namespaces(50)}/>' * (NAMESPACES_LIMIT // 50)}<e xmlns='u'/></r>",
    "a quarter of a megabyte of namespaces": f"<r{namespaces(17_000)}/>",
}


@pytest.mark.parametrize("what", AS_MANY_AS_ALLOWED)
def test_what_an_honest_source_sends_is_read(what: str) -> None:
    assert parsed(AS_MANY_AS_ALLOWED[what].encode(), what).tag == "r"


@pytest.mark.parametrize("what", ONE_TOO_MANY)
def test_too_many_are_unsafe_and_refused_at_once(what: str) -> None:
    began = time.process_time()
    with pytest.raises(Refusal) as refused:
        parsed(ONE_TOO_MANY[what].encode(), what, limit_bytes=1_000_000)
    assert refused.value.failure is Failure.UNSAFE_DOCUMENT
    assert time.process_time() - began < 0.5
