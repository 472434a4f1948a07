"""Contestants in turn, and what of several rounds is kept."""
import statistics


def in_turn(bench, contestants):
    """`contestants`: label → function that runs it once and returns its figures. Returns label → figures of each round."""
    contestants = {label: run for label, run in contestants.items() if bench.only in label}
    runs = {label: [] for label in contestants}
    for turn in range(bench.rounds):
        for label, run in contestants.items():
            figures = bench.quiet(run)
            faults = [f"{name} {figures[name]}" for name in ("lost", "duplicated", "reordered", "closed", "bad_status") if figures.get(name)]
            print(f"   {turn + 1}/{bench.rounds} {label}: noise {figures['noise']}" + (", " + ", ".join(faults) if faults else ""), flush=True)
            runs[label].append(figures)
    return runs


def pick(figures, path):
    """`latency_ms.p50` out of nested figures; None if it is not there."""
    for name in path.split("."):
        figures = figures.get(name) if isinstance(figures, dict) else None
    return figures


def median(runs, path):
    values = [value for run in runs if (value := pick(run, path)) is not None]
    return statistics.median(values) if values else None


def rows(runs, columns):
    """One row a label: the median of each column over the rounds, what was lost over all, and the noise of the noisiest round."""
    table = []
    for label, figures in runs.items():
        row = {"label": label} | {path: median(figures, path) for path in columns}
        row["faults"] = sum(run.get(name, 0) for run in figures for name in ("lost", "duplicated", "reordered"))
        row["noise"] = max(run["noise"] for run in figures)
        table.append(row)
    return table
