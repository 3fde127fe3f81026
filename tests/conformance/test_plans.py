"""The books are true: every module has its test or its reason, every refusal a check whose absence is noticed."""

from __future__ import annotations

import pytest

from tests.conformance import bookkeeping
from tests.conformance.bookkeeping import ROOT, Mutation

MODULES = sorted({module for plan in bookkeeping.plans() for module in plan.modules})


def test_every_module_has_a_test_of_its_name_or_a_reason_for_none() -> None:
    known, without = bookkeeping.tests(), bookkeeping.skipped()
    missing = [module for module in MODULES if (bookkeeping.function_of(module) in known) == (module in without)]
    assert missing == []


def test_every_module_that_refuses_something_has_a_check_that_was_taken_out() -> None:
    tried = {module for mutation in bookkeeping.mutations() for module in mutation.modules}
    free = bookkeeping.accepting() | set(bookkeeping.skipped())
    assert [module for module in MODULES if module not in tried | free] == []
    assert bookkeeping.accepting() <= set(MODULES)


@pytest.mark.parametrize("mutation", bookkeeping.mutations(), ids=lambda each: f"{each.modules[0]} {each.check}")
def test_a_check_to_take_out_stands_where_the_books_say(mutation: Mutation) -> None:
    for edit in mutation.edits:
        assert (ROOT / edit.file).read_text("utf-8").count(edit.old) == 1
        assert edit.old != edit.new
    assert set(mutation.modules) <= set(MODULES)
