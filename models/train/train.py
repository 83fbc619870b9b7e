"""Trains the network. Stops when told to and goes on from its checkpoint.

    python train.py WORK --steps 20000                    at a steady learning rate, for as long as one likes
    python train.py WORK --steps 25000 --decay            then from there falling to nothing, which is what is shipped
    python train.py WORK --minutes 30 --decay             the same for a machine whose pace nobody knows

WORK/checkpoint.pt is written every minute, WORK/log.csv has a line every 50 steps, and WORK/pid says whom to pause.
"""

import argparse
import csv
import os
import time
from pathlib import Path

import torch

from export import read_back
from losses import add_weights, sharpened, weighed
from network import FastNetwork
from patches import ahead, from_photos, from_teacher

KEEP = 0.998  # of the running mean of the weights, which is what is judged and shipped


def main(options: argparse.Namespace) -> None:
    work = options.work.expanduser()
    (work / "pid").write_text(str(os.getpid()))
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    short = device == "cuda" or options.short
    layout = torch.contiguous_format if short and device == "cpu" else torch.channels_last  # the faster one each time
    network = (read_back(options.start) if options.start else FastNetwork()).to(device, memory_format=layout)
    mean = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(KEEP))
    optimizer = torch.optim.Adam(network.parameters(), lr=options.rate, betas=(0.9, 0.99))
    checkpoint = work / "checkpoint.pt"
    step = 0
    if checkpoint.exists():
        stored = torch.load(checkpoint, map_location=device)
        step = stored["step"]
        network.load_state_dict(stored["network"])
        mean.load_state_dict(stored["mean"])
        optimizer.load_state_dict(stored["optimizer"])
    start, begun, saved, sums = step, time.monotonic(), time.monotonic(), torch.zeros(6)
    photos = ahead(from_photos(work / "train", options.side, options.batch, options.seed + step))
    taught = ahead(from_teacher(work / "taught", options.side, options.batch, options.seed + step, options.share))
    done = 0.0
    while done < 1:
        rate = options.rate * min(1, (step + 1) / 200) * (1 - done if options.decay else 1)
        for group in optimizer.param_groups:
            group["lr"] = rate
        from_taught = options.taught > 0 and step % 100 < options.taught * 100
        small, large = (t.to(device, memory_format=layout) for t in next(taught if from_taught else photos))
        wanted = large if from_taught else sharpened(large, options.sharpen)
        with torch.autocast(device, torch.bfloat16, enabled=short):
            made = network(small)
        parts, loss = weighed(made, wanted, options)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.step()
        mean.update_parameters(network)
        step += 1
        minutes = (time.monotonic() - begun) / 60
        done = minutes / options.minutes if options.minutes else (step - start) / max(1, options.steps - start)
        sums += torch.cat([parts.detach(), loss.detach()[None]]).cpu()
        if step % 50 == 0:
            report(work / "log.csv", step, rate, sums / 50)
            sums.zero_()
        if time.monotonic() - saved > 60 or done >= 1:
            states = {"network": network, "mean": mean, "optimizer": optimizer}
            torch.save({"step": step} | {name: part.state_dict() for name, part in states.items()}, work / "new.pt")
            (work / "new.pt").replace(checkpoint)
            saved = time.monotonic()


def report(log: Path, step: int, rate: float, means: torch.Tensor) -> None:
    fresh = not log.exists()
    with log.open("a", newline="") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(["step", "time", "rate", "charbonnier", "frequency", "gradient", "weave", "edges", "loss"])
        writer.writerow([step, int(time.time()), f"{rate:.2e}", *(f"{value:.5f}" for value in means.tolist())])
    print(step, f"{rate:.1e}", " ".join(f"{value:.5f}" for value in means.tolist()), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--steps", type=int, default=20000, help="counted from the first start")
    parser.add_argument("--minutes", type=float, default=0, help="instead of steps")
    parser.add_argument("--decay", action="store_true")
    parser.add_argument("--start", type=Path, help="weights to begin with, where there is no checkpoint yet")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--side", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    add_weights(parser)
    parser.add_argument("--short", action="store_true", help="bfloat16 on a processor: twice as fast where it has it")
    parser.add_argument("--sharpen", type=float, default=0.5)
    parser.add_argument("--taught", type=float, default=0.0, help="share of steps on the teacher's pairs")
    parser.add_argument("--share", type=float, default=0.7, help="of the teacher in the target of such a step")
    return parser.parse_args()


if __name__ == "__main__":
    main(arguments())
