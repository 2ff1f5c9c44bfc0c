"""Killed while DVC had the user's changes: they come back, to the byte and to the index, and so does the branch."""

import pytest
from conftest import run
from killed import die, edit, git, locked, mend, repository, state

from prunelab.doctor import examine

STASHED = """
with scm.stash_workspace(reinstate_index=True) as workspace:
    {first}
    with scm.detach_head(client="dvc") as head:
        {second}
        from scmrepo.git.stash import Stash
        scm.stash.apply(workspace)
        {third}
"""


@pytest.fixture(params=["", "tools/pl"])
def root(tmp_path, request):
    """A repository, and a project in a folder of a larger one."""
    return repository(tmp_path, request.param)


def killed_stashing(root, at):
    """What `dvc exp run` does before it runs, up to one of three moments."""
    top = root if (root / ".git").exists() else root.parent.parent
    moments = {name: "die()" if name == at else "pass" for name in ("first", "second", "third")}
    locked(root, "workspace", "refs/exps/stash")
    die(top, STASHED.format(**moments))


@pytest.mark.parametrize("at", ["first", "second", "third"])
def test_changes_in_gits_stash_come_back_as_they_were(root, at):
    (root / "README.md").write_text("x\n")
    git(root, "stash", "push", "-q", "-m", "mine")  # the user has an entry too
    edit(root)
    before = state(root)
    assert "mine" in before[3]
    killed_stashing(root, at)
    assert state(root) != before
    said = mend(root)
    assert any("holds your changes, which a killed `dvc exp run` took away" in line for line in said)
    assert any("took it from the branch main" in line for line in said) == (at != "first")
    assert state(root) == before
    assert examine(root) == []


def test_a_file_that_was_cut_off_is_made_whole(root):
    edit(root)
    before = state(root)
    killed_stashing(root, "second")
    (root / "README.md").write_text("the te")  # of the committed text
    (root / "new.md").write_text("")
    (root / "params.yaml").write_text("noise: 0.9\n")  # composed
    mend(root)
    assert state(root) == before
    kept = git(root, "for-each-ref", "--format=%(objectname)", "refs/prunelab/kept").split()
    assert "the te" in [git(root, "show", f"{commit}:./README.md") for commit in kept]  # should it have been the user's


def test_what_was_changed_since_is_not_overwritten(root):
    edit(root)
    killed_stashing(root, "first")
    (root / "README.md").write_text("written after the kill\n")
    stash = git(root, "stash", "list")
    (finding,) = [finding for finding in examine(root) if "stash@{0}" in finding.text]
    assert finding.mend is None
    assert "README.md was changed since: commit it, then `git stash pop --index stash@{0}`" in finding.text
    mend(root)
    assert (root / "README.md").read_text() == "written after the kill\n"
    assert git(root, "stash", "list") == stash


def killed_applying(root, then=""):
    """DVC has checked out HEAD by force, and not yet put back the changes it keeps in EXEC_MERGE."""
    commit = git(root, "stash", "create").strip()
    for name, value in (("HEAD", "HEAD"), ("BASELINE", "HEAD"), ("MERGE", commit)):
        git(root, "update-ref", f"refs/exps/exec/EXEC_{name}", value)
    top = root if (root / ".git").exists() else root.parent.parent
    locked(root, "refs/exps/exec")
    die(top, f"with scm.detach_head(scm.get_rev(), force=True, client='dvc'):\n    {then or 'die()'}")
    return commit


def files_but_new(found):
    """DVC itself leaves a file that was staged as new untracked."""
    return {name: text for name, text in found[0].items() if name != "params.yaml"}


def test_changes_that_only_a_reference_holds_come_back(root):
    edit(root)
    before = state(root)
    commit = killed_applying(root)
    assert (root / "README.md").read_text().startswith("the text")
    said = mend(root)
    assert any(f"refs/exps/exec/EXEC_MERGE ({commit[:7]}) holds your changes to " in line for line in said)
    assert files_but_new(state(root)) == files_but_new(before)
    assert state(root)[2] == "main\n"
    assert git(root, "for-each-ref", "--format=%(refname)", "refs/exps") == "refs/exps/exec/EXEC_HEAD\n"
    assert git(root, "rev-parse", f"refs/prunelab/kept/{commit[:10]}").strip() == commit  # nothing is lost, ever
    assert examine(root) == []


