"""Trains the network on a GPU, from the first step to what ships, in minutes.

    python train_gpu.py WORK --teachers DIR --minutes 7

First (`--near`, a share of the time) it learns to be near the photo and what RealESRGAN_x4plus makes of the small one,
with a rate that falls to nothing: WORK/near.bin. Then an adversary makes it crisp: WORK/crisp.bin, and crisp-1 … on the
way. The two are one network at two places, so anything between them is one as well (mix.py).
DIR holds realesrgan-x4plus's ncnn weights, which `darkroom models pull` fetches. WORK/log-gpu.csv has a line every 50 steps.
"""

import argparse
import csv
import math
import sys
import time
from pathlib import Path

import torch

from adversary import Adversary, likeness, verdict_loss
from export import read_back, weights
from losses import add_weights, sharpened, weighed
from network import FastNetwork
from pool import Makers, Pool

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "reference"))
from make_vectors import NETWORKS, load  # noqa: E402

KEEP = 0.999  # of the running mean of the weights, which is what is judged and shipped
COLUMNS = ("charbonnier", "frequency", "gradient", "weave", "edges", "fooled", "likeness", "adversary")


def main(options: argparse.Namespace) -> None:
    begun = time.monotonic()
    torch.manual_seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    work = options.work.expanduser()
    makers = Makers(work / "train", options.side, options.processes, options.seed)
    try:
        pool = Pool(makers, teacher(options.teachers.expanduser(), device), options.room, device, options.seed)
        while pool.filled < options.first:
            pool.add(wait=True)
        print(f"{pool.filled} pairs after {time.monotonic() - begun:.0f} s", flush=True)
        Training(work, pool, device, options, begun).run()
    finally:
        makers.close()


def teacher(folder: Path, device: str):
    """Floats [B, 3, H, W] → [B, 3, 4H, 4W], in half precision on a GPU, a few at a time for the memory's sake."""
    kind = torch.float16 if device == "cuda" else torch.float32
    file = next(folder.glob("*x4plus*.bin"))
    network = load(NETWORKS["realesrgan-x4plus"](), file.read_bytes())
    network = network.to(device, kind, memory_format=torch.channels_last)

    @torch.no_grad()
    def answer(small: torch.Tensor) -> torch.Tensor:
        parts = small.to(kind, memory_format=torch.channels_last).split(32)
        return torch.cat([network(part).clamp(0, 1).float() for part in parts])

    return answer


