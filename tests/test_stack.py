"""Replicates trained as one, against the same trained one by one."""

import pytest
import torch
import torch.nn.functional as F
from conftest import make_images, make_split, same
from hypothesis import given, settings
from hypothesis import strategies as st
from test_rounds import settings_for
from test_sparse import lenet

from prunelab.core import artifacts, networks, split, streams
from prunelab.core.rounds import jobs, kinds, together
from prunelab.core.rounds.task import Task
from prunelab.core.training import evaluate, loop, stack
from prunelab.core.training.optimizers import SGD
from prunelab.core.training.stack import Recorded, Stack
from prunelab.errors import UserError
from stages import corrupt, dense, fetch, prune
from tests.golden import pipeline

SEEDS = (3, 0, 7)


@settings(max_examples=30, deadline=None)
@given(
    keep=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    count=st.integers(1, 4),
    batch=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_gradients_and_outputs_of_each_are_autograds(keep, count, batch, seed):
    alone = [lenet(keep, seed + number) for number in range(count)]
    alone = [(network.double(), masks) for network, masks in alone]
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(20, 1, 4, 4, dtype=torch.float64, generator=generator)
    batch_RB = torch.randint(0, 20, (count, batch), generator=generator)
    y_RB = torch.randint(0, 4, (count, batch), generator=generator)
    stacked = Stack([network for network, _ in alone], [masks for _, masks in alone])
    before = stacked.state()
    SGD(stacked).step(stacked.gradients(stacked.reader(x)(batch_RB, None), y_RB), 1.0)
    for number, (network, masks) in enumerate(alone):
        outputs = network(x[batch_RB[number]])
        torch.testing.assert_close(stacked.seen()[number].T, outputs)
        expected = torch.autograd.grad(F.cross_entropy(outputs, y_RB[number]), tuple(network.parameters()))
        for (name, _), gradient in zip(network.named_parameters(), expected, strict=True):
            moved = before[name][number] - stacked.one(number).state()[name]
            torch.testing.assert_close(moved, gradient * masks.get(name, torch.tensor(True)), rtol=1e-9, atol=1e-12)


def tasks(**changes):
    """Replicates with labels of their own, of the same images."""
    images, found = make_images(), []
    for seed in SEEDS:
        part = make_split(images, permuted=range(seed, seed + 9))
        share = {} if not found else {"x_N": found[0].split.x_N, "x_test_T": found[0].split.x_test_T}
        found.append(Task(seed, split.replace(part, **share), settings_for(**changes), lambda row, n: None))
    return found


@pytest.mark.parametrize(
    ("optimizer", "momentum"), [("sgd", 0.0), ("sgd", 0.9), ("nesterov", 0.9), ("adam", 0.0)], ids=str
)
def test_a_stack_is_trained_as_each_is_alone(optimizer, momentum):
    """A dense round and one that is pruned of it: rows, weights, masks and what is kept of each, up to rounding."""
    rate = 0.01 if optimizer == "adam" else 0.1
    some = tasks(
        **{"train.optimizer": optimizer, "train.momentum": momentum, "train.lr": rate, "train.weight_decay": 1e-3}
    )
    alone, stacked = [kinds.dense(one) for one in some], together.run([jobs.dense(one) for one in some])
    for _ in range(2):
        for a, b in zip(alone, stacked, strict=True):
            assert a.record["seed"] == b.record["seed"]
            for name, value in a.weights.items():
                torch.testing.assert_close(b.weights[name], value, rtol=1e-3, atol=1e-5)
            assert all((b.weights[name][~kept] == 0).all() for name, kept in b.masks.items())
            for x, y in zip(a.history, b.history, strict=True):
                assert x == pytest.approx(y, rel=1e-3)
            assert torch.equal(a.predicted_N, b.predicted_N)
            torch.testing.assert_close(a.loss_N, b.loss_N, rtol=1e-3, atol=1e-4)
        # The second round of both from the same masks and weights.
        parents = [((a.weights, a.masks), a.start) for a in alone]
        more = [jobs.prune(one, 1, parent, start, start) for one, (parent, start) in zip(some, parents, strict=True)]
        assert all(not bool(kept.all()) for kept in more[0].masks.values())
        alone = [kinds.prune(one, 1, parent, start, start) for one, (parent, start) in zip(some, parents, strict=True)]
        stacked = together.run(more)
    assert len({float(a.weights["1.weight"].sum()) for a in stacked}) == len(SEEDS)


def test_the_rewind_point_of_each_is_kept_in_the_middle_of_an_epoch():
    some = tasks(**{"train.rewind_iteration": 4})
    for one, outcome in zip(some, together.run([jobs.dense(one) for one in some]), strict=True):
        for name, value in kinds.dense(one).rewind.items():
            torch.testing.assert_close(outcome.rewind[name], value, rtol=1e-4, atol=1e-6)
        assert not same(outcome.rewind, outcome.start)


def test_only_perceptrons_are_stacked():
    network = networks.build("conv2", (1, 4, 4), 4, 0.1, "ones", streams.generator(0, "init"))
    with pytest.raises(ValueError, match="only multilayer perceptrons"):
        Stack([network], [{}])
    with pytest.raises(UserError, match=r"engine=\[stacked\]: must be without it for model.name=conv2"):
        together.run([jobs.dense(one) for one in tasks(**{"model.name": "conv2"})])


def test_stages_write_the_same_either_way():
    """Up to rounding, and every file of every replicate."""
    found = {}
    for engine in ([], ["stacked", "graphs"]):
        changes = {
            "seeds": [4, 1],
            "subset.train": 200,
            "n_rounds": 1,
            "train.epochs": 2,
            "engine": engine,
            "device": "cpu",
        }
        with pipeline.study({**changes, "data_root": ".", "model.width": 0.1, "train.rewind_iteration": 3}) as params:
            for stage, arguments in ((fetch, ()), (corrupt, ()), (dense, ()), (prune, ("--round", "r01"))):
                pipeline.stage(stage, *arguments)
            assert params.engine == engine
            folders = [
                artifacts.replicate(artifacts.of_round(artifacts.ROUNDS, key), seed)
                for key in ("r00", "r01")
                for seed in (4, 1)
            ]
            for folder in [*folders, *(artifacts.replicate(artifacts.ORIGIN, seed) for seed in (4, 1))]:
                names = sorted(path.name for path in folder.iterdir())
                found.setdefault(str(folder), []).append((names, tables_of(folder)))
    assert len(found) == 6
    for (names, one), (others, two) in found.values():
        assert names == others
        assert len(one) == len(two)
        for a, b in zip(one, two, strict=True):
            assert a == pytest.approx(b, rel=1e-3)


def tables_of(folder):
    path = folder / artifacts.HISTORY
    return artifacts.read_table(path) if path.exists() else []


class Replayed:
    """A step whose work is done and whose lines are not run: what they note in Python is as it was."""

    def __init__(self, step, stacked):
        self.step, self.stacked, self.calls = step, stacked, 0

    def __call__(self, batch, rate):
        before = dict(self.stacked._found)
        self.step(batch, rate)
        self.calls += 1
        self.stacked._found.clear()
        self.stacked._found.update(before)


def test_what_is_measured_after_replayed_updates_is_measured_anew():
    histories = []
    for replayed in (False, True):
        some = tasks(**{"train.epochs": 6})
        described = [jobs.dense(one) for one in some]
        stacked = Stack(
            [one.network(job.start) for one, job in zip(some, described, strict=True)], [j.masks for j in described]
        )
        measures = [evaluate.Measure(stacked.one(number), one.split) for number, one in enumerate(some)]
        y_RN, plans = torch.stack([one.split.given_N for one in some]), [job.plan for job in described]
        walk = loop.Together(stacked, SGD(stacked), some[0].split.x_N, y_RN, plans, graphs=False)
        if replayed:
            walk._recorded = Replayed(walk._recorded, stacked)
        histories.append([[measure()["train_loss"] for measure in measures] for _ in walk])
    assert walk._recorded.calls == 18
    assert histories[0] == histories[1]
    assert len({losses[0] for losses in histories[0]}) == 6


def test_other_masks_are_measured_at_once_and_all_have_the_same_names():
    network, masks = lenet(0.5)
    stacked, data = Stack([network], [masks]), make_split()
    before = stacked.one(0).logits(data.x_N).clone()
    SGD(stacked).remask({name: torch.zeros_like(kept) for name, kept in stacked.masks.items()})
    assert not torch.equal(stacked.one(0).logits(data.x_N), before)
    with pytest.raises(ValueError, match="of the same names"):
        Stack([network, network], [masks, {}])


class Fake:
    """What a CUDA graph does: work that is recorded is not done then, but at each replay."""

    recording = None

    def __init__(self):
        self.work = []

    def replay(self):
        for one in self.work:
            one()

    def __enter__(self):
        Fake.recording = self

    def __exit__(self, *_):
        Fake.recording = None


def test_recorded_steps_are_replayed_with_other_examples_at_their_own_rate(monkeypatch):
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Fake)
    monkeypatch.setattr(torch.cuda, "graph", lambda graph: graph)
    total, plainly, called = torch.zeros(()), 0.0, []

    def step(batch, rate):
        called.append(rate)
        work = lambda: total.add_(rate * batch.sum())  # noqa: E731
        Fake.recording.work.append(work) if Fake.recording else work()

    recorded = Recorded(step)
    for number in range(40):
        rate = 0.5 if number < 20 else 0.25
        batch = torch.arange(6.0 if number % 5 else 4.0)[None] + number
        recorded(batch, rate)
        plainly += rate * float(batch.sum())
        assert float(total) == plainly
    # Of each of two rates and two sizes the first few as they are, and one more that is recorded.
    assert len(called) == 4 * (stack.EAGER + 1)
