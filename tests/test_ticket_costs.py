"""What tickets cost, against counts by hand; and as ONNX models, against PyTorch."""

import json
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.text import Text
from tickets_by_hand import CLASSES, pictures, random_ticket
from torch import nn

from prunelab.comparison import speed as of_runs
from prunelab.errors import UserError
from prunelab.tickets import onnx_file, speed


def test_operations_of_a_dense_network_by_hand():
    ticket, _ = random_ticket(width=1.0)
    assert speed.flops(ticket.network(), (1, 4, 4)) == 2 * (16 * 300 + 300 * 100 + 100 * 4)
    # conv2 at this width: 3 channels twice, 13 units twice.
    pixels, maps, units = 8 * 8, 3, 13
    by_hand = 2 * (pixels * 9 * (1 * maps + maps * maps) + maps * 16 * units + units * units + units * 4)
    assert speed.flops(random_ticket("conv2", (1, 8, 8))[0].network(), (1, 8, 8)) == by_hand


def test_times_are_medians_taken_in_turn_on_one_thread():
    calls = []

    class Noted(nn.Module):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def forward(self, x):
            calls.append((self.name, len(x), torch.get_num_threads()))

    torch.set_num_threads(2)
    try:
        found = speed.milliseconds([Noted("a"), Noted("b")], torch.zeros(10, 1, 1, 1), batch=10)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert calls == [("a", 10, 1), ("b", 10, 1)] * (speed.REPEATS + 1 + 2)  # of which three do not count
    assert all(0 < one < 100 for one in found)
    assert speed.thousand(np.arange(7)).tolist() == [i % 7 for i in range(1000)]


@pytest.mark.parametrize(
    ("model", "kept", "small"), [("lenet", 0.1, True), ("lenet", 0.0, True), ("conv_bn", 0.3, False)]
)
def test_onnx_says_the_same_for_any_number_of_samples(model, kept, small, tmp_path):
    import onnx

    ticket, _ = random_ticket(model, (1, 8, 8), kept=kept)
    ticket = ticket.compact() if small else ticket
    x = pictures((1, 8, 8), count=300)
    assert onnx_file.write(tmp_path / "t.onnx", ticket, x.numpy()) <= onnx_file.AGREE_TO
    with torch.inference_mode():
        expected = ticket.network()(x).numpy()
    for count in (1, 7, 300):
        found = onnx_file.run(tmp_path / "t.onnx", x[:count].float().numpy())
        assert np.abs(found - expected[:count]).max() <= 1e-5 * np.abs(expected).max()
    model = onnx.load(tmp_path / "t.onnx")
    onnx.checker.check_model(model)
    metadata = {one.key: one.value for one in model.metadata_props}
    assert json.loads(metadata["classes"]) == CLASSES
    assert json.loads(metadata["prunelab"])["source"]["round"] == "r05"
    assert [path.name for path in tmp_path.iterdir()] == ["t.onnx"]


def test_a_slow_network_is_measured_on_fewer_samples(monkeypatch):
    class Slow(nn.Module):
        def forward(self, x):
            time.sleep(1e-4 * len(x))

    monkeypatch.setattr(speed, "SECONDS", 0.1)
    before = time.perf_counter()
    (found,) = speed.milliseconds([Slow()], torch.zeros(100_000, 1))
    assert 10_000 <= found < 100_000  # in proportion to all
    assert time.perf_counter() - before < 5


def test_an_onnx_model_that_disagrees_is_not_kept(tmp_path, monkeypatch):
    ticket, _ = random_ticket()
    monkeypatch.setattr(onnx_file, "run", lambda path, pixels: np.zeros((len(pixels), 4), np.float32))
    with pytest.raises(UserError, match=r"not written, ONNX Runtime's outputs differ by 1 of the largest"):
        onnx_file.write(tmp_path / "t.onnx", ticket, pictures().numpy())
    assert not list(tmp_path.iterdir())


def test_without_its_packages_onnx_is_one_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    with pytest.raises(UserError, match=r"uv sync --extra onnx$"):
        onnx_file.check_installed()


def test_rounds_of_a_model_that_cannot_be_compact_cost_what_the_dense_one_costs(monkeypatch):
    """And table and figure say so."""
    rounds = {f"r{i:02d}": random_ticket("conv_bn", (1, 8, 8), kept=kept)[0] for i, kept in enumerate((1.0, 0.5, 0.0))}

    class Stored:
        data = SimpleNamespace(x_test=pictures((1, 8, 8), count=5).numpy())

        def ticket(self, key):
            return rounds[key]

        def raw(self, x):
            return x

    monkeypatch.setattr(of_runs.speed, "SECONDS", 0.05)
    rows = of_runs.measure(Stored(), [*rounds])
    assert [row["sparsity"] for row in rows] == pytest.approx([0, 0.5, 1], abs=0.1)
    assert {row["compact"] for row in rows} == {0}
    assert {row["flops_ratio"] for row in rows} == {1.0}
    assert all(0.98 < row["bytes_ratio"] < 1.02 for row in rows)
    assert [line.split()[0] for line in of_runs.text(rows).splitlines()[1:]] == ["dense", "r05", "r05", "r05"]
    figure = of_runs.draw(rows, "conv_bn on digits", "a machine")
    said = " ".join(text.get_text() for text in figure.findobj(Text)).replace("\n", " ")
    assert "cannot be made compact" in said
    assert "whole network, pruned weights zero" in said
    lines = [line for axes in figure.axes for line in axes.get_lines() if line.get_marker() == "o"]
    assert len(lines) == 3
    assert all(len(line.get_xdata()) == 3 for line in lines)  # also where nothing is left
