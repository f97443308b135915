"""How well `diagnose` names the faults that are seeded into healthy programs.

Every fault (`doctor_network_faults.py`, `doctor_training_faults.py`,
`doctor_data_faults.py`) changes one part of a healthy program (`doctor_programs.py`).
Both are trained, with two seeds: a pair whose held-out score falls by 0.1 is buggy, one
whose score falls by less than 0.03 is as healthy as the program itself, and those
between are not counted. Some faults are sick whatever the score says, as training rows
among the validation rows: of them only the name counts.

    detected      buggy pairs with an error
    cause         pairs where an error or a warning has one of the fault's names
    top, top3     the first (one of the first three) has
    false alarms  errors on healthy programs and on pairs as healthy

    python benchmarks/doctor.py [--programs ...] [--faults ...] [--seed N]
        [--pairs 4] [--processes 2] [--scores FILE] [--json FILE] [--quick]
        [--trainings 2] [--train-only]

With `--seed 2 --pairs 1 --trainings 1` on 2 CPU cores: 73 of 82 detected, 80 of 87
causes named, 3 errors on 57 healthy ones, 2.4 s in the median (TensorFlow 2.21, Keras
3.15.1). Rules were made on other data (seed 0).

The scores are kept in a file, so that the doctor can be asked again without training:
delete it when a program or a fault has changed.
"""

import argparse
import collections
import hashlib
import itertools
import json
import multiprocessing
import os
import pathlib
import random
import statistics
import tempfile
import time
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import doctor_data_faults as data
import doctor_network_faults as network
import doctor_training_faults as training
import keras
import numpy as np
from doctor_programs import PROGRAMS
from doctor_trainings import program, score

FAULTS = network.FAULTS | training.FAULTS | data.FAULTS
HEALTHY = ""  # the name of no fault
BUGGY, EQUIVALENT = 0.1, 0.03  # fall of the held-out score
ILL = ("buggy", "sick")
QUICK = {
    "programs": ["mlp-ids", "regression"],
    "faults": ["rate times 1000", "hidden linear", "inputs times 255"],
    "pairs": 2,
    "trainings": 1,
}


def broken(name, fault):
    healthy = PROGRAMS[name]
    return FAULTS[fault].change(healthy) if fault else healthy


def train(task):
    """Return the held-out score after training, 0 where training fails."""
    name, fault, seed = task
    keras.backend.clear_session()
    changed = broken(name, fault)
    try:
        model, x, y, fit, test = program(changed, seed)
        model.fit(x, y, verbose=0, **fit)
        return score(changed, model, *test)
    except Exception as error:
        # Labels outside the classes, for one, stop TensorFlow on a processor.
        if not fault:
            raise
        print(f"{name}, {fault}: {type(error).__name__}", flush=True)
        return 0.0


def fingerprint(model):
    digest = hashlib.sha1()
    for variable in [*model.variables, *model.optimizer.variables]:
        digest.update(np.asarray(keras.ops.convert_to_numpy(variable)).tobytes())
    states = random.getstate(), np.random.get_state()
    return digest.hexdigest(), repr(states)


def examine(task):
    """Return what the doctor says, how long it takes, and whether it left a trace."""
    import keras_tricks as kt

    name, fault, seed = task
    keras.backend.clear_session()
    model, x, y, fit, _ = program(broken(name, fault), seed)
    before = fingerprint(model)
    started = time.perf_counter()
    result = {"findings": []}
    try:
        diagnosis = kt.doctor.diagnose(model, x, y, **fit)
        fields = ("name", "severity", "where", "evidence", "tried")
        result["findings"] = [
            [getattr(finding, field) for field in fields]
            for finding in diagnosis.findings
        ]
        result["not judged"] = list(diagnosis.not_judged)
    except Exception:
        result["crash"] = traceback.format_exc(limit=-8)
    result["seconds"] = round(time.perf_counter() - started, 2)
    result["changed"] = before != fingerprint(model)
    return result


