"""Stages in a folder of their own: what they read, and that what they write is what it is called."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from prunelab.core import artifacts, images, networks, split, streams
from prunelab.core.artifacts import replicate
from prunelab.core.pruning import mask
from prunelab.core.rounds import checkpoint
from prunelab.errors import UserError
from prunelab.studies.sdd import parameters, places
from prunelab.studies.sdd.landscape import LINES, PATH
from stages import corrupt, dense, fetch, prune
from tests.golden import pipeline

CPU = torch.device("cpu")
LAYERS = {"1": (30, 64), "3": (10, 30), "5": (10, 10)}  # of LeNet a tenth as wide, on 8x8 pixels
LAYOUT = {}
for layer, (outputs_, inputs_) in LAYERS.items():
    LAYOUT |= {f"{layer}.weight": torch.Size((outputs_, inputs_)), f"{layer}.bias": torch.Size((outputs_,))}
SMALL = {
    "seeds": [0, 1],
    "subset.train": 200,
    "subset.test": 120,
    "n_rounds": 2,
    "model.width": 0.1,
    "train.epochs": 4,
    "train.batch_size": 40,
    "train.lr": 0.1,
    "train.validation": 30,
    "train.rewind_iteration": 3,
    "prune.fraction": 0.6,
    "redense.epochs": 2,
    "redense.every": 1,
    "reinit.every": 1,
    "landscape.every": 1,
    "landscape.examples": 0,
    "landscape.directions": 2,
    "landscape.eigenvalues": 2,
    "landscape.probes": 2,
    "device": "cpu",
    "data_root": ".",
}


@pytest.fixture(scope="module")
def params():
    """A study that has run, in the current folder."""
    with pipeline.study(SMALL) as found:
        pipeline.run_stages(found)
        yield found


def data(seed):
    return split.make(images.read(artifacts.RAW), labels(seed), CPU)


def labels(seed):
    return artifacts.read_arrays(replicate(artifacts.CORRUPTED, seed) / artifacts.LABELS)


def stored(folder, key, seed, name=artifacts.WEIGHTS):
    place = replicate(artifacts.of_round(folder, key), seed)
    masks = checkpoint.load_masks(place, LAYOUT)
    return checkpoint.load_state(place, name, masks, LAYOUT), masks


def record(folder, key, seed):
    return artifacts.read_json(replicate(artifacts.of_round(folder, key), seed) / artifacts.RECORD)


def outputs(params, state, x):
    network = networks.build("lenet", x.sample_shape, 10, params.model.width, "ones", torch.Generator())
    network.load_state_dict(state)
    with torch.no_grad():
        return network(x[:])


def equal(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


KINDS = (artifacts.ROUNDS, places.REDENSE, places.REINIT)


@pytest.mark.parametrize("seed", [0, 1])
def test_each_replicate_trains_on_its_own_noise_and_stores_its_own_answers(params, seed):
    found = data(seed)
    for folder in KINDS:
        for key in ("r01", "r02"):
            state, _ = stored(folder, key, seed)
            logits, last = outputs(params, state, found.x_N), record(folder, key, seed)["last"]
            loss_N = F.cross_entropy(logits, found.given_N, reduction="none")
            answers = artifacts.read_arrays(replicate(artifacts.of_round(folder, key), seed) / artifacts.EXAMPLES)
            assert answers["predicted"].tolist() == logits.argmax(dim=1).tolist()
            np.testing.assert_allclose(answers["loss"], loss_N.numpy(), rtol=1e-3, atol=1e-4)
            right_T = outputs(params, state, found.x_test_T).argmax(dim=1) == found.y_test_T
            assert answers["test_right"].tolist() == right_T.tolist()
            assert last["train_loss"] == pytest.approx(loss_N.mean().item(), rel=1e-4)
            held_out = outputs(params, state, found.x_val_V)
            assert last["validation_loss"] == pytest.approx(F.cross_entropy(held_out, found.y_val_V).item(), rel=1e-4)


def test_both_records_of_the_test_answers_are_kept_apart(params):
    """Last answers differ from those of the best epochs somewhere; each sums to its accuracy."""
    differ = 0
    for folder in KINDS:
        for key in ("r01", "r02"):
            for seed in (0, 1):
                answers = artifacts.read_arrays(replicate(artifacts.of_round(folder, key), seed) / artifacts.EXAMPLES)
                found = record(folder, key, seed)
                assert answers["test_right"].mean() == pytest.approx(found["last"]["test_accuracy"])
                assert answers["test_best_right"].mean() == pytest.approx(found["best"]["fitted_test_accuracy"])
                differ += int((answers["test_right"] != answers["test_best_right"]).sum())
    assert differ > 0


@pytest.mark.parametrize("seed", [0, 1])
def test_each_stage_starts_where_another_ended(params, seed):
    origin = {
        name: checkpoint.load_state(replicate(artifacts.ORIGIN, seed), name, {}, LAYOUT)
        for name in (artifacts.INIT, artifacts.REWIND)
    }
    assert not equal(origin[artifacts.INIT], origin[artifacts.REWIND])
    generator = streams.generator(seed, "init", 0)
    fresh = networks.state(networks.build("lenet", (1, 8, 8), 10, params.model.width, "ones", generator))
    assert equal(origin[artifacts.INIT], fresh)
    parent, parent_masks = stored(artifacts.ROUNDS, "r00", seed)
    for key in ("r01", "r02"):
        start, masks = stored(artifacts.ROUNDS, key, seed, artifacts.START)
        assert equal(start, mask.applied(origin[artifacts.REWIND], masks))
        kept = torch.cat([parent[n].abs()[m] for n, m in masks.items()]).min()
        gone = torch.cat([parent[n].abs()[parent_masks[n] & ~m] for n, m in masks.items()]).max()
        assert gone <= kept  # magnitudes of the round before
        parent, parent_masks = stored(artifacts.ROUNDS, key, seed)
        again, everything = stored(places.REDENSE, key, seed, artifacts.START)
        assert equal(again, parent)
        assert all(m.all() for m in everything.values())
        assert equal(stored(places.REINIT, key, seed)[1], masks)
        moved, _ = stored(places.REDENSE, key, seed)
        distance = record(places.REDENSE, key, seed)["distance"]
        for name, other in (("from_start", start), ("from_dense_init", origin[artifacts.INIT])):
            expected = torch.cat([(moved[n] - other[n]).double().flatten() for n in moved]).norm().item()
            assert distance[name] == pytest.approx(expected, rel=1e-5)
    epochs = [
        row["epoch"]
        for row in artifacts.read_table(replicate(artifacts.of_round(places.REDENSE, "r02"), seed) / "history.csv")
    ]
    assert epochs == [5, 6]


def test_re_initialised_rounds_have_new_weights_of_their_own(params):
    for seed in (0, 1):
        for number in (1, 2):
            generator = streams.generator(seed, "reinit", number)
            fresh = networks.state(networks.build("lenet", (1, 8, 8), 10, params.model.width, "ones", generator))
            start, masks = stored(places.REINIT, f"r{number:02d}", seed, artifacts.START)
            assert equal(start, mask.applied(fresh, masks))


def test_one_shot_rounds_prune_the_dense_network_at_once():
    with pipeline.study(SMALL | {"seeds": [0], "prune.schedule": "one_shot", "redense.every": 9, "reinit.every": 0}):
        for stage in (fetch, corrupt, dense):
            pipeline.stage(stage)
        pipeline.stage(prune, "--round", "r02")
        parent, everything = stored(artifacts.ROUNDS, "r00", 0)
        _, masks = stored(artifacts.ROUNDS, "r02", 0)
    count = mask.prunable(everything)
    for _ in range(2):
        count -= int(0.6 * count + 0.5)
    assert mask.survivors(masks) == count
    kept = torch.cat([parent[n].abs()[m] for n, m in masks.items()]).min()
    assert kept >= torch.cat([parent[n].abs()[~m] for n, m in masks.items()]).max()


def hessian(params, state, masks, x, y):
    """The whole matrix of the mean loss over free parameters."""
    network = networks.build("lenet", x.sample_shape, 10, params.model.width, "ones", torch.Generator()).double()
    names, sizes = list(state), [value.numel() for value in state.values()]
    x = x[:].double()

    def loss(vector):
        parts = {n: v.view_as(state[n]) for n, v in zip(names, vector.split(sizes), strict=True)}
        return F.cross_entropy(torch.func.functional_call(network, parts, (x,)), y)

    at = torch.cat([value.flatten().double() for value in state.values()])
    free = torch.cat([masks.get(n, torch.ones_like(v, dtype=torch.bool)).flatten() for n, v in state.items()])
    return torch.autograd.functional.hessian(loss, at, vectorize=True)[free][:, free].numpy()


def test_the_landscape_is_that_of_the_noisy_loss_around_both_solutions(params):
    for key, seed in (("r01", 0), ("r02", 1)):
        found, place = (
            record(places.LANDSCAPE, key, seed),
            replicate(artifacts.of_round(places.LANDSCAPE, key), seed),
        )
        path = artifacts.read_table(place / PATH)
        lines = artifacts.read_table(place / LINES)
        for name, folder, end in (("sparse", artifacts.ROUNDS, path[0]), ("redense", places.REDENSE, path[-1])):
            last = record(folder, key, seed)["last"]
            centre = [row for row in lines if row["solution"] == name and row["radius"] == 0]
            assert len(centre) == 2
            for row in (found[name], end, *centre):
                assert row["train_loss"] == pytest.approx(last["train_loss"], rel=1e-4)
                assert row["train_accuracy"] == pytest.approx(last["train_accuracy"])
            assert end["test_loss"] == pytest.approx(last["test_loss"], rel=1e-4)
            aside = [row["train_loss"] for row in lines if row["solution"] == name and row["radius"] == 1]
            assert abs(aside[0] - aside[1]) > 0.01 * aside[0]  # two directions


def test_eigenvalues_are_the_whole_hessians_largest_over_the_free_parameters(params):
    seed, key = 0, "r02"
    found, here = record(places.LANDSCAPE, key, seed), data(seed)
    state, masks = stored(artifacts.ROUNDS, key, seed)
    whole = np.linalg.eigvalsh(hessian(params, state, masks, here.x_N, here.given_N))
    assert found["sparse"]["eigenvalues"] == pytest.approx(whole[::-1][:2].tolist(), rel=2e-3)
    assert found["sparse"]["parameters"] == len(whole)
    assert abs(found["sparse"]["trace"] - whole.sum()) < 5 * max(found["sparse"]["trace_error"], 0.05 * whole.sum())
    assert found["redense"]["parameters"] == sum(value.numel() for value in state.values())


def test_noise_is_each_replicates_own_without_a_validation_split_too():
    with pipeline.study(SMALL | {"train.validation": 0}):
        for stage in (fetch, corrupt):
            pipeline.stage(stage)
        first, second = labels(0), labels(1)
    for name in ("given", "permuted"):
        assert (first[name] != second[name]).sum() > 10


def test_noise_is_each_replicates_own_and_spares_validation_labels():
    with pipeline.study(SMALL | {"seeds": [0, 1, 2], "noise": 0.5, "noise_type": "uniform_other"}):
        for stage in (fetch, corrupt):
            pipeline.stage(stage)
        found, original = [labels(seed) for seed in (0, 1, 2)], images.read(artifacts.RAW).y_train
    for one in found:
        assert one["validation"].sum() == 30
        assert one["permuted"].sum() == 85
        assert not (one["permuted"] & one["validation"]).any()
        assert ((one["given"] != original) == one["permuted"]).all()
    for a, b in ((0, 1), (0, 2), (1, 2)):
        for name in ("given", "permuted", "validation"):
            assert (found[a][name] != found[b][name]).sum() > 10


def test_settings_are_a_study_of_every_table(params):
    assert parameters.landscape_rounds(params) == parameters.redense_rounds(params) == ["r00", "r01", "r02"]


OWN = {"seeds": [0, 1], "noise": 0, "dataset": "npz", "data_root": "mine.npz", "subset.train": 0, "subset.test": 0}


def write_own(**more):
    """Thirty examples whose pixels tell their class; every fifth was given the next class."""
    true = np.arange(30) % 3
    given = np.where(np.arange(30) % 5 == 0, (true + 1) % 3, true)
    x = np.zeros((30, 2, 2), np.uint8)
    x.reshape(30, 4)[np.arange(30), true] = 200
    np.savez("mine.npz", x_train=x, y_train=np.array(["cat", "dog", "fox"])[given], x_test=x, **more)
    return true, given


def test_labels_and_noise_of_a_users_own_are_learnt_and_told_apart():
    with pipeline.study(SMALL | OWN | {"train.validation": 6, "train.epochs": 40, "train.batch_size": 8}):
        names = np.array(["cat", "dog", "fox"])[np.arange(30) % 3]
        true, given = write_own(y_test=names, y_train_clean=names)
        for stage in (fetch, corrupt, dense):
            pipeline.stage(stage)
        for seed in (0, 1):
            found, rows = labels(seed), ~labels(seed)["validation"]
            assert found["given"].tolist() == np.where(rows, given, true).tolist()
            assert found["permuted"].tolist() == (rows & (given != true)).tolist()
            last = record(artifacts.ROUNDS, "r00", seed)["last"]
            # Four different pictures only: the network cannot but follow the majority, which is the truth.
            assert (last["permuted_accuracy"], last["restored_accuracy"], last["test_accuracy"]) == (0, 1, 1)


def test_noise_on_top_of_a_users_own_is_refused_before_anything_is_written():
    with pipeline.study(SMALL | OWN | {"noise": 0.2, "train.validation": 0}):
        names = np.array(["cat", "dog", "fox"])[np.arange(30) % 3]
        write_own(y_test=names, y_train_clean=names)
        pipeline.stage(fetch)
        with pytest.raises(UserError, match=r"^noise=0\.2: must be 0, the data brings noisy labels of its own$"):
            pipeline.stage(corrupt)
        assert not artifacts.CORRUPTED.exists()
