"""The clones that tests run DVC in begin as a newcomer's does, whatever was run in the working tree before."""

import conftest
from conftest import clone, run


def test_a_clone_has_the_code_as_it_is_and_a_run_as_it_was_committed(tmp_path, monkeypatch):
    (tmp_path / "used").mkdir()
    used = clone(tmp_path / "used", lock=True)
    monkeypatch.setattr(conftest, "ROOT", used)
    before = {path: (used / path).read_bytes() for path in ("dvc.lock", "params.yaml", "plots/sdd/double_descent.csv")}
    for path in (*before, "plots/left_by_another_run.csv", "plots/not_chosen/curve.csv", "README.md"):
        (used / path).write_text("changed")
    (used / "plots/sdd/named_models.csv").unlink()
    (tmp_path / "new").mkdir()
    new = clone(tmp_path / "new", lock=True)
    assert {path: (new / path).read_bytes() for path in before} == before
    assert not (new / "plots/left_by_another_run.csv").exists()
    assert (new / "plots/sdd/named_models.csv").is_file()
    assert {(new / path).read_text() for path in ("plots/not_chosen/curve.csv", "README.md")} == {"changed"}
    assert run("git", "status", "--short", cwd=new).stdout == ""
