"""Files that are no tickets, or not whole ones: each is one line that names it. And pictures for one that is."""

import json
import pickle
import shutil
import tracemalloc
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from tickets_by_hand import predicted, random_ticket, refused

from prunelab import tickets
from prunelab.errors import UserError
from prunelab.tickets import file, seal


@pytest.fixture
def stored(tmp_path):
    """A ticket's file, and its arrays and description to change."""
    path = tmp_path / "t.safetensors"
    file.write(path, random_ticket()[0])
    return path, *opened(path)


def opened(path):
    """The arrays and the description of a ticket's file."""
    with safe_open(path, framework="numpy") as found:
        return load_file(path), json.loads(found.metadata()["prunelab"])


def saved(path, arrays, description):
    """Anything as a ticket's file, sealed anew."""
    if not isinstance(description, str):
        description = json.dumps(description | {"seal": seal.of(description, arrays)})
    save_file(arrays, path, {"prunelab": description})


def not_read(path):
    with pytest.raises(UserError) as found:
        tickets.read(path)
    line = str(found.value)
    assert line.startswith(str(path))
    assert "\n" not in line
    return line.removeprefix(f"{path}: ").removeprefix(str(path))


TENSORS = {
    "no tensor 3.weight": lambda a: a.pop("3.weight"),
    "has a tensor odd": lambda a: a.update(odd=np.zeros(3)),
    "1.weight is float32 (15, 15), must be float32 (15, 16)": lambda a: a.update(
        {"1.weight": a["1.weight"][:, 1:].copy()}
    ),
    "1.weight is float64": lambda a: a.update({"1.weight": a["1.weight"].astype(float)}),
    "1.bias holds NaN": lambda a: a["1.bias"].fill(np.nan),
    "1.weight/mask: is uint8 (3,)": lambda a: a.update({"1.weight/mask": np.zeros(3, np.uint8)}),
    "says that it is pruned": lambda a: a["1.weight"].fill(1),
    "weights survive, and": lambda a: a.pop("1.weight/mask"),
    "has a tensor 1.bias/mask, but 1.bias is no weight that is pruned": lambda a: a.update(
        {"1.bias/mask": np.full(2, 255, np.uint8)}
    ),
    "has a tensor 5.weight/mask, but 5.weight is no weight": lambda a: a.update(
        {"5.weight/mask": np.full(3, 255, np.uint8)}
    ),
    "has a tensor /mask, which": lambda a: a.update({"/mask": np.zeros(3, np.uint8)}),
}


@pytest.mark.parametrize("line", TENSORS)
def test_tensors_that_are_not_the_networks(line, stored):
    path, arrays, description = stored
    TENSORS[line](arrays)
    saved(path, arrays, description)
    assert line in not_read(path)


DESCRIBED = {
    "is a ticket of version 2, this prunelab reads version 1": {"version": 2},
    "does not say that it is a prunelab ticket": {"format": "pt"},
    "model.name='../x': must be one of": {"model": {"name": "../x", "width": 1.0}},
    "model.width": {"model": {"name": "lenet", "width": 1e9}},
    "at most": {"sample_shape": [1, 1 << 20, 1 << 20]},
    "a mean and a std for each of 1 channels": {"normalisation": {"mean": [], "std": [], "max_value": 1}},
    "classes must have different names": {"classes": ["a", "a"]},
    "normalisation.std.0": {"normalisation": {"mean": [0.0], "std": [0.0], "max_value": 1}},
    "surprise": {"surprise": 1},
    "which its network has not": {"compact": {"pixels": 1, "hidden": [1, 1]}},
    "compact.pixels=17: must be at most 16": {"compact": {"pixels": 17, "hidden": [1, 1]}},
    "compact.hidden=[16, 1]: must be at most [15, 5]": {"compact": {"pixels": 1, "hidden": [16, 1]}},
    "compact.hidden=[1]: must be at most [15, 5]": {"compact": {"pixels": 1, "hidden": [1]}},
    "model.name='conv2': cannot be made compact": {
        "model": {"name": "conv2", "width": 1.0},
        "compact": {"pixels": 1, "hidden": [1, 1]},
    },
    "says that 1 weights can be pruned, and ": {"prunable": 1},
    "weights survive, and 0.25 are pruned": {"sparsity": 0.25},
    "must be float32 (30000, 16)": {"model": {"name": "lenet", "width": 100.0}},
}


