"""Networks: parameter counts as published, any width, any image, what is prunable; and the engine's switches."""

import functools
import hashlib

import numpy as np
import pytest
import torch
from conftest import make_split

from prunelab.core import byname, networks, streams
from prunelab.core.training import evaluate, loop
from prunelab.core.training.engine import Engine
from prunelab.core.training.optimizers import SGD
from prunelab.errors import UserError

# Parameters in all, and weights that are never pruned. torchvision states those of ResNet-50 and -101; He et al. 2016
# round theirs to 0.27, 0.46 and 0.85 million (without the 1x1 shortcuts), Frankle and Carbin 2019 Conv-2's weights to
# 4.3 million; the rest follow from the layer tables.
PUBLISHED = [
    ("lenet", (1, 28, 28), 10, 266_610, 1_000),
    ("conv2", (3, 32, 32), 10, 4_301_642, 2_560),
    ("mlp_bn", (1, 8, 8), 10, 44_682, 2_560),
    ("conv_bn", (1, 8, 8), 10, 34_906, 960),
    ("resnet18", (3, 32, 32), 10, 11_173_962, 0),
    ("vgg11", (3, 32, 32), 10, 9_231_114, 5_120),
    ("vgg16", (3, 32, 32), 10, 14_728_266, 5_120),
    ("resnet20", (3, 32, 32), 10, 269_722 + 2_752, 0),
    ("resnet32", (3, 32, 32), 10, 464_154 + 2_752, 0),
    ("resnet56", (3, 32, 32), 10, 853_018 + 2_752, 0),
    ("resnet50", (3, 224, 224), 1000, 25_557_032, 0),
    ("resnet101", (3, 224, 224), 1000, 44_549_160, 0),
]


def build(name, shape, classes, width=1.0, batchnorm_init="ones"):
    return networks.build(name, shape, classes, width, batchnorm_init, streams.generator(0, "init"))


@pytest.mark.parametrize(("name", "shape", "classes", "parameters", "unpruned"), PUBLISHED)
def test_parameters_are_as_many_as_published(name, shape, classes, parameters, unpruned):
    network = build(name, shape, classes)
    assert sum(p.numel() for p in network.parameters()) == parameters
    tensors = dict(network.named_parameters())
    weights = sum(p.numel() for p in tensors.values() if p.ndim > 1)
    assert weights - sum(tensors[n].numel() for n in networks.prunable(name, network)) == unpruned


def test_every_network_is_in_the_table():
    assert sorted(row[0] for row in PUBLISHED) == byname.names("models")


@pytest.mark.parametrize("name", byname.names("models"))
@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 33, 40), (3, 64, 64)])
def test_any_width_and_image_size(name, shape):
    network = build(name, shape, 7, width=0.1).eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize("name", ["lenet", "resnet20", "resnet18"])
def test_small_images_are_possible(name):
    assert build(name, (1, 8, 8), 10, 0.1).eval()(torch.zeros(1, 1, 8, 8)).shape == (1, 10)


def test_vgg_refuses_images_too_small_for_it():
    with pytest.raises(UserError, match="VGG needs images of at least 32x32 pixels, these are 28x28"):
        build("vgg16", (1, 28, 28), 10)


def test_width_scales_convolutions_and_bottlenecks():
    for name in ("resnet20", "resnet50", "vgg11"):
        one, half = (dict(build(name, (3, 32, 32), 10, width).named_parameters()) for width in (1.0, 0.5))
        for key in networks.prunable(name, build(name, (3, 32, 32), 10)):
            outputs, inputs = one[key].shape[:2]
            expected = outputs // (1 if key == "fc.weight" else 2), inputs if inputs == 3 else inputs // 2
            assert half[key].shape[:2] == expected


def test_large_images_get_torchvisions_stem_and_small_ones_keep_their_resolution():
    assert build("resnet50", (3, 224, 224), 10, 0.1).conv1.stride == (2, 2)
    small = build("resnet50", (3, 64, 64), 10, 0.1)
    assert small.conv1.stride == (1, 1)
    assert small.layer1(small.maxpool(small.conv1(torch.zeros(1, 3, 64, 64)))).shape[-2:] == (64, 64)