def choose(programs, faults, pairs, seed):
    """Return the healthy programs and `pairs` of the programs that suit each fault."""
    chosen = [(name, HEALTHY) for name in programs]
    for fault in faults:
        fitting = [name for name in programs if FAULTS[fault].fits(PROGRAMS[name])]
        order = np.random.default_rng([seed, *fault.encode()]).permutation(len(fitting))
        chosen += [(fitting[index], fault) for index in order[:pairs]]
    return chosen


def trained(pool, chosen, seeds, path):
    """Return `{(program, fault): mean score}`, from the file where it is known."""
    scores = json.loads(path.read_text()) if path.exists() else {}
    needed = {(name, HEALTHY): None for name, _ in chosen} | dict.fromkeys(chosen)
    tasks = [(*pair, s) for s in seeds for pair in needed]
    missing = [task for task in tasks if "|".join(map(str, task)) not in scores]
    started = time.perf_counter()
    for done, (task, reached) in enumerate(
        zip(missing, pool.imap(train, missing), strict=True), 1
    ):
        scores["|".join(map(str, task))] = reached
        path.write_text(json.dumps(scores, indent=0))
        if not done % 20:
            seconds = time.perf_counter() - started
            print(f"trained {done} of {len(missing)}, {seconds:.0f} s", flush=True)
    return {
        pair: statistics.mean(scores["|".join(map(str, (*pair, s)))] for s in seeds)
        for pair in needed
    }


def state(name, fault, scores):
    """Return "buggy", "sick", "healthy" (so is an equivalent) or "between"."""
    if not fault:
        return "healthy"
    fall = scores[name, HEALTHY] - scores[name, fault]
    if fall >= BUGGY:
        return "buggy"
    if FAULTS[fault].certain:
        return "sick"
    return "healthy" if fall < EQUIVALENT else "between"


def named(row, *severities):
    """Return the names of the findings, those of the severities only."""
    wanted = severities or ("error", "warning")
    return [name for name, severity, *_ in row["findings"] if severity in wanted]


def judged(rows):
    """Return the counts of detection and naming over rows with a fault."""
    buggy = [row for row in rows if row["state"] == "buggy"]
    ill = [row for row in rows if row["state"] in ILL]

    def hits(first=None):
        return sum(bool(set(named(row)[:first]) & set(row["labels"])) for row in ill)

    controls = [row for row in rows if row["state"] == "healthy"]
    return {
        "buggy": len(buggy),
        "detected": sum(bool(named(row, "error")) for row in buggy),
        "ill": len(ill),
        "cause": hits(),
        "top": hits(1),
        "top3": hits(3),
        "healthy": len(controls),
        "alarms": sum(bool(named(row, "error")) for row in controls),
    }


def print_table(title, lines):
    """Print dictionaries of equal keys as a Markdown table."""
    lines = list(lines.items())
    print(f"\n| {' | '.join([title, *lines[0][1]])} |" if lines else f"\n{title}: none")
    if lines:
        print("| --- " * (len(lines[0][1]) + 1) + "|")
    for name, cells in lines:
        print(f"| {' | '.join(str(cell) for cell in (name, *cells.values()))} |")


def by_rule(rows):
    """Return per rule how often it is right, and where it is wrong."""
    counts = collections.defaultdict(collections.Counter)
    for row in rows:
        for name, severity, *_ in row["findings"]:
            ill = row["state"] in ILL
            if ill and severity != "note":
                counts[name]["right" if name in row["labels"] else "other cause"] += 1
            elif row["state"] == "healthy" and severity == "error":
                counts[name]["on equivalent" if row["fault"] else "on healthy"] += 1
            elif row["state"] == "healthy" and severity == "warning":
                counts[name]["warns healthy"] += 1
    columns = ("right", "other cause", "on healthy", "on equivalent", "warns healthy")
    return {
        name: {column: counts[name][column] for column in columns}
        for name in sorted(counts)
    }