class Training:
    def __init__(self, work: Path, pool: Pool, device: str, options: argparse.Namespace, begun: float):
        self.work, self.pool, self.device, self.options, self.begun = work, pool, device, options, begun
        network = read_back(options.start) if options.start else FastNetwork()
        self.network = network.to(device, memory_format=torch.channels_last)
        self.mean = torch.optim.swa_utils.AveragedModel(
            self.network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(KEEP)
        )
        self.adversary = Adversary().to(device, memory_format=torch.channels_last)
        self.sums, self.step = torch.zeros(len(COLUMNS), device=device), 0

    def seconds(self) -> float:
        return time.monotonic() - self.begun

    def run(self) -> None:
        total = self.options.minutes * 60
        turn = self.seconds() + (total - self.seconds()) * self.options.near
        self.phase(turn, self.options.rate, crisp=False)
        self.keep("near")
        if self.options.near < 1:
            self.phase(total, self.options.rate * 0.2, crisp=True)
            self.keep("crisp")

    def phase(self, until: float, top: float, crisp: bool) -> None:
        """Steps until `until` seconds, the rate rising over 200 steps to `top` and falling as half a cosine to nothing."""
        optimizer = torch.optim.Adam(self.network.parameters(), lr=top, betas=(0.9, 0.99))
        against = torch.optim.Adam(self.adversary.parameters(), lr=2e-4, betas=(0.9, 0.99))
        start, first, kept = self.seconds(), self.step, 0
        while (now := self.seconds()) < until:
            done = (now - start) / (until - start)
            rate = top * min(1, (self.step - first + 1) / 200) * 0.5 * (1 + math.cos(math.pi * done))
            for group in optimizer.param_groups:
                group["lr"] = rate
            if self.step % self.options.refresh == 0:
                self.pool.add()
            self.learn(optimizer, against if crisp else None)
            self.mean.update_parameters(self.network)
            self.step += 1
            if self.step % 50 == 0:
                self.report(rate)
            if crisp and int(done * 4) > kept:
                kept += 1
                self.keep(f"crisp-{kept}")

    def learn(self, optimizer: torch.optim.Optimizer, against: torch.optim.Optimizer | None) -> None:
        options = self.options
        small, photo, taught = self.pool.draw(options.batch if against is None else options.batch // 2)
        real = sharpened(photo, options.sharpen)
        share = (torch.rand((len(small), 1, 1, 1), device=self.device) < options.taught) * options.share
        wanted = real + share * (taught - real)
        with torch.autocast(self.device, torch.bfloat16, enabled=options.short):
            made = self.network(small)
        near, loss = weighed(made, wanted, options)
        parts = list(near)
        if against is not None:
            fooled, alike, verdict = self.contest(made, real, against)
            loss = loss + options.adversary * fooled + options.likeness * alike
            parts += [fooled, alike, verdict]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 0.5)
        optimizer.step()
        self.sums[: len(parts)] += torch.stack([part.detach() for part in parts])

    def contest(self, made: torch.Tensor, real: torch.Tensor, against: torch.optim.Optimizer) -> list[torch.Tensor]:
        """One step of the adversary, on a part of every picture; then what it makes of the network's."""
        side = made.shape[-1] // 2
        y, x = (int(torch.randint(side + 1, (1,))) for _ in range(2))
        made, real = (part[..., y : y + side, x : x + side] for part in (made, real))
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
            verdict = verdict_loss(self.adversary(real)[1], True) + verdict_loss(self.adversary(made.detach())[1], False)
        against.zero_grad(set_to_none=True)
        verdict.backward()
        against.step()
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
            with torch.no_grad():
                wanted, _ = self.adversary(real)
            features, judged = self.adversary(made)
            return [verdict_loss(judged, True), likeness(features, wanted), verdict]

    def keep(self, name: str) -> None:
        network = FastNetwork()
        network.load_state_dict({key: value.cpu() for key, value in self.mean.module.state_dict().items()})
        (self.work / f"{name}.bin").write_bytes(weights(network))
        print(f"{name}: step {self.step}, {self.seconds():.0f} s", flush=True)

    def report(self, rate: float) -> None:
        log = self.work / "log-gpu.csv"
        fresh = not log.exists()
        means = (self.sums / 50).tolist()
        self.sums.zero_()
        with log.open("a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(["step", "seconds", "rate", "pairs", *COLUMNS])
            row = [self.step, f"{self.seconds():.1f}", f"{rate:.2e}", self.pool.filled, *(f"{value:.5f}" for value in means)]
            writer.writerow(row)
        if self.step % 500 == 0:
            print(*row, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--teachers", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=7, help="of everything, the first pairs included")
    parser.add_argument("--near", type=float, default=0.6, help="share of the time before the adversary comes")
    parser.add_argument("--start", type=Path, help="weights to begin with")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=64, help="half as many beside the adversary")
    parser.add_argument("--side", type=int, default=64, help="of a small photo; a multiple of 8")
    parser.add_argument("--room", type=int, default=40960, help="pairs kept on the device, 0.4 MB each at 64")
    parser.add_argument("--first", type=int, default=8192, help="pairs to wait for")
    parser.add_argument("--refresh", type=int, default=8, help="steps between looks for new pairs")
    parser.add_argument("--processes", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    add_weights(parser)
    parser.add_argument("--sharpen", type=float, default=0.5)
    parser.add_argument("--taught", type=float, default=0.5, help="share of the pairs that follow the teacher")
    parser.add_argument("--share", type=float, default=0.7, help="of the teacher in the target of such a pair")
    parser.add_argument("--adversary", type=float, default=0.05)
    parser.add_argument("--likeness", type=float, default=0.1)
    parser.add_argument("--short", action="store_true", help="bfloat16; else tf32 on a GPU")
    return parser.parse_args()


if __name__ == "__main__":
    main(arguments())
