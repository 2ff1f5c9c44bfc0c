"""Every odd file of odd_*.py ends as is written beside it."""

import pytest
from odd_files import all_cases, outcome

CASES = all_cases()


def test_there_are_many_and_each_has_a_name_of_its_own():
    assert len(CASES) >= 80
    assert len({(case.dataset, case.name) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.dataset}: {case.name}")
def test_an_odd_file_is_read_right_or_named_in_one_line(case):
    right, what = outcome(case)
    assert right, what
