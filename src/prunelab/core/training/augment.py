"""Random flips and shifts, drawn per image and epoch from a seeded generator, done on the device (SDD A.1).

Shapes: N training images, B in a batch, C channels, H x W pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Augment = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Augmentation:
    """A horizontal flip of every other image on average, and a shift by up to so many pixels in each direction."""

    flip: bool
    max_shift: int

    def epoch(self, num_images: int, black_C11: Tensor, generator: torch.Generator) -> Augment:
        """Draw one epoch's flips and shifts.

        Args:
            num_images: N.
            black_C11: what comes in at the border: a pixel of value 0, after normalisation.
            generator: a CPU stream, so that CPU and GPU see the same pictures.

        Returns:
            A function from a batch [B, C, H, W] and its images' positions [B] in the training set to the
            augmented batch.
        """
        device, reach = black_C11.device, self.max_shift
        flip_N = (torch.rand(num_images, generator=generator) < 0.5).to(device)
        offset_2N = torch.randint(0, 2 * reach + 1, (2, num_images), generator=generator).to(device)

        def augment(x: Tensor, index: Tensor) -> Tensor:
            if self.flip:
                x = torch.where(flip_N[index, None, None, None], x.flip(3), x)
            if reach:
                dy, dx = offset_2N[:, index]
                x = shifted(x, dy, dx, reach, black_C11)
            return x

        return augment


def shifted(x_BCHW: Tensor, dy_B: Tensor, dx_B: Tensor, reach: int, black_C11: Tensor) -> Tensor:
    """Cut each image out of its black-bordered self: offset `reach` leaves it, 0 moves it down (right) by `reach`."""
    b, c, h, w = x_BCHW.shape
    bordered = black_C11.expand(b, c, h + 2 * reach, w + 2 * reach).contiguous()
    bordered[:, :, reach : reach + h, reach : reach + w] = x_BCHW
    windows = bordered.unfold(2, h, 1).unfold(3, w, 1)  # [B, C, 2 reach + 1, 2 reach + 1, H, W], a view
    return windows[torch.arange(b, device=x_BCHW.device), :, dy_B, dx_B]


AUGMENTATIONS: dict[str, Augmentation | None] = {
    "none": None,
    "flip": Augmentation(flip=True, max_shift=0),
    "shift": Augmentation(flip=False, max_shift=4),
    "flip_shift": Augmentation(flip=True, max_shift=4),
}
