"""What the network is asked to minimise."""

import argparse

import torch
import torch.nn.functional as F


def charbonnier(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return ((made - wanted) ** 2 + 1e-6).sqrt().mean()


def frequency(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """L1 between the spectra: a pixel loss alone is content with a blur, whose missing frequencies weigh little."""
    difference = torch.fft.rfft2(made, norm="ortho") - torch.fft.rfft2(wanted, norm="ortho")
    return torch.view_as_real(difference).abs().mean()


def gradient(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """L1 between the differences of neighbouring pixels: edges where they belong, no ringing beside them."""
    return (made.diff(dim=-1) - wanted.diff(dim=-1)).abs().mean() + (made.diff(dim=-2) - wanted.diff(dim=-2)).abs().mean()


def edges(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """One less the similarity of the gradients' magnitudes, at full and half size (Xue et al., 2014).

    It is relative: a lost faint edge, or grain in a sky, weighs as much as a lost strong edge, which no L1 minds.
    """
    total = made.new_zeros(())
    for _ in range(2):
        one, other = steepness(made), steepness(wanted)
        total = total + 1 - ((2 * one * other + 0.0026) / (one**2 + other**2 + 0.0026)).mean()
        made, wanted = F.avg_pool2d(made, 2), F.avg_pool2d(wanted, 2)
    return total


def steepness(picture: torch.Tensor) -> torch.Tensor:
    """Magnitude of the gradient of what eyes call brightness, after Prewitt."""
    grey = (picture * picture.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    line = picture.new_tensor([[1, 0, -1]] * 3) / 3
    slopes = F.conv2d(grey, torch.stack([line, line.T])[:, None])
    return (slopes.square().sum(1) + 1e-6).sqrt()


def weave(made: torch.Tensor, wanted: torch.Tensor, scale: int = 4, window: int = 5) -> torch.Tensor:
    """What the errors at one place within each input pixel have in common nearby: a grid, which eyes find at once.

    Each of the `scale`² places is a channel of its own in the last convolution, and nothing else ties them together.
    """
    places = F.pixel_unshuffle(made - wanted, scale).unflatten(1, (-1, scale**2))
    common = F.avg_pool2d(places.flatten(1, 2), window, stride=2).unflatten(1, (-1, scale**2))
    return (common - common.mean(2, keepdim=True)).abs().mean()


LOSSES = (charbonnier, frequency, gradient, weave, edges)


def add_weights(parser: argparse.ArgumentParser) -> None:
    """The weight of each loss but the first, whose weight is 1."""
    parser.add_argument("--frequency", type=float, default=0.05)
    parser.add_argument("--gradient", type=float, default=0.2)
    parser.add_argument("--weave", type=float, default=1.0)
    parser.add_argument("--edges", type=float, default=0.1)


def weighed(made: torch.Tensor, wanted: torch.Tensor, options: argparse.Namespace) -> tuple[torch.Tensor, torch.Tensor]:
    """Each of LOSSES, and their sum by the weights of `options`."""
    parts = torch.stack([loss(made, wanted) for loss in LOSSES])
    weights = [1, options.frequency, options.gradient, options.weave, options.edges]
    return parts, (parts * parts.new_tensor(weights)).sum()


def sharpened(photo: torch.Tensor, amount: float) -> torch.Tensor:
    """Unsharp mask of radius 2 where it changes more than 10 levels, so that flat areas keep their calm."""
    if amount == 0:
        return photo
    line = torch.exp(-0.5 * (torch.arange(-5, 6, device=photo.device) / 2.0) ** 2)
    kernel = (line / line.sum()).repeat(3, 1, 1)
    padded = F.pad(photo, (5, 5, 5, 5), mode="reflect")
    soft = F.conv2d(F.conv2d(padded, kernel[..., None, :], groups=3), kernel[..., None], groups=3)
    detail = photo - soft
    return (photo + amount * detail * (detail.abs() > 10 / 255)).clamp(0, 1)