def test_a_file_that_was_staged_as_new_is_so_again(root):
    """Else it would be missing in the next run's experiment."""
    edit(root)
    killed_applying(root, f"scm.stash.apply({git(root, 'stash', 'create').strip()!r}); die()")
    git(root, "rm", "-q", "--cached", "new.md")  # as DVC leaves it
    said = mend(root)
    assert any("took new.md out of git's index" in line or "tools/pl/new.md out of" in line for line in said)
    assert git(root, "ls-files", "new.md", "untracked.md", "gone.md") == "gone.md\nnew.md\n"
    assert git(root, "show", ":./new.md") == "new\n"
    assert examine(root) == []


def test_a_file_that_was_staged_as_new_is_so_again_after_the_experiments_commit(root):
    """Which HEAD and the index are at; putting HEAD back reads the branch's index."""
    edit(root)
    commit = git(root, "stash", "create").strip()
    killed_applying(root, f"scm.stash.apply({commit!r}); scm.commit('dvc: commit experiment abc'); die()")
    mend(root)
    assert git(root, "ls-files", "new.md", "untracked.md") == "new.md\n"
    assert examine(root) == []


def test_a_run_killed_in_its_middle_keeps_what_it_has(root):
    """All changes are back, one of them the user has undone since, and another one made."""
    edit(root)
    killed_applying(root, f"scm.stash.apply({git(root, 'stash', 'create').strip()!r}); die()")
    git(root, "checkout", "-q", "README.md")
    (root / "both.md").write_text("since\n")
    (root / ".dvc/tmp/exps/rwlock").unlink()
    before = state(root)[0]
    said = mend(root)
    assert not any("holds your changes" in line for line in said)
    assert (state(root)[0], state(root)[2]) == (before, "main\n")


def test_an_experiments_commit_is_left_for_the_branch(root):
    """Killed between its commit and the way back."""
    git(root, "update-ref", "refs/exps/exec/EXEC_BASELINE", "HEAD")
    (root / "params.yaml").write_text("noise: 0.7\n")
    top = root if (root / ".git").exists() else root.parent.parent
    die(
        top,
        "with scm.detach_head(client='dvc'):\n    scm.add([], update=True)\n"
        "    scm.commit('dvc: commit experiment abc')\n    die()",
    )
    commit = git(root, "rev-parse", "HEAD").strip()
    mend(root)
    assert git(root, "status", "--porcelain").splitlines()[0].strip().startswith("M ")
    assert state(root)[2] == "main\n"
    assert git(root, "rev-list", "--count", "HEAD").strip() == "1"
    assert git(root, "rev-parse", f"refs/prunelab/kept/{commit[:10]}").strip() == commit


def test_commits_of_the_users_on_a_detached_head_are_named_and_kept(root):
    git(root, "update-ref", "refs/exps/exec/EXEC_BASELINE", "HEAD")
    top = root if (root / ".git").exists() else root.parent.parent
    die(top, "with scm.detach_head(client='dvc'):\n    die()")
    git(root, "commit", "-q", "--allow-empty", "-m", "mine")
    (finding,) = [finding for finding in examine(root) if "HEAD is detached" in finding.text]
    assert finding.mend is None
    assert finding.text.endswith("`git branch NAME`, then `git switch main`")


def test_what_the_user_did_is_not_a_finding(root):
    """A detached HEAD, a stash, a branch, changes."""
    edit(root)
    git(root, "stash", "push", "-q")
    git(root, "checkout", "-q", "--detach")
    assert examine(root) == []
    git(root, "stash", "pop", "-q", "--index")
    assert examine(root) == []
    git(root, "checkout", "-q", git(root, "rev-parse", "HEAD").strip())
    assert examine(root) == []


