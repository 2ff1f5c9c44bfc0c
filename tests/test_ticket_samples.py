"""A user's own arrays for a ticket: what is predicted, and one line, that names his array, for what does not fit."""

import numpy as np
import pytest
import torch
from PIL import Image
from tickets_by_hand import random_ticket, refused

from prunelab.tickets import file, predict, samples


@pytest.fixture
def ticket(tmp_path, monkeypatch):
    """Of 8 x 8 pixels, 0..16; in the working directory."""
    monkeypatch.chdir(tmp_path)
    file.write(tmp_path / "t.safetensors", random_ticket(shape=(1, 8, 8))[0])
    return tmp_path / "t.safetensors"


def test_what_does_not_fit_the_ticket_is_one_line(ticket, tmp_path):
    needs = "the ticket needs 8x8 in grey, pixels 0..16"
    x = np.zeros((3, 8, 8), np.uint8)
    for arrays, line in (
        ({"x": np.zeros((3, 9, 7), np.uint8)}, f"a.npz: is 7x9 in grey, {needs}"),
        ({"x": np.zeros((3, 8, 8, 3), np.uint8)}, f"a.npz: is 8x8 in colour, {needs}"),
        ({"x": x + np.array([0, 17, 0], np.uint8)[:, None, None]}, f"a.npz: index 1 reaches 17, {needs}"),
        ({"x": x + 0.5}, "a.npz: x is float64 0.5..0.5, the ticket needs whole numbers 0..16"),
        ({"x": x, "y": np.array([1, 2, 77])}, "a.npz: index 0 has the label '1', the ticket has zero, =one"),
        ({"x": x, "y": np.array([1, 2])}, "a.npz: y holds 2 labels, must be 3 as x"),
        ({"z": x}, "a.npz: has none of the arrays x, x_test, test_images; it has z"),
        ({"x": np.array([1, "a", None], object)}, "a.npz: x holds Python objects"),
        ({"x": x[:0]}, "a.npz: x is uint8 (0, 8, 8), must be"),
    ):
        np.savez("a.npz", **arrays)
        assert refused("predict", ticket, "a.npz").startswith(line)
    assert refused("predict", ticket, "nope").startswith("nope: is not there, must be a folder of pictures or an npz")
    assert refused("predict", ticket, ticket).startswith(f"{ticket}: is no npz file")
    (tmp_path / "empty").mkdir()
    assert refused("predict", ticket, "empty").startswith("empty: holds no pictures")
    np.savez("a.npz", x=x)
    assert refused("predict", ticket, "a.npz", "--csv", "no/x.csv") == (
        "--csv no/x.csv: must be a file in a folder that exists"
    )
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.npz")
    for target, read in (
        ("a.npz", "a.npz"),
        (ticket, ticket),
        ("link.csv", "a.npz"),
        (f"../{tmp_path.name}/a.npz", "a.npz"),
    ):
        said = f"--csv {target}: must not be {read}, which is read, nor lie in it"
        assert refused("predict", ticket, "a.npz", "--csv", target) == said
    said = "--csv empty/x.csv: must not be empty, which is read, nor lie in it"
    assert refused("predict", ticket, "empty", "--csv", "empty/x.csv") == said
    assert refused("predict", "a.npz", "a.npz").startswith("a.npz: is no ticket, must be one that")


@pytest.mark.parametrize(
    ("name", "x", "line"),
    [
        ("x", np.full((3, 8, 8), -1.0), "is float64 -1..-1, must be whole numbers 0..255 or fractions 0..1"),
        ("x", np.full((3, 8, 8), 2.5), "is float64 2.5..2.5, must be whole numbers"),
        ("x_test", np.full((3, 8, 8), 300), "is int64 300..300, must be whole numbers"),
        ("test_images", np.full((3, 8, 8), 4095, np.uint16), "is uint16 4095..4095, must be whole numbers"),
        ("x", np.full((3, 8, 8), np.nan), "holds NaN or infinity"),
        ("x", np.zeros((3, 8, 8, 8), np.uint8), "is (3, 8, 8, 8), must be [N, H, W]"),
        ("x", np.zeros((3, 1, 8, 1), np.uint8), "is (3, 1, 8, 1), must be [N, H, W]"),
    ],
)
def test_arrays_are_called_by_the_names_that_they_have(name, x, line, ticket):
    np.savez("a.npz", **{name: x})
    said = refused("predict", ticket, "a.npz")
    assert said.startswith(f"a.npz: {name} {line}")
    assert "x_train" not in said
    assert name == "x_test" or "x_test" not in said


def test_folders_of_which_one_is_no_class_are_named_and_are_no_labels(ticket, tmp_path):
    for name, note in (("=one", ""), ("eno", "folders are not read as labels: 'eno' is no class of the ticket")):
        (tmp_path / "all" / name).mkdir(parents=True)
        Image.new("L", (8, 8), 5).save(tmp_path / "all" / name / "a.png")
        found = samples.read(tmp_path / "all", file.read(ticket), "test")
        assert (found.labels, found.note) == (None if note else ["=one"], note)


def test_an_odd_layout_is_one_line(ticket):
    np.savez("a.npz", x=np.zeros((3, 8, 8, 1), np.uint8), layout="CHWN")
    assert refused("predict", ticket, "a.npz") == "a.npz: x: the entry layout is 'CHWN', must be NHWC or NCHW"


def test_the_class_is_that_of_the_largest_output_though_probabilities_are_equal():
    class Near:
        """Of two outputs the second is the larger; their probabilities are one float32."""

        def network(self):
            return lambda pixels: torch.tensor([[0.0, 1e-9, -9.0]]).expand(len(pixels), 3)

        classes = ("a", "b", "c")

    outputs = Near().network()(torch.zeros(1))
    p_K = outputs.softmax(dim=1)[0]
    assert p_K[0] == p_K[1]
    pixels = np.zeros((300, 1, 1, 1), np.uint8)
    found = predict.rows(Near(), samples.Samples([str(i) for i in range(300)], "index", pixels, None))
    assert len(found) == 300
    assert {row["predicted"] for row in found} == {"b"}