@pytest.mark.parametrize("line", DESCRIBED)
def test_descriptions_that_are_none(line, stored):
    path, arrays, description = stored
    saved(path, arrays, description | DESCRIBED[line])
    assert line in not_read(path)


def test_files_that_are_no_tickets(stored, tmp_path):
    path, arrays, description = stored
    assert not_read(tmp_path / "nope") == "not found, must be one that `prunelab export` wrote"
    assert not_read(tmp_path).startswith("is a folder")
    content = path.read_bytes()
    for length in (0, 7, 100, len(content) - 1):
        path.write_bytes(content[:length])
        assert ("damaged" if length > 8 else "is no ticket, must be one that") in not_read(path)
    for other in (pickle.dumps({"1.weight": 1}), b"some text, and more of it"):
        path.write_bytes(other)
        assert not_read(path) == "is no ticket, must be one that `prunelab export` wrote"
    save_file(arrays, path)
    assert not_read(path).startswith("is a safetensors file, but no ticket")
    for text in ("[]", "7", '"x"', "{}"):
        saved(path, arrays, text)
        assert "does not say that it is" in not_read(path)
    saved(path, arrays, "{nope")
    assert "damaged" in not_read(path)
    for name in description:
        if name not in ("format", "version", "compact", "seal"):
            saved(path, arrays, {key: value for key, value in description.items() if key != name})
            assert name in not_read(path)


def test_a_compact_file_whose_pixels_are_none_of_the_samples(tmp_path):
    path, ticket = tmp_path / "t.safetensors", random_ticket(kept=1.0)[0].compact()
    for odd in (-1, 16):
        tensors = dict(ticket.tensors) | {"pixels": ticket.tensors["pixels"].clone()}
        tensors["pixels"][0] = odd
        file.write(path, replace(ticket, tensors=tensors))
        assert "pixels are not all of a sample's 16" in not_read(path)


def test_masks_of_no_weights_are_one_line(tmp_path):
    path = tmp_path / "t.safetensors"
    for ticket, names in (
        (random_ticket()[0].compact(), ("pixels", "0.bias")),
        (random_ticket("conv_bn", (1, 8, 8))[0], ("1.running_mean", "1.num_batches_tracked", "1.weight")),
    ):
        file.write(path, ticket)
        arrays, description = opened(path)
        for name in names:
            count = (arrays[name].size + 7) // 8
            saved(path, arrays | {f"{name}/mask": np.full(count, 255, np.uint8)}, description)
            assert f"has a tensor {name}/mask, but {name} is no weight that is pruned" in not_read(path)


def test_a_compact_files_survivors_are_held_against_masks_and_the_network(tmp_path):
    path = tmp_path / "t.safetensors"
    file.write(path, random_ticket(kept=0.5)[0].compact())
    arrays, description = opened(path)
    saved(path, arrays | {"0.weight": arrays["0.weight"][1:]}, description)
    assert "0.weight has " in not_read(path)
    saved(path, arrays | {"0.weight": np.zeros(999, np.float32)}, description)
    assert "0.weight is float32 (999,), must be float32 (N,), N at most " in not_read(path)
    saved(path, {name: value for name, value in arrays.items() if name != "0.weight/mask"}, description)
    assert "has no tensor 0.weight/mask" in not_read(path)
    few = {"survivors": 3, "sparsity": 1 - 3 / description["prunable"]}
    saved(path, arrays, description | few)
    assert "says that 3 weights survive, and " in not_read(path)