def test_a_head_that_a_later_run_left_detached(root):
    """Killed, then run again, which ends well and leaves no references, but HEAD where it found it."""
    top = root if (root / ".git").exists() else root.parent.parent
    die(top, "with scm.detach_head(client='dvc'):\n    pass\nwith scm.detach_head(client='dvc'):\n    die()")
    run(
        "python", "-c", f"from scmrepo.git import Git\nwith Git({str(top)!r}).detach_head(client='dvc'): pass", cwd=root
    )
    assert not state(root)[2].strip()
    assert any("took it from the branch main" in line for line in mend(root))
    assert state(root)[2] == "main\n"


@pytest.mark.parametrize("own", [False, True])
def test_half_an_entry_of_gits_stash(root, own):
    """The reflog is written first, both as one is made and as one is taken away."""
    top = root if (root / ".git").exists() else root.parent.parent
    log, reference = top / ".git" / "logs" / "refs" / "stash", top / ".git" / "refs" / "stash"
    if own:
        (root / "README.md").write_text("mine\n")
        git(root, "stash", "push", "-q", "-m", "mine")
    before = (log.read_bytes(), reference.read_text()) if own else None
    edit(root)
    git(root, "stash", "push", "-q", "-m", "DVC's")
    half, commit = (log.read_bytes(), reference.read_text()), git(root, "rev-parse", "refs/stash").strip()
    for made, text in ((True, "not finished making"), (False, "making or taking away")):
        log.write_bytes(half[0] if made else before[0] if own else b"")
        if made and not own:
            reference.unlink()
        else:
            reference.write_text(before[1] if made else half[1])
        assert any(text in line for line in mend(root))
        assert git(root, "rev-parse", f"refs/prunelab/kept/{commit[:10]}").strip() == commit
        assert git(root, "stash", "list").count("\n") == own
        assert reference.exists() == own
        assert not own or (log.read_bytes(), reference.read_text()) == before
        assert examine(root) == []


def test_half_an_entry_of_dvcs_queue(root):
    """Its reference is written first, with HEAD, and the reflog with the entry then; the entries there are stay."""
    first, second = (git(root, "commit-tree", "-m", text, "HEAD^{tree}").strip() for text in "ab")
    name = "refs/exps/celery/stash"
    for commit in (first, second):
        git(root, "update-ref", name, "HEAD")
        git(root, "update-ref", "--create-reflog", "-m", f"dvc-exp:{commit}", name, commit)
    log = (root if (root / ".git").exists() else root.parent.parent) / ".git" / "logs" / name
    log.write_text("".join(line for line in log.read_text().splitlines(keepends=True) if "dvc-exp" in line))
    before = log.read_text()
    assert examine(root) == []
    (log.parents[4] / name).write_text(git(root, "rev-parse", "HEAD"))
    assert len(mend(root)) == 1
    assert git(root, "rev-parse", name).strip() == second
    assert log.read_text() == before
    assert examine(root) == []


def test_plans_of_killed_runs_are_moved_aside(root):
    edit(root)
    before = state(root)
    commit = git(root, "stash", "create", "dvc-exp:plan").strip()
    git(root, "update-ref", "--create-reflog", "-m", "dvc-exp:plan", "refs/exps/stash", commit)
    (finding,) = examine(root)
    assert f"`git show -m --stat {commit[:10]}`" in finding.text
    mend(root)
    assert examine(root) == []
    assert git(root, "rev-parse", f"refs/prunelab/kept/{commit[:10]}").strip() == commit
    assert not git(root, "for-each-ref", "refs/exps")
    assert state(root) == before


def test_no_git_user_is_needed(root, monkeypatch):
    edit(root)
    before = state(root)
    killed_stashing(root, "second")
    git(root, "config", "--unset", "user.name")
    git(root, "config", "--unset", "user.email")
    for name in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", "/dev/null")
    mend(root)
    assert state(root) == before
