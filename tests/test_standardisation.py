"""What `fetch` does to features is stored, and comes with a ticket: by hand, for any numbers, and damaged."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from odd_tables import text
from test_ticket_files import not_read, opened, saved
from tickets_by_hand import described, random_ticket, raw

from prunelab import tickets
from prunelab.core import features, images, sources
from prunelab.errors import UserError
from prunelab.tickets import file

STEPS = ("unit", "mean", "std")
NUMBER = some.floats(-1e6, 1e6, allow_subnormal=False)


def test_the_standardisation_that_is_stored_is_the_one_by_hand(tmp_path):
    """Values 0 and 2, as often: of their largest, 2, the mean is a half and so is the deviation. 3 never varies."""
    (tmp_path / "a.csv").write_text(text())
    data = sources.fetch("table", tmp_path / "a.csv")
    images.store(tmp_path, data)
    by_hand = {"names": ["a", "b"], "unit": [2.0, 3.0], "mean": [0.5, 1.0], "std": [0.5, 1.0]}
    assert json.loads((tmp_path / "facts.json").read_text())["standardisation"] == by_hand
    assert images.read(tmp_path).standardisation == data.standardisation
    # (4 / 3 - 1) / 1: what varies in the test set only.
    assert data.x_test[:, :, 0, 0].tolist() == [[0, 0], [2, np.float32(1 / 3)], [-1, 0], [1, 0]]


def test_what_is_stored_of_pictures_does_not_speak_of_it(tmp_path):
    images.store(tmp_path, sources.fetch("digits", tmp_path))
    kept = ["num_classes", "max_value", "classes", "arrays", "named"]
    assert list(json.loads((tmp_path / "facts.json").read_text())) == kept
    arrays = {"x_train": np.arange(24).reshape(6, 4), "y_train": [0, 1] * 3, "x_test": np.eye(2, 4, dtype=int)}
    np.savez(tmp_path / "a.npz", **arrays, y_test=[0, 1])
    assert sources.fetch("npz", tmp_path / "a.npz").standardisation is None  # whole numbers 0..255 stay
    file.write(tmp_path / "t.safetensors", random_ticket()[0])
    assert "features" not in opened(tmp_path / "t.safetensors")[1]


def test_facts_that_are_damaged_are_one_line(tmp_path):
    (tmp_path / "a.csv").write_text(text())
    data = sources.fetch("table", tmp_path / "a.csv")
    known = data.standardisation.model_dump()
    for change, line in (
        ({"std": [0.5]}, "must have a unit, a mean and a std for each feature"),
        ({"std": [0.5, 0.0]}, "greater than 0"),
        ({"names": ["a", "a"]}, "names must be none, or a different one for each of 2 features"),
        ({"names": ["a"]}, "names must be none, or a different one for each of 2 features"),
        ({"extra": 1}, "Extra inputs"),
        ({"names": [], **{step: [1.0] for step in STEPS}}, r"must be float32 \[N, 1, 1, 1\] as standardisation"),
    ):
        images.store(tmp_path, data)
        facts = json.loads((tmp_path / "facts.json").read_text()) | {"standardisation": known | change}
        (tmp_path / "facts.json").write_text(json.dumps(facts))
        with pytest.raises(UserError, match=rf"facts\.json: damaged \(.*{line}") as found:
            images.read(tmp_path)
        assert "\n" not in str(found.value)


def test_a_training_value_that_is_no_number_is_the_one_that_is_named():
    x = np.ones((3, 2))
    x[2, 1] = np.inf
    with pytest.raises(UserError, match=r"^mine: b of training example 2 is inf, must be a number of the size"):
        features.standardised(x, x[:1], ["a", "b"], "mine")


def of_features(x_train, names=(), seed=0):
    """A random ticket for these, and what `fetch` stores of them."""
    x, _, known = features.standardised(x_train, x_train, names, "x")
    shape = (x_train.shape[1], 1, 1)
    ticket, network = random_ticket(shape=shape, seed=seed)
    counts = {name: getattr(ticket.description, name) for name in ("sparsity", "survivors", "prunable")}
    normalisation = {"mean": [0.1] * shape[0], "std": [1.1] * shape[0], "max_value": 1}
    description = described(shape=shape, normalisation=normalisation, features=known, **counts)
    return replace(ticket, description=description), network, x


@settings(max_examples=40, deadline=None)
@given(
    rows=some.integers(1, 5).flatmap(lambda d: some.lists(some.tuples(*[NUMBER] * d), min_size=1, max_size=7)),
    scale=some.sampled_from([1.0, 1e-200, 1e200, 1 / 3]),
    shift=some.sampled_from([0.0, 1.6e9]),
    seed=some.integers(0, 99),
)
def test_a_ticket_of_any_features_comes_back_and_standardises_as_fetch_does(rows, scale, shift, seed, tmp_path_factory):
    x_ND = np.array(rows) * scale + shift
    names = [f"ü,{i}" for i in range(x_ND.shape[1])] if seed % 2 else []
    ticket, network, x = of_features(x_ND, names, seed)
    path = tmp_path_factory.mktemp("any") / "t.safetensors"
    file.write(path, ticket)
    again = tickets.read(path)
    assert again.description == ticket.description
    assert again.features.names == names
    with torch.inference_mode():
        assert torch.equal(again.network().first(raw(x_ND)), torch.from_numpy(x))
        expected = network((torch.from_numpy(x) - 0.1) / 1.1)
        most = float(expected.abs().max())
        for one in (again, again.compact()):
            assert torch.allclose(one.network()(raw(x_ND)), expected, rtol=1e-4, atol=1e-4 * most)
    # To the user's units and back, as far as float32 goes; what varies in the last digits of float64 only is not there.
    there = again.features.applied(again.features.undone(x)[:, :, 0, 0], "x", str)
    varies = np.array(again.features.std) > 1e-9
    assert there[:, varies] == pytest.approx(x[:, varies], rel=1e-6, abs=1e-6)


DESCRIBED = {
    "must have a unit, a mean and a std for each feature": {"mean": [0.0]},
    "features.std.1: Input should be greater than 0": {"std": [1.0, 0.0]},
    "features.unit.0: Input should be greater than 0": {"unit": [-1.0, 1.0]},
    "features.mean.0: Input should be a finite number": {"mean": [float("nan"), 0.0]},
    "names must be none, or a different one for each of 2 features": {"names": ["a", "a"]},
    "names must be none, or a different one for each of 2 ": {"names": ["a", "b", "c"]},
    "features.names.1: Input should be a valid string": {"names": ["a", 1]},
    "features.odd: Extra inputs": {"odd": 1},
    "sample_shape must be [3, 1, 1], as there are features": {"names": [], **{step: [1.0] * 3 for step in STEPS}},
}


@pytest.mark.parametrize("line", DESCRIBED)
def test_descriptions_of_features_that_are_none(line, tmp_path):
    path = tmp_path / "t.safetensors"
    file.write(path, of_features(np.array([[1.0, 2], [3, 5]]), ["a", "b"])[0])
    arrays, description = opened(path)
    saved(path, arrays, description | {"features": description["features"] | DESCRIBED[line]})
    assert line in not_read(path)


def test_a_changed_standardisation_is_noticed(tmp_path):
    path = tmp_path / "t.safetensors"
    file.write(path, of_features(np.array([[1.0, 2], [3, 5]]), ["a", "b"])[0])
    content = path.read_bytes()
    assert content.count(b'\\"names\\": [\\"a\\", \\"b\\"]') == 1
    path.write_bytes(content.replace(b'\\"names\\": [\\"a\\", \\"b\\"]', b'\\"names\\": [\\"b\\", \\"a\\"]'))
    assert not_read(path) == "damaged, is not as it was written (its SHA-256 is another)"