def test_a_small_file_does_not_take_much_memory(tmp_path):
    """A compact one, all pruned, of far larger layers than its model has: refused before a bit is unpacked."""
    path, hidden = tmp_path / "t.safetensors", [40000, 5000]
    widths = [16, *hidden, 4]
    arrays = {"pixels": np.arange(16, dtype=np.int32)}
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        arrays[f"{i}.weight/mask"] = np.zeros((inputs * outputs + 7) // 8, np.uint8)
        arrays |= {f"{i}.weight": np.zeros(0, np.float32), f"{i}.bias": np.zeros(outputs, np.float32)}
    description = json.loads(random_ticket()[0].description.model_dump_json())
    saved(path, arrays, description | {"compact": {"pixels": 16, "hidden": hidden}})
    tracemalloc.start()  # NumPy's memory too
    try:
        assert "compact.hidden=[40000, 5000]: must be at most [15, 5]" in not_read(path)
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compact", [False, True])
def test_a_flipped_bit_anywhere_is_noticed(compact, tmp_path):
    path, ticket = tmp_path / "t.safetensors", random_ticket("lenet" if compact else "conv_bn", (1, 8, 8))[0]
    file.write(path, ticket.compact() if compact else ticket)
    content = path.read_bytes()
    arrays, start = opened(path)[0], 8 + int.from_bytes(content[:8], "little")
    rng = np.random.default_rng(0)
    for at in [*rng.integers(start, len(content), 60), *rng.integers(8, start, 60)]:
        if content[at : at + 1] != b" ":  # at the header's end there may be some
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            not_read(path)
    for name in arrays:
        if arrays[name].dtype == np.float32 and arrays[name].size:
            odd = {key: value.copy() for key, value in arrays.items()}
            odd[name].view(np.uint8)[..., 0] ^= 1  # the last bits of the fractions
            path.write_bytes(content)
            description = json.dumps(opened(path)[1])
            save_file(odd, path, {"prunelab": description})
            assert "damaged" in not_read(path)
    path.write_bytes(content)
    description = opened(path)[1]
    save_file(arrays, path, {"prunelab": json.dumps(description | {"written_by": "another"})})
    assert not_read(path) == "damaged, is not as it was written (its SHA-256 is another)"
    save_file(arrays, path, {"prunelab": json.dumps({k: v for k, v in description.items() if k != "seal"})})
    assert not_read(path).startswith("damaged, is not as it was written")


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "t.safetensors"
    path.write_bytes(b"before")
    monkeypatch.setattr(file, "content", lambda ticket: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        file.write(path, random_ticket()[0])
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"before"]


def test_predictions_of_pictures_with_labels_by_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ticket, _ = random_ticket(shape=(3, 6, 5), kept=0.8)
    described = json.loads(ticket.description.model_dump_json())
    described["normalisation"]["max_value"] = 255
    ticket = tickets.Ticket(type(ticket.description).model_validate(described), ticket.tensors, ticket.masks)
    file.write(tmp_path / "t.safetensors", ticket)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
    for i, name in enumerate(("zero/2.png", "zero/10.png", "=one/a.png", "ü/b.png")):
        (tmp_path / "mine/test" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[i]).save(tmp_path / "mine/test" / name)
    rows, _ = predicted(capsys, "t.safetensors", "mine")
    order = {"test/zero/2.png": 0, "test/zero/10.png": 1, "test/=one/a.png": 2, "test/ü/b.png": 3}
    assert {row["file"] for row in rows} == {*order}
    assert [row["file"] for row in rows if "zero" in row["file"]] == ["test/zero/2.png", "test/zero/10.png"]
    with torch.inference_mode():
        expected = ticket.network()(torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())).softmax(dim=1)
    for row in rows:
        p = expected[order[row["file"]]]
        assert float(row["p_zwei, drei"]) == pytest.approx(float(p[2]), rel=1e-5)
        assert row["predicted"] == ticket.classes[int(p.argmax())]
        assert row["label"] == row["file"].split("/")[1]
    shutil.move("mine/test/ü", "mine/test/other")  # no class: folders are no labels then
    assert "label" not in predicted(capsys, "t.safetensors", "mine")[0][0]
    Image.fromarray(pixels[0][:5]).save("mine/test/zero/odd.png")
    assert "odd.png: is 5x5, must be 5x6" in refused("predict", "t.safetensors", "mine")
    (tmp_path / "small").mkdir()
    Image.fromarray(pixels[0][:5]).save("small/odd.png")
    line = refused("predict", "t.safetensors", "small")
    assert line == "small/odd.png: is 5x5 in colour, the ticket needs 5x6 in colour, pixels 0..255"
