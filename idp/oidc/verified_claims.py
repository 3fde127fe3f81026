"""What a portal asks of verified claims (OpenID Connect for Identity Assurance 1.0, IDA, section 5): its form checked.

What is asked is kept as plain JSON: for each element the claims, with the values that will do or null for any, and the
template of its `verification`, in which each leaf is null, or an object with `values`, `max_age` or both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from idp.people import claims

NAME = "verified_claims"
MOST = 10  # elements, kinds of evidence or checks: nobody asks for more, and each is held against all that we know
_CONSTRAINTS = frozenset({"value", "values", "max_age"})

Element = dict[str, Any]
Asked = Element | list[Element]


def read(part: Any) -> Asked:
    """What is asked of `verified_claims`; raises TypeError or ValueError for what is not of the form of section 5."""
    return [_element(each) for each in _array(part)] if isinstance(part, list) else _element(part)


def allowed(asked: Asked | None, granted_scopes: Iterable[str]) -> Asked | None:
    """Without the claims that these scopes do not let a portal see, and the elements that ask for no other."""
    if asked is None:
        return None
    elements = [
        element | {"claims": {name: element["claims"][name] for name in claims.allowed(element["claims"], granted)}}
        for granted in (frozenset(granted_scopes),)
        for element in elements_of(asked)
    ]
    left = [element for element in elements if element["claims"]]
    return (left if isinstance(asked, list) else left[0]) if left else None


def names_to_tell(*asked: Asked | None) -> tuple[str, ...]:
    """The claims that people are told of before a portal reads them, and `verified_by` if it asks who vouched."""
    elements = [element for each in asked if each is not None for element in elements_of(each)]
    by_whom = [claims.VERIFIED_BY] if any("evidence" in element["verification"] for element in elements) else []
    return tuple(dict.fromkeys([*(name for element in elements for name in element["claims"]), *by_whom]))


def elements_of(asked: Asked) -> list[Element]:
    return asked if isinstance(asked, list) else [asked]


def constrains(template: Any) -> bool:
    """Whether something in it is asked to have a certain value or age, so that it must not be passed over (5.5)."""
    if isinstance(template, list):
        return any(map(constrains, template))
    if not isinstance(template, dict):
        return False
    return not _CONSTRAINTS.isdisjoint(template) or any(map(constrains, template.values()))


def _element(part: Any) -> Element:
    if not isinstance(part, dict) or "claims" not in part:
        raise TypeError
    wanted = _object({} if part["claims"] is None else part["claims"])
    values = {name: _values(asked) for name, asked in wanted.items() if _is_leaf(asked)}
    return {
        "verification": _template(part.get("verification"), _VERIFICATION),
        # All of them are texts, so that nothing else is the value of one.
        "claims": {
            name: None if asked is None else [value for value in asked if isinstance(value, str)]
            for name, asked in values.items()
            if name in claims.VERIFIABLE
        },
    }


def _is_leaf(asked: Any) -> bool:
    """True, or raises TypeError unless it is null or says what is wanted (OpenID Connect Core section 5.5.1)."""
    if asked is not None and not isinstance(_object(asked).get("essential", False), bool):
        raise TypeError
    return True


def _values(asked: Mapping[str, Any] | None) -> list[Any] | None:
    """The values that will do; None: any. `value` and `values` together say one thing twice, or contradict."""
    if asked is None or not {"value", "values"} & asked.keys():
        return None
    if "value" in asked and "values" in asked:
        raise ValueError
    return [asked["value"]] if "value" in asked else _array(asked["values"], most=math.inf)


def _word(asked: Any) -> dict[str, Any] | None:
    values = _values(asked) if _is_leaf(asked) else None
    if values is not None and not all(isinstance(value, str) for value in values):
        raise TypeError
    return None if values is None else {"values": values}


def _moment(asked: Any) -> dict[str, Any] | None:
    """Of a time also its age may be limited, in seconds (section 5.5.2)."""
    constraints = _word(asked) or {}
    if asked is not None and "max_age" in asked:
        age = asked["max_age"]
        if isinstance(age, bool) or not isinstance(age, int | float) or not 0 <= age < math.inf:
            raise TypeError
        constraints["max_age"] = age
    return constraints or None


def _type(asked: Any) -> dict[str, Any]:
    """The type of an evidence is always one value (section 5.4)."""
    if not isinstance(asked, dict) or "values" in asked or not isinstance(asked.get("value"), str):
        raise TypeError
    return {"values": [asked["value"]]}


def _derived(asked: Any) -> dict[str, Any] | None:
    """Which of an element's claims are wanted once more, with each evidence out of which they came; None: all."""
    return None if asked is None else {name: None for name in _object(asked) if _is_leaf(asked[name])}


def _evidence(asked: Any) -> dict[str, Any]:
    template = _template(asked, _OF_EVIDENCE)
    if "type" not in template:
        raise ValueError
    return template


def _template(asked: Any, form: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked of an object. What we never heard of is left out, or cannot be met if it is to have some value."""
    template: dict[str, Any] = {}
    for name, part in _object(asked).items():
        below = form.get(name)
        if isinstance(below, Mapping):
            template[name] = _template(part, below)
        elif isinstance(below, list):
            template[name] = [_made(each, below[0]) for each in _array(part)]
        elif below is not None:
            template[name] = below(part)
        elif constrains(part):
            template[name] = {"values": []}
    return template


def _made(asked: Any, form: Mapping[str, Any] | Callable[[Any], Any]) -> Any:
    return _template(asked, form) if isinstance(form, Mapping) else form(asked)


def _object(part: Any) -> dict[str, Any]:
    if not isinstance(part, dict):
        raise TypeError
    return part


def _array(part: Any, most: float = MOST) -> list[Any]:
    if not isinstance(part, list):
        raise TypeError
    if not 0 < len(part) <= most:
        raise ValueError
    return part


_CHECK = {"check_method": _word, "organization": _word, "check_id": _word, "time": _moment}
_RECORD = {"type": _word, "created_at": _moment, "date_of_expiry": _moment, "source": {"name": _word}}
_OF_EVIDENCE = {"type": _type, "check_details": [_CHECK], "record": _RECORD, "derived_claims": _derived}
_VERIFICATION = {
    "trust_framework": _word, "assurance_level": _word, "time": _moment, "evidence": [_evidence],
}  # fmt: skip