def test_convolutions_are_kaiming_normal_and_batch_norm_as_asked():
    network = build("resnet18", (3, 32, 32), 10)
    weight = network.layer3[1].conv1.weight
    assert weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.02)
    assert (network.bn1.weight == 1).all()
    uniform = build("resnet18", (3, 32, 32), 10, batchnorm_init="uniform").layer4[0].bn1.weight
    assert 0 <= uniform.min() < 0.05 < 0.95 < uniform.max() <= 1
    assert (network.bn1.bias == 0).all()
    assert (network.fc.bias == 0).all()


def trained(name, engine, steps=6):
    """Where a small network starts, where a few steps take it, and its loss there."""
    data = make_split()
    network = build(name, data.x_N.sample_shape, 4, 0.25)
    start = networks.state(network)
    learner = engine.learner(network, {})
    plan = loop.Plan([0.01] * steps, 20, order=lambda epoch: streams.generator(0, "order", epoch))
    list(loop.Run(learner, SGD(learner), data.x_N, data.given_N, plan))
    return start, networks.state(network), evaluate.Measure(learner, data)()["train_loss"]


@pytest.mark.parametrize(
    ("name", "engine", "tolerance"),
    [
        ("resnet20", Engine(channels_last=True), 1e-4),
        ("lenet", Engine(bfloat16=True), 0.05),
        ("lenet", Engine(compile=True), 1e-4),
    ],
)
def test_the_engines_switches_change_rounding_only(name, engine, tolerance, monkeypatch):
    """How far apart the weights end after six steps, as a share of how far they moved."""
    # PyTorch's graph capture without its code generator, which takes minutes of C++ compilation.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    start, plain, plain_loss = trained(name, Engine())
    _, state, loss = trained(name, engine)
    assert list(state) == list(plain)
    assert all(v.dtype == plain[n].dtype for n, v in state.items())
    weights = networks.prunable(name, build(name, (1, 4, 4), 4, 0.25))
    apart = sum(((state[n] - plain[n]) ** 2).sum() for n in weights) ** 0.5
    moved = sum(((plain[n] - start[n]) ** 2).sum() for n in weights) ** 0.5
    assert apart / moved < tolerance
    assert loss == pytest.approx(plain_loss, rel=tolerance)


@pytest.mark.parametrize("kind", ["ones", "uniform"])
def test_initialisation_is_kaiming_with_zero_biases(kind):
    network = networks.build("lenet", (1, 28, 28), 10, 1.0, kind, streams.generator(0, "init"))
    assert sum(p.numel() for p in network.parameters()) == 266_610  # LeNet-300-100 on MNIST, as published
    for layer, fan_in in ((network[1], 784), (network[3], 300), (network[5], 100)):
        assert (layer.bias == 0).all()
        assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)
    assert networks.prunable("lenet", network) == ["1.weight", "3.weight"]


def test_width_multiplies_hidden_layers():
    network = networks.build("lenet", (1, 8, 8), 10, 0.5, "ones", streams.generator(0, "init"))
    assert [network[i].out_features for i in (1, 3, 5)] == [150, 50, 10]


def draws(generator):
    return torch.empty(1000, dtype=torch.int32).random_(generator=generator)


def test_streams_are_named_not_counted():
    names = [(0, "x", 1), (0, "x", 2), (0, "y", 1), (1, "x", 1), (0, "x"), (2**32, "x", 1)]
    assert len({tuple(draws(streams.generator(*name)).tolist()) for name in names}) == len(names)
    assert torch.equal(draws(streams.generator(0, "x", 1)), draws(streams.generator(0, "x", 1)))
    numbers = {streams.numpy_generator(*name).integers(2**62) for name in names}
    assert len(numbers) == len(names)


def test_a_stream_is_numpys_mersenne_twister_in_the_state_that_its_name_hashes_to():
    """All 624 words count: manual_seed would keep 32 bits."""
    words = np.frombuffer(hashlib.shake_256(b"7/order/3").digest(2496), dtype="<u4").astype(np.uint32)
    twister = np.random.MT19937()
    twister.state = {"bit_generator": "MT19937", "state": {"key": words, "pos": 624}}
    expected = twister.random_raw(1000) & 0x7FFFFFFF  # int32 takes 31 bits of each word
    assert draws(streams.generator(7, "order", 3)).tolist() == expected.tolist()
