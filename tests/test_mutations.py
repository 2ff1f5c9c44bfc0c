"""The list of wrong changes (`python -m benchmarks.mutations` tries them): each is one, in code that is still there."""

import ast

import pytest
from conftest import ROOT

from benchmarks.mutations import MUTATIONS, Mutation, verdict


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.file}: {mutation.meaning}")
def test_each_change_still_applies_and_is_another_program(mutation):
    changed = mutation.changed(ROOT)
    before = (ROOT / mutation.path).read_text()
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(before))
    assert all((ROOT / name).is_file() for name in mutation.tests())


def test_a_change_of_what_is_not_there_once_is_refused():
    for old in ("no such text", "split."):
        with pytest.raises(ValueError, match="must be once"):
            Mutation("core/split.py", old, "x", "").changed(ROOT)


def test_what_killed_it_is_read_from_pytests_own_words():
    output = "F\nFAILED tests/test_a.py::test_b[1] - assert 1 == 2\n1 failed"
    assert verdict(1, output) == "test_a.py::test_b[1]"
    assert verdict(0, "5 passed") is None
    assert verdict(2, "ERROR tests/test_a.py - NameError") == "test_a.py"
    assert verdict(3, "") == "pytest ended with 3"