def summary(rows):
    counts = judged(rows)
    findings = [
        name in row["labels"]
        for row in rows
        if row["state"] in ILL
        for name in named(row)
    ]
    seconds = [row["seconds"] for row in rows]

    def share(part, whole):
        return round(counts[part] / max(1, counts[whole]), 3)

    return {
        "programs": len({row["program"] for row in rows}),
        "faults": len({row["fault"] for row in rows} - {HEALTHY}),
        **counts,
        "detection": share("detected", "buggy"),
        "named": share("cause", "ill"),
        "false alarm rate": share("alarms", "healthy"),
        "precision": round(sum(findings) / max(1, len(findings)), 3),
        "crashes": sum(crashed(row) for row in rows),
        "changed": sum(row["changed"] for row in rows),
        "median seconds": round(statistics.median(seconds), 2),
        "slowest seconds": max(seconds),
    }


def false_alarm(row):
    return row["state"] == "healthy" and named(row, "error")


def undetected(row):
    return row["state"] == "buggy" and not named(row, "error")


def unnamed(row):
    return row["state"] in ILL and not set(named(row)) & set(row["labels"])


def crashed(row):
    return "crash" in row


def report(rows):
    faults = itertools.groupby(
        sorted((row for row in rows if row["fault"]), key=lambda row: row["order"]),
        key=lambda row: row["fault"],
    )
    print_table("fault", {fault: judged(list(group)) for fault, group in faults})
    print_table("rule", by_rule(rows))
    for title, wrong in (
        ("Alarms on healthy programs and pairs", false_alarm),
        ("Not detected", undetected),
        ("Cause not named", unnamed),
        ("Crashes", crashed),
        ("Models or random states changed", lambda row: row["changed"]),
    ):
        print(f"\n{title}:")
        for row in filter(wrong, rows):
            fall = f"{row['healthy score']:.2f} -> {row['score']:.2f}"
            said = ", ".join(named(row)) or "nothing"
            print(f"- {row['program']}, {row['fault'] or 'healthy'} ({fall}): {said}")
            if wrong is crashed:
                print(row["crash"])
    print(f"\n{json.dumps(summary(rows))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", nargs="+", default=list(PROGRAMS))
    parser.add_argument("--faults", nargs="*", default=list(FAULTS))
    parser.add_argument("--seed", type=int, default=0, help="of data and weights")
    parser.add_argument("--pairs", type=int, default=4, help="programs per fault")
    parser.add_argument("--trainings", type=int, default=2, help="seeds of a pair")
    parser.add_argument("--processes", type=int, default=2)
    default = pathlib.Path(tempfile.gettempdir()) / "keras_tricks_doctor_scores.json"
    parser.add_argument("--scores", type=pathlib.Path, default=default)
    parser.add_argument("--json", type=pathlib.Path, help="for all findings")
    parser.add_argument("--quick", action="store_true", help="two programs, 3 faults")
    parser.add_argument("--train-only", action="store_true", help="no diagnosis")
    arguments = parser.parse_args()
    if arguments.quick:
        vars(arguments).update(QUICK)
    chosen = choose(
        arguments.programs, arguments.faults, arguments.pairs, arguments.seed
    )
    # TensorFlow does not survive a fork; what many models leave behind adds up.
    context = multiprocessing.get_context("spawn")
    with context.Pool(arguments.processes, maxtasksperchild=100) as pool:
        first = 2 * arguments.seed
        seeds = range(first, first + arguments.trainings)
        scores = trained(pool, chosen, seeds, arguments.scores)
        states = [state(*pair, scores) for pair in chosen]
        print(collections.Counter(states))
        if arguments.train_only:
            return
        tasks = [(*pair, first) for pair in chosen]
        rows = []
        for (name, fault), condition, result in zip(
            chosen, states, pool.imap(examine, tasks), strict=True
        ):
            row = {"program": name, "fault": fault, "state": condition, **result}
            row["healthy score"] = scores[name, HEALTHY]
            row["score"] = scores[name, fault]
            row["labels"] = FAULTS[fault].labels if fault else ()
            row["order"] = list(FAULTS).index(fault) if fault else -1
            rows.append(row)
            said = ", ".join(named(row)) or ("CRASH" if crashed(row) else "-")
            print(f"{name:20s} {fault:28s} {condition:8s} {said}", flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(rows, indent=1))
    report(rows)


if __name__ == "__main__":
    main()
