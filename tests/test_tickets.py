"""Tickets by themselves: what is written is read, rebuilt and shrunk without a change; whatever is odd is one line."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from safetensors.numpy import load_file
from tickets_by_hand import CLASSES, pictures, random_ticket
from torch import nn

from prunelab import tickets
from prunelab.core import byname
from prunelab.errors import UserError
from prunelab.tickets import compact, file


def written(path, ticket):
    file.write(path, ticket)
    return tickets.read(path)


@pytest.mark.parametrize("model", byname.names("models"))
def test_every_model_is_rebuilt_from_its_file(model, tmp_path):
    """Against the network as core/networks.py builds it, on pixels normalised here."""
    shape = (2, 8, 8) if not model.startswith("vgg") else (2, 32, 32)
    ticket, network = random_ticket(model, shape)
    again = written(tmp_path / "t.safetensors", ticket)
    x = pictures(shape, count=2)
    normalised = (x.double() / 16 - torch.tensor([0.3, 0.4])[:, None, None]) / torch.tensor([0.2, 0.25])[:, None, None]
    with torch.inference_mode():
        expected, found = network(normalised.float()), again.network()(x)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    assert again.description == ticket.description
    assert again.masks.keys() == ticket.masks.keys() != set()
    assert all(torch.equal(again.masks[name], mask) for name, mask in ticket.masks.items())


def test_equal_tickets_are_equal_bytes_and_others_can_load_the_weights(tmp_path):
    ticket, network = random_ticket()
    written(tmp_path / "a.safetensors", ticket)
    written(tmp_path / "b.safetensors", random_ticket()[0])
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    arrays = load_file(tmp_path / "a.safetensors")
    state = {name: torch.from_numpy(value) for name, value in arrays.items() if "/" not in name}
    network.load_state_dict(state)  # strict: the names are the network's own
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_no_random_number_is_drawn_and_networks_share_nothing():
    ticket, _ = random_ticket()
    before = torch.get_rng_state()
    first, second = ticket.network(), ticket.network()
    assert torch.equal(torch.get_rng_state(), before)
    with torch.no_grad():
        next(first.parameters()).fill_(7)
    assert not (next(second.parameters()) == 7).any()
    assert not (ticket.tensors["1.weight"] == 7).any()


@pytest.mark.parametrize("model", ["lenet", "resnet20"])
def test_masks_are_those_of_pytorch_and_hold_while_training(model):
    shape = (1, 8, 8)
    ticket, plain = random_ticket(model, shape)
    network, x = ticket.network(masked=True), pictures(shape)
    assert {name for name, _ in ticket.network().named_parameters()} == {
        f"body.{name}" for name, _ in plain.named_parameters()
    }
    assert torch.equal(network(x), ticket.network()(x))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    before = {name: value.clone() for name, value in network.named_parameters()}
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), torch.arange(9) % 4).backward()
        optimizer.step()
    parameters, buffers = dict(network.named_parameters()), dict(network.named_buffers())
    network(x)
    for name, mask in ticket.masks.items():
        path, _, _ = name.rpartition(".")
        module = network.body.get_submodule(path)
        assert torch.equal(buffers[f"body.{name}_mask"].bool(), mask)
        assert (module.weight[~mask] == 0).all()
        if mask.any():
            assert not torch.equal(parameters[f"body.{name}_orig"], before[f"body.{name}_orig"])


def reached(weights):
    """Units (pixels first, outputs last) on a path of weights from a pixel to an output, by 0/1 matrices."""
    there = [(weight != 0).astype(int) for weight in weights]
    from_pixels, to_outputs = [np.ones(there[0].shape[1], bool)], [np.ones(there[-1].shape[0], bool)]
    for one in there:
        from_pixels.append(one @ from_pixels[-1] > 0)
    for one in reversed(there):
        to_outputs.insert(0, to_outputs[0] @ one > 0)
    return [a & b for a, b in zip(from_pixels, to_outputs, strict=True)]


@settings(max_examples=60, deadline=None)
@given(
    widths=some.lists(some.integers(1, 9), min_size=3, max_size=5),
    kept=some.lists(some.sampled_from([0.0, 0.05, 0.2, 0.5, 1.0]), min_size=4, max_size=4),
    seed=some.integers(0, 1 << 30),
)
def test_compact_layers_keep_what_matters_and_the_outputs(widths, kept, seed):
    rng = np.random.default_rng(seed)
    layers = list(zip(widths, widths[1:], kept, strict=False))
    weights = [rng.normal(size=(o, i)) * (rng.random((o, i)) < share) for i, o, share in layers]
    biases = [rng.normal(size=o) for _, o, _ in layers]
    scale, offset = rng.uniform(0.1, 2, widths[0]), rng.normal(size=widths[0])
    x = rng.integers(-60, 256, size=(widths[0], 7)).astype(float)
    expected = x * scale[:, None] - offset[:, None]
    for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        expected = weight @ (expected.clip(min=0) if i else expected) + bias[:, None]
    left = compact.fold(weights, biases, scale, offset)
    on_path = reached(weights)
    assert left.pixels.tolist() == on_path[0].nonzero()[0].tolist()
    sizes = [int(units.sum()) for units in on_path[:-1]]
    assert [weight.shape[1] for weight in left.weights] == sizes
    assert len(left.biases[-1]) == widths[-1]
    as_tensors = [
        (torch.from_numpy(weight.astype(np.float32)), torch.from_numpy(bias.astype(np.float32)))
        for weight, bias in zip(left.weights, left.biases, strict=True)
    ]
    scale_of = np.abs(expected).max() + np.abs(x).max()
    for sparse in (True, False):
        network = compact.CompactNetwork((1, 1, widths[0]), torch.from_numpy(left.pixels), as_tensors, sparse=sparse)
        found = network(torch.from_numpy(x.T[:, None, None])).detach().numpy().T
        assert np.abs(found - expected).max() <= 2e-5 * scale_of
        assert network.flops == sum(
            2 * (int((w != 0).sum()) if sparse and compact.pays(w) else w.numel()) for w, _ in as_tensors
        )


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.3, 1.0])
def test_a_compact_ticket_is_smaller_and_says_the_same(kept, tmp_path):
    ticket, _ = random_ticket(shape=(3, 8, 8), width=0.2, kept=kept)
    small = written(tmp_path / "c.safetensors", ticket.compact())
    whole, x = ticket.network(), pictures((3, 8, 8), count=50)
    with torch.inference_mode():
        expected, found = whole(x), small.network()(x)
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))
    for x in (pictures((3, 8, 8), 1), pictures((3, 8, 8), 0), pictures((3, 8, 8)).double().transpose(2, 3)):
        assert torch.allclose(small.network()(x), whole(x), rtol=1e-4, atol=1e-4)
    assert small.compact() is small
    assert small.classes == CLASSES
    if kept < 1:
        assert len(file.content(small)) < len(file.content(ticket)) / 2
    kinds = {type(layer) for layer in small.network().layers}
    # 0.3 is above the share up to which a layer is sparse; without a weight there is nothing to sum.
    assert (compact.SparseLayer in kinds) == (kept == 0.02)
    assert compact.DenseLayer in kinds
    with pytest.raises(UserError, match=r"^masked=True: a compact ticket has no masks"):
        small.network(masked=True)


def test_a_network_of_constants_is_its_last_bias():
    """All weights gone but the last layer's, which is not pruned: no pixel is read."""
    ticket, _ = random_ticket(kept=0.0)
    small = ticket.compact()
    assert small.description.compact.pixels == 0
    out = small.network()(pictures())
    assert out.shape == (9, 4)
    assert torch.equal(out, out[:1].expand(9, 4))


def test_other_models_cannot_be_compact():
    with pytest.raises(UserError, match=r"^model.name='conv2': cannot be made compact") as found:
        random_ticket("conv2", (1, 8, 8))[0].compact()
    assert "\n" not in str(found.value)


def test_samples_of_another_shape_are_refused():
    ticket, _ = random_ticket()
    for one in (ticket, ticket.compact()):
        with pytest.raises(ValueError, match=r"samples are \(2, 1, 5, 4\), must be \[B, 1, 4, 4\]"):
            one.network()(torch.zeros(2, 1, 5, 4))
