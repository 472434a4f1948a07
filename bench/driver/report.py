"""Keeps results in docs/benchmarks/ (one JSON file and one plot a case) and writes docs/benchmarks.md from all of them."""
import datetime
import json
from dataclasses import asdict

from . import machine, plot
from .bench import NOISE_MAX, ROOT
from .cases import ALL

FOLDER = ROOT / "docs/benchmarks"

HEAD = """# Benchmarks

Written by `bench/run`; what each program does is said in bench/README.md. Every figure is the median of the rounds named below its table, in which
the contestants ran in turn, so **compare figures of one table only**: the machine itself shifts by a quarter from day to day. The server has one core to itself, the load client,
the producer and the broker share the other one. Server CPU is user and system time of all its threads; on loopback that includes the receiving half of
TCP. Latency runs from the stamp in the record (before Kafka) to the client's read. `~` marks a row with a round in which others used more than
{noise} of a core.

Floor: a server that does nothing but `send()` one frame to each subscriber (bench/floor.cpp); behind Kafka, a plain consumer that does (bench/relay.cpp). nchan:
nginx with the nchan module, fed by HTTP.
What Redis does for cursors and limits: [the store](benchmarks/store.md).
"""


def cell(value, form):
    return "–" if value is None else form.format(value)


def table(result):
    headings = ["", *(heading for heading, _ in result["columns"].values())]
    lines = [headings]
    for row in result["rows"]:
        label = row["label"] + (" ~" if row["noise"] > NOISE_MAX else "") + (f" ({row['faults']} lost or twice)" if row["faults"] else "")
        lines.append([label, *(cell(row[path], form) for path, (_, form) in result["columns"].items())])
    return lines


def as_text(result):
    lines = table(asdict(result))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths)) for line in lines)
    marks = "".join(f"\n{'ok  ' if target.met else 'MISS'} {target.what}: {target.value:.2f} ({target.bound})" +
                    ("" if target.floor is None else f", floor {target.floor:.2f}") for target in result.targets)
    return text + marks


def keep(result, rounds):
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = asdict(result) | {"rounds": rounds, "commit": machine.commit(), "date": datetime.date.today().isoformat(), "machine": machine.describe(),
                             "versions": machine.versions()}
    (FOLDER / f"{result.name}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    (FOLDER / f"{result.name}.svg").write_text(plot.bars(kept))


def write():
    kept = [json.loads(path.read_text()) for case in ALL if (path := FOLDER / f"{case.name}.json").exists()]
    lines = [HEAD.format(noise=NOISE_MAX)]
    if targets := [(result, target) for result in kept for target in result["targets"]]:
        lines += ["## Targets", "", "| | bound | measured | the floor's | |", "|---|---|---|---|---|"]
        lines += [f"| {result['title']}: {target['what']} | {target['bound']} | {target['value']:,.2f} | {cell(target.get('floor'), '{:,.2f}')} "
                  f"| {'met' if target['met'] else '**missed**'} |" for result, target in targets]
        lines.append("")
    for result in kept:
        lines += [f"## {result['title']}", "", result["text"], ""]
        rows = table(result)
        lines += ["| " + " | ".join(row) + " |" for row in rows[:1]]
        lines += ["|" + "---|" * len(rows[0])]
        lines += ["| " + " | ".join(row) + " |" for row in rows[1:]]
        lines += ["", f"![{result['title']}](benchmarks/{result['name']}.svg)", "",
                  f"`bench/run {result['name']} --rounds {result['rounds']}`, commit {result['commit']}, {result['date']}; {result['machine']}; {', '.join(result['versions'])}.", ""]
    (ROOT / "docs/benchmarks.md").write_text("\n".join(lines))
