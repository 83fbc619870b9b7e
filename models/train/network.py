"""The network: plain 3x3 convolutions with ReLU, nearest-neighbour skip, pixel shuffle.

While training every convolution is the sum of three: one of its own, a wide one followed by a 1x1, and the identity.
The sum is taken on the weights, so a step costs one convolution and the network is plain already when it is exported.
"""

import torch
import torch.nn.functional as F
from torch import nn

SCALE = 4
FEATURES = 48
CONVOLUTIONS = 12
WIDE = 128


class FoldedConvolution(nn.Module):
    """A 3x3 convolution whose weights are over-parametrised: `own + narrow * wide + identity`."""

    def __init__(self, inputs: int, outputs: int, identity: bool):
        super().__init__()
        self.own = nn.Parameter(torch.zeros(outputs, inputs, 3, 3))
        self.wide = nn.Parameter(torch.empty(WIDE, inputs, 3, 3))
        self.narrow = nn.Parameter(torch.empty(outputs, WIDE))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.normal_(self.wide, std=(2 / (9 * inputs)) ** 0.5)
        nn.init.normal_(self.narrow, std=0.5 * WIDE**-0.5)
        centre = torch.zeros(outputs, inputs, 3, 3)
        if identity:
            centre[range(outputs), range(inputs), 1, 1] = 1
        self.register_buffer("identity", centre, persistent=False)

    def weight(self) -> torch.Tensor:
        return self.own + torch.einsum("ow,wikl->oikl", self.narrow, self.wide) + self.identity

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, self.weight(), self.bias, padding=1)


class FastNetwork(nn.Module):
    def __init__(self, features: int = FEATURES, convolutions: int = CONVOLUTIONS):
        super().__init__()
        self.first = FoldedConvolution(3, features, identity=False)
        self.body = nn.ModuleList(FoldedConvolution(features, features, True) for _ in range(convolutions - 1))
        self.last = FoldedConvolution(features, 3 * SCALE**2, identity=False)
        self.start_as_bicubic()

    def convolutions(self) -> list[FoldedConvolution]:
        return [self.first, *self.body, self.last]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value = x
        for convolution in self.convolutions()[:-1]:
            value = F.relu(convolution(value))
        return F.pixel_shuffle(self.last(value).float(), SCALE) + F.interpolate(x, scale_factor=SCALE, mode="nearest")

    @torch.no_grad()
    def start_as_bicubic(self) -> None:
        """Twelve channels carry the photo, shifted to its four corners; the last convolution interpolates from them.

        Colours are never negative, so ReLU lets them pass: the network begins as a bicubic enlarger instead of having
        to learn one, which would take the first thousand steps.
        """
        shifts = [(y, x) for y in (-1, 1) for x in (-1, 1)]
        self.first.narrow[:12] = 0
        for index, (y, x) in enumerate(shifts):
            for colour in range(3):
                self.first.own[3 * index + colour, colour, 1 + y, 1 + x] = 1
        for convolution in self.body:
            convolution.narrow[:12] = 0
        self.last.narrow.mul_(0.02)
        for py in range(SCALE):
            for px in range(SCALE):
                self._place_phase(shifts, py, px)

    def _place_phase(self, shifts: list[tuple[int, int]], py: int, px: int) -> None:
        for dy, wy in bicubic_taps((py + 0.5) / SCALE - 0.5):
            for dx, wx in bicubic_taps((px + 0.5) / SCALE - 0.5):
                y = 1 if dy > 0 else -1
                x = 1 if dx > 0 else -1
                channel = 3 * shifts.index((y, x))
                for colour in range(3):
                    row = colour * SCALE**2 + py * SCALE + px
                    self.last.own[row, channel + colour, 1 + dy - y, 1 + dx - x] += wy * wx
        for colour in range(3):  # less the nearest neighbour, which the skip adds; its pixel comes from shift (-1, -1)
            self.last.own[colour * SCALE**2 + py * SCALE + px, colour, 2, 2] -= 1


def bicubic_taps(phase: float, a: float = -0.5) -> list[tuple[int, float]]:
    """Keys' kernel at `phase` pixels from a pixel's centre: (offset, weight) of the four nearest pixels."""

    def kernel(t: float) -> float:
        t = abs(t)
        if t < 1:
            return (a + 2) * t**3 - (a + 3) * t**2 + 1
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0

    return [(d, kernel(phase - d)) for d in range(-2, 3) if kernel(phase - d) != 0]
