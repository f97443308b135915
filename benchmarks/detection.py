"""Seconds per step and peak memory of `SSDMobileNetV2` beside other small detectors.

All detectors see the same drawn pictures (random weights, 3 classes, all layers train,
float32, SGD with momentum), each in a process of its own with all cores. The processes
stay alive and are asked in turn, so that what else the machine does hits all alike; the
table has medians over the rounds, the ratios are medians of the ratios of each round.

    train       one step: forward, matching, loss, backward, update
    detect      one batch of pictures to boxes, scores and classes
    network     the same without decoding and non-maximum suppression
    memory      peak resident memory of the process after the training steps

- ours: also with MobileNetV2's batch norms frozen, the default where weights are given.
- torchvision: `ssdlite320_mobilenet_v3_large`, and the same in channels-last memory.
  Where its compiled operations do not load, non-maximum suppression is one in PyTorch:
  compare `network` then.
- KerasHub: `RetinaNetObjectDetector`, with its defaults, and without XLA. Its own
  MobileNets lack the outputs that it asks for: it has Keras's MobileNetV2, as ours.

The share of matching and loss is that of a step with a trivial loss which lacks them,
taken in turn with the others. A library that is not installed is named and left out.

    pip install torch torchvision keras-hub
    python benchmarks/detection.py [--rounds 9] [--only ours torchvision] [--quick]
        [--clock processor]

On a machine that is not idle the clock of the processor says more; it adds up cores.

Measured on 2 CPU cores, batches of 8, 5 rounds; TensorFlow 2.21.0, Keras 3.15.1,
KerasHub 0.32.0, torch 2.13.0, torchvision 0.28.0 (suppression in PyTorch); seconds:

| | train | detect | network | MiB |
| --- | ---: | ---: | ---: | ---: |
| ours | 1.034 | 0.220 | 0.213 | 2,289 |
| ours, frozen norms | 0.569 | 0.202 | 0.198 | 1,769 |
| torchvision | 1.394 | 0.324 | 0.250 | 1,421 |
| torchvision, channels last | 1.045 | 0.239 | 0.177 | 1,439 |
| KerasHub | 4.440 | 7.444 | 1.088 | 2,717 |
| KerasHub, no XLA | 3.898 | 7.065 | 1.083 | 2,622 |

Step by step torchvision in channels-last memory is as fast as ours with all norms
trained, and its network alone is faster (0.83 of our time); ours has 40 % more weights.
Matching and loss: -2.9 % of our step, which is noise; timed alone, with their gradient,
8.5 ms. Decoding and suppression: 4 and 9 % of detect; timed alone, 8.2 ms. Both
together are 1.6 to 2.9 % of a step.
"""

import argparse
import importlib.metadata
import math
import multiprocessing
import os
import resource
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from detection_peers import CLASSES, CORES, PEERS, SIZE, TRIVIAL

BOXES = 5  # in a picture
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
PACKAGES = ("tensorflow", "keras", "keras-hub", "torch", "torchvision")


def drawn(batch_size):
    """Return pictures, 0 to 255, corners of boxes in pixels, and classes."""
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (batch_size, SIZE, SIZE, 3)).astype("float32")
    corners = rng.uniform(0, 0.6, (batch_size, BOXES, 2))
    sides = rng.uniform(0.1, 0.4, (batch_size, BOXES, 2))
    boxes = SIZE * np.concatenate([corners, corners + sides], axis=-1)
    labels = rng.integers(0, CLASSES, (batch_size, BOXES))
    return images, boxes.astype("float32"), labels.astype("int32")


def work(name, batch_size, clock, pipe):
    """Start a detector, then answer what the pipe asks for."""
    try:
        actions, facts = PEERS[name](*drawn(batch_size))
    except Exception as error:  # one peer's fault must not end the run
        return pipe.send(f"{type(error).__name__}: {error}"[:300])
    pipe.send({key: facts.get(key) for key in ("parameters", "anchors")})
    compiled = set()
    while what := pipe.recv():
        if what == "memory":
            pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        elif what not in compiled:
            compiled.add(what)
            pipe.send(seconds(actions.get(what), clock, least=0))
        else:
            pipe.send(seconds(actions.get(what), clock))
    return None


def seconds(action, clock, least=2.0):
    """Return the median over repetitions that take `least` seconds together."""
    times = []
    while action and (not times or sum(times) < least):
        start = CLOCKS[clock]()
        action()
        times.append(CLOCKS[clock]() - start)
    return statistics.median(times) if times else math.nan


def started(names, *settings):
    """Return `{name: pipe}` of those that can be had, and their facts."""
    context = multiprocessing.get_context("spawn")
    pipes, facts = {}, {}
    for name in names:
        pipe, end = context.Pipe()
        arguments = (name, *settings, end)
        context.Process(target=work, args=arguments, daemon=True).start()
        answer = pipe.recv()
        if isinstance(answer, str):
            print(f"{name} is left out. {answer}")
        else:
            pipes[name], facts[name] = pipe, answer
    return pipes, facts


def ask(pipe, what):
    pipe.send(what)
    return pipe.recv()


def contest(pipes, what, rounds):
    """Return `{name: [seconds per round]}`; what compiles it is not among them."""
    runs = {name: [] for name in pipes}
    for turn in range(rounds + 1):
        for name, pipe in pipes.items():
            took = ask(pipe, what)
            if turn:
                runs[name].append(took)
        print(f"{what}, round {turn} of {rounds}", file=sys.stderr, flush=True)
    return runs


def ratio(one, other):
    """Return the median of the ratios of each round."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--quick", action="store_true", help="one round, two pictures")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.batch_size = 1, 2
    found = {d.name.lower(): d.version for d in importlib.metadata.distributions()}
    print(", ".join(f"{name} {found.get(name, 'missing')}" for name in PACKAGES))
    print(f"{CORES} cores, {args.batch_size} pictures of {SIZE} by {SIZE}")
    print(f"seconds of the {args.clock} clock\n")
    pipes, facts = started(args.only, args.batch_size, args.clock)
    trained = contest(pipes, "train", args.rounds)
    memory = {name: ask(pipe, "memory") for name, pipe in pipes.items()}
    without_loss = trained.pop(TRIVIAL, None)
    peers = {name: pipes[name] for name in trained}
    runs = {"train": trained}
    runs |= {what: contest(peers, what, args.rounds) for what in ("detect", "network")}
    for pipe in pipes.values():
        pipe.send(None)
    print_table(runs, facts, memory)
    if "ours" in trained and without_loss:
        share = 1 - ratio(without_loss, trained["ours"])
        print(f"\nmatching and loss, share of our step: {100 * share:.1f} %")
    for name in peers:
        share = 1 - ratio(runs["network"][name], runs["detect"][name])
        print(f"decoding and suppression, share of detect, {name}: {100 * share:.1f} %")


def print_table(runs, facts, memory):
    titles = [column for what in runs for column in (what, "/ ours")]
    print(f"| | parameters | anchors | {' | '.join(titles)} | MiB |")
    print("| --- " + "| ---: " * (len(titles) + 3) + "|")
    for name in runs["train"]:
        cells = [f"{facts[name][key]:,}" for key in ("parameters", "anchors")]
        for times in runs.values():
            cells.append(f"{statistics.median(times[name]):.3f}")
            cells.append(
                f"{ratio(times[name], times['ours']):.2f}" if "ours" in times else ""
            )
        print(f"| {name} | {' | '.join(cells)} | {memory[name]:,.0f} |")


if __name__ == "__main__":
    main()
