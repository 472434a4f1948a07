"""The cases. Each returns its table, its plot and how it stands against its targets."""
import math
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Callable, Optional

from . import machine
from .processes import LAST_PRIORITY, OTHER_CORE, SERVER_CORE
from .rounds import in_turn, rows
from .servers import Floor, Nchan, Proxied, Relay, Tailgate


@dataclass
class Target:
    what: str
    bound: str
    value: float
    met: bool
    floor: Optional[float] = None  # the same of what does nothing but the unavoidable, in the same run


@dataclass
class Result:
    name: str
    title: str
    text: str
    columns: dict  # path of a figure → (heading, format)
    rows: list
    plot: str  # the column drawn
    targets: list = field(default_factory=list)


@dataclass
class Case:
    name: str
    title: str
    measure: Callable

    def run(self, bench):
        return self.measure(self, bench)


EVENT = {
    "us_per_event": ("server CPU µs/event", "{:.2f}"),
    "latency_ms.p50": ("p50 ms", "{:.2f}"),
    "latency_ms.p99": ("p99 ms", "{:.2f}"),
    "latency_ms.p999": ("p99.9 ms", "{:.2f}"),
    "last_ms.p50": ("last receiver p50 ms", "{:.2f}"),
    "bytes_per_event": ("bytes/event", "{:.0f}"),
    "client_cpu_share": ("client's core", "{:.0%}"),
}


def row_of(table, label):
    """What did not run (--only) has no figures."""
    return next((row for row in table if row["label"] == label), defaultdict(lambda: math.nan))


def one_run(server, use):
    """Starts a server, uses it, and stops it again."""
    try:
        return use(server)
    finally:
        server.stop()


def on_new_topic(server, bench, *flags, partitions=1, **options):
    topic = bench.new_topic()
    bench.create(topic, partitions)
    return server(bench, topic, *flags, **options)


def tailgate_on_new_topic(bench, *flags, **options):
    return on_new_topic(Tailgate, bench, *flags, **options)


def relay_on_new_topic(bench, clients):
    return on_new_topic(Relay, bench, "--clients", clients)


def broadcast(case, bench):
    delivered = 20_000
    contestants = {}
    counts = (100, 1_000) if bench.quick else (100, 1_000, 10_000)
    for count in counts:
        rate = delivered / count
        contestants |= {
            f"tailgate, {count:,}": lambda n=count, r=rate: one_run(tailgate_on_new_topic(bench), lambda s: bench.subscribe(s, n, r)),
            f"floor, {count:,}": lambda n=count, r=rate: one_run(Floor(bench, r), lambda s: bench.subscribe(s, n, r)),
            f"nchan, {count:,}": lambda n=count, r=rate: one_run(Nchan(bench), lambda s: bench.subscribe(s, n, r)),
        }
    contestants["floor behind Kafka, 100"] = lambda: one_run(relay_on_new_topic(bench, 100), lambda s: bench.subscribe(s, 100, delivered / 100))
    table = rows(in_turn(bench, contestants), EVENT)
    most = counts[-1]
    ours, floor, peer = (row_of(table, f"{name}, {most:,}")["us_per_event"] for name in ("tailgate", "floor", "nchan"))
    targets = [Target(f"µs an event at {most:,}, times the floor's", "≤ 1.15", ours / floor, ours <= 1.15 * floor),
               Target(f"µs an event at {most:,}, times nchan's", "< 1", ours / peer, ours < peer)]
    for count in counts:
        for path in ("latency_ms.p50", "latency_ms.p99"):
            ours, floor, peer = (row_of(table, f"{name}, {count:,}")[path] for name in ("tailgate", "floor behind Kafka", "nchan"))
            targets.append(Target(f"{path[-3:]} at {count:,}, times nchan's", "≤ 1", ours / peer, ours <= peer, floor / peer if count == 100 else None))
    return Result(case.name, case.title, "Every subscriber has a connection of its own; 200-byte values; 20,000 events a second are delivered in all.",
                  EVENT, table, "us_per_event", targets)


def tls(case, bench):
    count = 200 if bench.quick else 1_000
    kinds = {
        f"HTTP/1.1, {count:,} streams": lambda s: bench.subscribe(s, count, 20_000 / count),
        f"HTTP/2, {count * 10:,} streams, 100 a connection": lambda s: bench.subscribe(s, count // 10, 20, streams=100),
    }
    contestants = {f"{kind}, {'TLS' if is_tls else 'clear'}": lambda u=use, t=is_tls: one_run(tailgate_on_new_topic(bench, tls=t), u)
                   for kind, use in kinds.items() for is_tls in (False, True)}
    table = rows(in_turn(bench, contestants), EVENT)
    times = [row_of(table, f"{kind}, TLS")["us_per_event"] / row_of(table, f"{kind}, clear")["us_per_event"] for kind in kinds]
    return Result(case.name, case.title, "One event a write: 20,000 events a second over HTTP/1.1, 20 records a second for each stream over HTTP/2.", EVENT, table,
                  "us_per_event", [Target(f"{kind}: TLS, times clear", f"≤ {most}", ratio, ratio <= most)
                                   for kind, ratio, most in zip(kinds, times, (1.25, 2))])


def threads(case, bench):
    count = 200 if bench.quick else 1_000
    both = f"{SERVER_CORE},{OTHER_CORE}"
    contestants = {f"tailgate, {number} io thread{'s' if number > 1 else ''}": lambda n=number: one_run(
        tailgate_on_new_topic(bench, threads=n, core=both), lambda s: bench.subscribe(s, count, 10_000 / count)) for number in (1, 2)}
    table = rows(in_turn(bench, contestants), EVENT)
    one, two = (row["us_per_event"] for row in table)
    return Result(case.name, case.title, f"{count:,} HTTP/1.1 subscribers, 10,000 events a second in all; the server has both cores, and shares them with client and broker.",
                  EVENT, table, "us_per_event", [Target("µs an event on two threads, times one's", "≤ 1.1", two / one, two <= 1.1 * one)])


def broker(case, bench):
    def run(count):
        server = tailgate_on_new_topic(bench)

        def use(s):
            began = machine.cpu_of(bench.kafka.pid), time.monotonic()
            figures = bench.subscribe(s, count, 20)
            figures["broker_cores"] = (machine.cpu_of(bench.kafka.pid) - began[0]) / (time.monotonic() - began[1])
            return figures
        return one_run(server, use)

    contestants = {f"tailgate, {count:,} subscribers": lambda n=count: run(n) for count in (1, 1_000)}
    columns = {"broker_cores": ("broker, cores", "{:.4f}"), **EVENT}
    table = rows(in_turn(bench, contestants), columns)
    one, many = (row["broker_cores"] for row in table)
    return Result(case.name, case.title, "20 records a second of 200 bytes in one partition; what the broker uses, writing them included.", columns, table,
                  "broker_cores", [Target("the broker's CPU at 1,000 subscribers, times that at one", "≤ 1.15", many / one, many <= 1.15 * one)])


def keys(case, bench):
    count = 1_000 if bench.quick else 10_000

    def ours():
        server = tailgate_on_new_topic(bench)
        return one_run(server, lambda s: bench.subscribe(s, count, count, 512, keys=count, linger=5, path=f"/streams/{s.topic}?key=key-{{i}}"))

    contestants = {
        "tailgate": ours,
        "floor": lambda: one_run(Floor(bench, count, flags=("--bytes", 540, "--in-turn")), lambda s: bench.subscribe(s, count, count)),
    }
    table = rows(in_turn(bench, contestants), EVENT)
    ours, floor = (row_of(table, name)["us_per_event"] for name in ("tailgate", "floor"))
    return Result(case.name, case.title, f"{count:,} HTTP/1.1 subscribers, each of a key of its own (`?key=`), a record of 512 bytes a second for each; the producer lets records gather for 5 ms.",
                  EVENT, table, "us_per_event", [Target("µs an event, times the floor's", "≤ 1.3", ours / floor, ours <= 1.3 * floor)])


def hot(case, bench):
    count = 1_000
    contestants = {}
    for rate in (100, 400) if bench.quick else (100, 200, 400, 800, 1_600, 2_050):
        contestants[f"tailgate, {rate} records/s"] = lambda r=rate: one_run(
            tailgate_on_new_topic(bench), lambda s: with_rate(bench.subscribe(s, count, r, linger=5)))
    for rate in () if bench.quick else (50, 105, 210, 420):
        contestants[f"tailgate, 10,000 subscribers, {rate} records/s"] = lambda r=rate: one_run(
            tailgate_on_new_topic(bench), lambda s: with_rate(bench.subscribe(s, 10_000, r, linger=5)))
    for rate in (100, 200):
        contestants[f"nchan, {rate} records/s"] = lambda r=rate: one_run(Nchan(bench), lambda s: with_rate(bench.subscribe(s, count, r, linger=5)))
    columns = {"events_per_second": ("delivered events/s", "{:,.0f}"), **EVENT, "server_cpu_share": ("server's core", "{:.0%}")}
    table = rows(in_turn(bench, contestants), columns)

    def most(rows, p99_max):
        return max((row["events_per_second"] for row in rows if row["latency_ms.p99"] <= p99_max), default=0)

    ours = [row for row in table if row["label"].startswith("tailgate")]
    to_many = [row for row in ours if "10,000" in row["label"]]
    few, many, all_of_them = most([row for row in ours if row not in to_many], 55), most(to_many, 200), most(to_many, math.inf)
    return Result(case.name, case.title, "HTTP/1.1 subscribers of one partition (1,000 where nothing else is said), 200-byte values, more and more records a second; the producer lets them gather for 5 ms.",
                  columns, table, "us_per_event", [Target("events/s with p99 ≤ 55 ms", "≥ 2,000,000", few, few >= 2e6),
                                                   Target("events/s to 10,000 with p99 ≤ 200 ms", "≥ 1,000,000", many, many >= 1e6),
                                                   Target("events/s to 10,000, whatever the delay", "≥ 4,000,000", all_of_them, all_of_them >= 4e6)])


def gather(case, bench):
    def run(wait):
        server = tailgate_on_new_topic(bench)
        return one_run(server, lambda s: with_rate(bench.subscribe(s, 1_000, 200, path=f"/streams/{s.topic}?gather={wait}")))

    contestants = {f"tailgate, gather={wait}": lambda w=wait: run(w) for wait in ((0, 100) if bench.quick else (0, 20, 100, 500))}
    return Result(case.name, case.title, "1,000 HTTP/1.1 subscribers of one partition, 200 records a second of 200 bytes; each is sent to at most once in so many ms.",
                  EVENT, rows(in_turn(bench, contestants), EVENT), "us_per_event")


def gzip(case, bench):
    count, rate = 500, 40

    def run(wrap, *flags, rate=rate):
        server = tailgate_on_new_topic(bench, "--gzip=on", "--zstd=on")
        server.values = ("--orders",)
        return one_run(wrap(server), lambda s: with_rate(bench.subscribe(s, count, rate, value_bytes=250, flags=flags)))

    contestants = {
        "tailgate": lambda: run(lambda s: s),
        "tailgate, gzip": lambda: run(lambda s: s, "--coding", "gzip"),
        "tailgate, zstd": lambda: run(lambda s: s, "--coding", "zstd"),
        "nginx in front": lambda: run(lambda s: Proxied(s, gzip=False)),
        "nginx in front, gzip there": lambda: run(lambda s: Proxied(s, gzip=True), "--coding", "gzip"),
    }
    if not bench.quick:
        contestants |= {f"tailgate{how}, {n} records/s": lambda n=n, f=flags: run(lambda s: s, *f, rate=n)
                        for how, flags in (("", ()), (", gzip", ("--coding", "gzip")), (", zstd", ("--coding", "zstd"))) for n in (4, 100)}
    columns = {"events_per_second": ("delivered events/s", "{:,.0f}"), **EVENT}
    return Result(case.name, case.title, "500 HTTP/1.1 subscribers of one partition, 40 records a second of 250 bytes with fields in common. tailgate compresses an event once, "
                  "nginx in front of it for each client; the CPU of the rows with nginx is nginx's alone.",
                  columns, rows(in_turn(bench, contestants), columns), "us_per_event")


def with_rate(figures):
    figures["events_per_second"] = figures["events"] / figures["seconds"]
    return figures


def streams(case, bench):
    delivered = 200_000
    contestants = {}
    for count in (10_000,) if bench.quick else (10_000, 50_000):
        contestants[f"tailgate, {count:,} streams, 100 a connection"] = lambda n=count: one_run(
            tailgate_on_new_topic(bench), lambda s: bench.subscribe(s, n // 100, delivered / n, streams=100))
    contestants["tailgate, 1,000 connections of one stream"] = lambda: one_run(
        tailgate_on_new_topic(bench), lambda s: bench.subscribe(s, 1_000, 20, streams=1))
    table = rows(in_turn(bench, contestants), EVENT)
    ours = row_of(table, "tailgate, 10,000 streams, 100 a connection")["us_per_event"]
    return Result(case.name, case.title, "HTTP/2 without TLS; 200,000 events a second are delivered in all (20,000 with one stream a connection).",
                  EVENT, table, "us_per_event", [Target("µs an event at 10,000 streams, 100 a connection", "≤ 0.30", ours, ours <= 0.3)])


def replay(case, bench):
    records = 100_000 if bench.quick else 1_000_000
    topic = bench.new_topic()
    bench.fill(topic, records, 200)
    large = bench.new_topic()
    bench.fill(large, records // 2, 2_000)

    def ours(server, *flags, clients=1, each=records, topic=topic):
        client = bench.client(server, "--mode", "replay", "--connections", clients, "--records", each, *flags,
                              path=f"/streams/{topic}?from=earliest")
        figures = bench.figures(client)
        figures["records_per_second"] = figures["events"] / figures["seconds"]
        figures["mb_per_second"] = figures["bytes"] / figures["seconds"] / 1e6
        figures["bytes_per_event"] = figures["bytes"] / max(1, figures["events"])
        figures["us_per_event"] = figures["server_cpu_ns"] / 1e3 / max(1, figures["events"])
        return figures

    def plain(topic=topic, records=records):
        return bench.figures(bench.plain_consumer(topic, "--records", records))

    contestants = {
        "plain librdkafka consumer": plain,
        "floor": lambda: one_run(Relay(bench, topic, "--replay"), ours),
        "tailgate, HTTP/1.1": lambda: one_run(Tailgate(bench, topic), ours),
        "tailgate, HTTP/2": lambda: one_run(Tailgate(bench, topic), lambda s: ours(s, "--streams", 1)),
        "tailgate, 100 clients, a tenth each": lambda: one_run(Tailgate(bench, topic), lambda s: ours(s, clients=100, each=records // 10)),
        "plain librdkafka consumer, 2 KB": lambda: plain(large, records // 2),
        "floor, 2 KB": lambda: one_run(Relay(bench, large, "--replay"), lambda s: ours(s, each=records // 2, topic=large)),
        "tailgate, HTTP/1.1, 2 KB": lambda: one_run(Tailgate(bench, large), lambda s: ours(s, each=records // 2, topic=large)),
    }
    columns = {"records_per_second": ("records/s", "{:,.0f}"), "mb_per_second": ("MB/s", "{:,.0f}"), "us_per_event": EVENT["us_per_event"],
               "bytes_per_event": EVENT["bytes_per_event"], "server_cpu_share": ("server's core", "{:.0%}"),
               "client_cpu_share": EVENT["client_cpu_share"]}
    table = rows(in_turn(bench, contestants), columns)
    share, floor_share = (100 * row_of(table, name)["records_per_second"] / row_of(table, "plain librdkafka consumer")["records_per_second"]
                          for name in ("tailgate, HTTP/1.1", "floor"))
    fast, floor_fast = (row_of(table, name)["mb_per_second"] for name in ("tailgate, HTTP/1.1, 2 KB", "floor, 2 KB"))
    plain_fast = row_of(table, "plain librdkafka consumer, 2 KB")["mb_per_second"]
    share_fast, floor_share_fast = (100 * of / plain_fast for of in (fast, floor_fast))
    return Result(case.name, case.title, f"{records:,} records of 200 bytes in one partition (half as many of 2 KB), from the earliest; a fresh server each time. "
                  "The floor is a plain consumer that writes its records to a socket (bench/relay.cpp).", columns,
                  table, "records_per_second", [Target("records/s, of a plain consumer's, %", "≥ 65", share, share >= 65, floor_share),
                                              Target("MB/s at 2 KB", "≥ 500", fast, fast >= 500, floor_fast),
                                              Target("MB/s at 2 KB, of a plain consumer's, %", "≥ 65", share_fast, share_fast >= 65, floor_share_fast)])


def latency(case, bench):
    contestants = {}
    warmup, seconds = (2, 4) if bench.quick else (3, 15)

    def plain(rate):
        topic = bench.new_topic()
        bench.create(topic)
        consumer = bench.plain_consumer(topic, "--warmup", warmup, "--seconds", seconds)
        time.sleep(0.7)
        feeder = bench.produce(topic, rate, 200, warmup + seconds)
        figures = bench.figures(consumer)
        bench.processes.stop(feeder)
        return figures

    rates = (100, 2_000)
    for rate in rates:
        contestants |= {
            f"plain consumer, {rate}/s": lambda r=rate: plain(r),
            f"floor, {rate}/s": lambda r=rate: one_run(relay_on_new_topic(bench, 1), lambda s: bench.subscribe(s, 1, r)),
            f"tailgate, {rate}/s": lambda r=rate: one_run(tailgate_on_new_topic(bench), lambda s: bench.subscribe(s, 1, r)),
        }
    contestants["plain consumer, 200/s"] = lambda: plain(200)
    contestants["floor, 100 subscribers, 200/s"] = lambda: one_run(relay_on_new_topic(bench, 100), lambda s: bench.subscribe(s, 100, 200))
    contestants["tailgate, 100 subscribers, 200/s"] = lambda: one_run(tailgate_on_new_topic(bench), lambda s: bench.subscribe(s, 100, 200))
    columns = {path: EVENT[path] for path in ("latency_ms.p50", "latency_ms.p99", "latency_ms.p999", "us_per_event")}
    columns = {path: (heading, form.replace(".2f", ".3f")) for path, (heading, form) in columns.items()}
    table = rows(in_turn(bench, contestants), columns)
    targets = []
    for rate in rates:
        for path, most in (("latency_ms.p50", 0.06), ("latency_ms.p99", 0.2)):
            ours, floor = (row_of(table, f"{name}, {rate}/s")[path] - row_of(table, f"plain consumer, {rate}/s")[path] for name in ("tailgate", "floor"))
            targets.append(Target(f"{path[-3:]} over a plain consumer's at {rate:,} records/s, ms", f"≤ {most}", ours, ours <= most, floor))
    ours, floor = (row_of(table, f"{name}, 100 subscribers, 200/s")["latency_ms.p99"] for name in ("tailgate", "floor"))
    targets.append(Target("p99 of 100 subscribers at 200 records/s, ms", "≤ 2", ours, ours <= 2, floor))
    return Result(case.name, case.title,
                  "One subscriber, producer without linger. The plain consumer has the server's core to itself; the client shares the broker's. The floor "
                  "is a plain consumer that writes its records to a socket (bench/relay.cpp): what a client at its other end adds to any server.",
                  columns, table, "latency_ms.p50", targets)


def idle(case, bench):
    def hold(server, connections, per_connection=0):
        client = bench.client(server, "--connections", connections, "--streams", per_connection, "--warmup", 3, "--seconds", 3)
        figures = bench.figures(client)
        count = connections * max(1, per_connection)
        figures["rss_per_stream"] = (figures["after_kb"]["rss"] - figures["before_kb"]["rss"]) * 1024 / count
        figures["kernel_per_stream"] = sum(figures["after_kb"][part] - figures["before_kb"][part] for part in ("tcp", "slab")) * 1024 / count
        return figures

    count = 1_000 if bench.quick else 10_000
    contestants = {
        "tailgate, HTTP/1.1": lambda: one_run(tailgate_on_new_topic(bench), lambda s: hold(s, count)),
        "tailgate, HTTP/1.1, TLS": lambda: one_run(tailgate_on_new_topic(bench, tls=True), lambda s: hold(s, count // 2)),
        "floor": lambda: one_run(Floor(bench, 0.001), lambda s: hold(s, count)),
        "nchan": lambda: one_run(Nchan(bench), lambda s: hold(s, count)),
        "tailgate, HTTP/2, 100 streams a connection": lambda: one_run(tailgate_on_new_topic(bench), lambda s: hold(s, count * 5 // 100, 100)),
        "tailgate, HTTP/2, one stream a connection": lambda: one_run(tailgate_on_new_topic(bench), lambda s: hold(s, count, 1)),
    }
    columns = {"rss_per_stream": ("user bytes a stream", "{:,.0f}"), "kernel_per_stream": ("kernel bytes a stream, both ends", "{:,.0f}"),
               "server_cpu_share": ("server's core", "{:.2%}"), "open_seconds": ("all open after s", "{:.2f}")}
    table = rows(in_turn(bench, contestants), columns)
    bounds = {"HTTP/1.1": 2_048, "HTTP/1.1, TLS": 20_480, "HTTP/2, 100 streams a connection": 820, "HTTP/2, one stream a connection": 8_192}
    return Result(case.name, case.title, f"{count:,} streams of one topic (HTTP/2 with 100 a connection: {count * 5:,}) on which nothing happens.", columns,
                  table, "rss_per_stream", [Target(f"user bytes a stream, {kind}", f"≤ {most:,}", value, value <= most) for kind, most in bounds.items()
                                            for value in [row_of(table, f"tailgate, {kind}")["rss_per_stream"]]])


def stall(case, bench):
    count, seconds = 100, 8 if bench.quick else 40

    def run(server, stalled):
        client = bench.client(server, "--connections", count, "--warmup", 3, "--seconds", seconds)
        bench.ready(client)
        sleeper = None
        if stalled:
            sleeper = bench.client(server, "--mode", "stall", "--connections", stalled, "--seconds", seconds + 10, "--warmup", 0)
            bench.ready(sleeper)
        before = most = machine.rss_kb(server.pids())
        feeder = server.feed(50, 1_000, seconds + 30)
        while client.poll() is None:
            most = max(most, machine.rss_kb(server.pids()))
            time.sleep(0.25)
        figures = bench.figures(client)
        for process in (feeder, sleeper):
            if process:
                bench.processes.stop(process)
        figures["growth_mb"] = (most - before) / 1024
        figures["kernel_mb"] = (figures["after_kb"]["tcp"] - figures["before_kb"]["tcp"]) / 1024
        return figures

    contestants = {
        "tailgate": lambda: one_run(tailgate_on_new_topic(bench), lambda s: run(s, count)),
        "nchan": lambda: one_run(Nchan(bench), lambda s: run(s, count)),
        "tailgate, none stalled": lambda: one_run(tailgate_on_new_topic(bench), lambda s: run(s, 0)),
        "nchan, none stalled": lambda: one_run(Nchan(bench), lambda s: run(s, 0)),
    }
    columns = {"growth_mb": ("user memory grew, MB", "{:.1f}"), "kernel_mb": ("socket buffers grew, MB", "{:.1f}"),
               "latency_ms.p50": ("healthy p50 ms", "{:.2f}"), "latency_ms.p99": ("healthy p99 ms", "{:.2f}")}
    table = rows(in_turn(bench, contestants), columns)
    ours = row_of(table, "tailgate")["growth_mb"]
    return Result(case.name, case.title, f"{count} clients that never read beside {count} that do, 50 records a second of 1 KB, {seconds} s.", columns, table,
                  "growth_mb", [Target("growth of user memory, MB", "< 4", ours, ours < 4)])


def slow(case, bench):
    count, seconds = (1_000, 8) if bench.quick else (10_000, 20)
    few = count // 100

    def run(server, has_slow):
        clients = []
        if has_slow:
            for flags in (("--mode", "stall"), ("--mode", "slow", "--kb-per-second", 10)):
                clients.append(bench.client(server, *flags, "--connections", few, "--seconds", seconds + 40, "--warmup", 0))
                bench.ready(clients[-1])
        client = bench.client(server, "--connections", count - 2 * few, "--warmup", 3, "--seconds", seconds)
        bench.ready(client)
        before = machine.rss_kb(server.pids())
        feeder = server.feed(1, 1_000, seconds + 30)
        figures = bench.figures(client)
        figures["growth_mb"] = (machine.rss_kb(server.pids()) - before) / 1024
        figures["us_per_event"] = figures["server_cpu_ns"] / 1e3 / max(1, figures["events"])
        for process in (feeder, *clients):
            bench.processes.stop(process)
        return figures

    contestants = {name: lambda h=has_slow: one_run(tailgate_on_new_topic(bench), lambda s: run(s, h))
                   for name, has_slow in (("tailgate, none slow", False), ("tailgate, 1 % never read, 1 % read 10 KB/s", True))}
    columns = {"latency_ms.p50": ("healthy p50 ms", "{:.2f}"), "latency_ms.p99": ("healthy p99 ms", "{:.2f}"),
               "growth_mb": ("user memory grew, MB", "{:.1f}"), "us_per_event": EVENT["us_per_event"]}
    table = rows(in_turn(bench, contestants), columns)
    without, beside = (row["latency_ms.p99"] for row in table)
    return Result(case.name, case.title, f"{count:,} HTTP/1.1 subscribers, a record of 1 KB a second, {seconds} s.", columns, table, "latency_ms.p99",
                  [Target("p99 of the healthy, times that without slow ones", "≤ 1.1", beside / without, beside <= 1.1 * without)])


def partitions(case, bench):
    contestants = {
        f"tailgate, {count} partitions": lambda n=count: one_run(
            tailgate_on_new_topic(bench, partitions=n), lambda s: bench.subscribe(s, 1_000, 20, partitions=n))
        for count in (1, 12, 100)
    }
    columns = {path: EVENT[path] for path in ("us_per_event", "bytes_per_event", "latency_ms.p50", "latency_ms.p99")}
    return Result(case.name, case.title, "1,000 HTTP/1.1 subscribers of the whole topic, 20 records a second of 200 bytes, spread evenly.", columns,
                  rows(in_turn(bench, contestants), columns), "bytes_per_event")


def live(bench, crowd=None):
    """How late live subscribers are, while one crowd of clients after the other does what `crowd` has them do.

    A crowd has what the live clients leave of the core that they share: what is measured is the server.
    """
    return one_run(tailgate_on_new_topic(bench), lambda server: live_on(bench, server, crowd))


def live_on(bench, server, crowd):
    count, seconds = (200, 4) if bench.quick else (1_000, 10)
    client = bench.client(server, "--connections", count, "--warmup", 3, "--seconds", seconds)
    bench.ready(client)
    feeder = server.feed(20, 200, seconds + 60)
    time.sleep(3)
    while crowd and client.poll() is None:
        bench.figures(crowd(server))
    figures = bench.figures(client)
    bench.processes.stop(feeder)
    return {"latency_ms": figures["latency_ms"]}


LIVE = {"latency_ms.p50": ("live p50 ms", "{:.2f}"), "latency_ms.p99": ("live p99 ms", "{:.2f}")}


def live_target(table, what, without, beside):
    ratio = row_of(table, beside)["latency_ms.p99"] / row_of(table, without)["latency_ms.p99"]
    return Target(f"p99 of live subscribers {what}, times that without", "≤ 2", ratio, ratio <= 2)


def reconnect(case, bench):
    records = 10_000
    topic = bench.new_topic()
    bench.fill(topic, records, 200)

    def run(server, clients):
        before = server.metrics()
        client = bench.client(server, "--mode", "replay", "--connections", clients, "--until-sequence", records - 1, "--random", 0, records - 2)
        figures = bench.figures(client)
        after = server.metrics()
        figures["fetches"] = after[HISTORY_READS] - before.get(HISTORY_READS, 0)
        del figures["latency_ms"]  # how old records are that were missed
        figures["records_per_second"] = figures["events"] / figures["seconds"]
        return figures

    contestants = {
        f"tailgate, {clients:,} clients": lambda n=clients: one_run(Tailgate(bench, topic, path=f"/streams/{topic}/0?from={{n}}"), lambda s: run(s, n))
        for clients in ((10, 100) if bench.quick else (10, 1_000, 10_000))
    }
    most = list(contestants)[-1]
    alone, beside = "1,000 live subscribers, nobody comes back", "1,000 live subscribers beside 10,000 that come back"

    def crowd(server):
        return bench.client(server, "--mode", "replay", "--connections", 1_000 if bench.quick else 10_000, "--until-sequence", records - 1,
                            "--random", 0, records - 2, path=f"/streams/{topic}/0?from={{n}}", priority=LAST_PRIORITY)

    contestants |= {alone: lambda: live(bench), beside: lambda: live(bench, crowd)}
    columns = {"seconds": ("all caught up after s", "{:.2f}"), "complete_ms.p50": ("a client p50 ms", "{:.1f}"),
               "complete_ms.p99": ("p99 ms", "{:.1f}"), "records_per_second": ("records/s in all", "{:,.0f}"),
               "fetches": ("pages read from Kafka", "{:,.0f}"), **LIVE}
    table = rows(in_turn(bench, contestants), columns)
    few, many = row_of(table, "tailgate, 10 clients")["fetches"], row_of(table, most)["fetches"]
    return Result(case.name, case.title, "Clients that come back at once, each at another place within the last 10,000 records of 200 bytes.", columns, table,
                  "seconds", [Target(f"pages read from Kafka, {most.split(', ', 1)[1]} over 10", "≤ 1.5", many / max(1, few), many <= 1.5 * max(1, few)),
                              live_target(table, "while 10,000 come back", alone, beside)])


HISTORY_READS = "tailgate_history_pages_total"


def connect(case, bench):
    count = 1_000 if bench.quick else 10_000

    def run(server):
        client = bench.client(server, "--connections", count, "--warmup", 0, "--seconds", 0)
        figures = bench.figures(client)
        return {"connects_per_second": count / figures["open_seconds"], "open_ms": figures["open_ms"]}

    def first(server):
        others = bench.client(server, "--connections", 1_000, "--warmup", 60, "--seconds", 0)
        bench.ready(others)
        feeder = server.feed(20, 200, 60)
        time.sleep(3)
        one_by_one = bench.client(server, "--mode", "replay", "--connections", 200, "--in-flight", 1, "--records", 1, path=f"{server.path}?from=-1")
        figures = bench.figures(one_by_one)
        for process in (feeder, others):
            bench.processes.stop(process)
        return {"first_ms": figures["complete_ms"]}

    def crowd(server):
        return bench.client(server, "--connections", count // 2, "--warmup", 0, "--seconds", 0, path=f"/streams/{quiet}", priority=LAST_PRIORITY)

    quiet = bench.new_topic()
    bench.create(quiet)
    alone, beside = "1,000 live subscribers, nobody connects", "1,000 live subscribers beside clients that connect"
    contestants = {
        "tailgate": lambda: one_run(tailgate_on_new_topic(bench), run),
        "floor": lambda: one_run(Floor(bench, 0.001), run),
        "nchan": lambda: one_run(Nchan(bench), run),
        "tailgate, one by one beside 1,000": lambda: one_run(tailgate_on_new_topic(bench), first),
        alone: lambda: live(bench),
        beside: lambda: live(bench, crowd),
    }
    columns = {"connects_per_second": ("streams opened a second", "{:,.0f}"), "open_ms.p50": ("p50 ms", "{:.1f}"), "open_ms.p99": ("p99 ms", "{:.1f}"),
               "first_ms.p50": ("first event p50 ms", "{:.2f}"), "first_ms.p99": ("p99 ms", "{:.2f}"), **LIVE}
    table = rows(in_turn(bench, contestants), columns)
    ours = row_of(table, "tailgate")["connects_per_second"]
    first_ms = row_of(table, "tailgate, one by one beside 1,000")["first_ms.p50"]
    return Result(case.name, case.title, f"{count:,} HTTP/1.1 clients connect as fast as they can, 256 at a time, until the response begins.", columns,
                  table, "connects_per_second", [Target("connects/s on one core", "≥ 25,000", ours, ours >= 25_000),
                                                     Target("connect to the first event on a live feed, p50 ms", "< 3", first_ms, first_ms < 3),
                                                     live_target(table, "while others connect", alone, beside)])


def poll(case, bench):
    def run(server, path):
        figures = bench.subscribe(server, 1_000, 10, flags=("--mode", "poll", "--accept", "*/*"), path=path)
        figures["us_per_poll"] = figures["server_cpu_ns"] / 1e3 / max(1, figures["events"])
        return with_rate(figures)

    def ours():
        server = tailgate_on_new_topic(bench)
        return one_run(server, lambda s: run(s, f"/streams/{s.topic}?as=json&wait=25"))

    columns = {"us_per_poll": ("server CPU µs/record delivered", "{:.1f}"), "events_per_second": ("delivered records/s", "{:,.0f}"),
               "latency_ms.p50": ("p50 ms", "{:.2f}"), "latency_ms.p99": ("p99 ms", "{:.2f}")}
    contestants = {"tailgate": ours, "nchan": lambda: one_run(Nchan(bench), lambda s: run(s, "/poll"))}
    table = rows(in_turn(bench, contestants), columns)
    ours, peer = (row_of(table, name)["us_per_poll"] for name in ("tailgate", "nchan"))
    return Result(case.name, case.title, "1,000 long pollers, 10 records a second of 200 bytes.", columns, table, "us_per_poll",
                  [Target("µs a poll (40,000 a second and core)", "≤ 25", ours, ours <= 25), Target("µs a poll, times nchan's", "< 1", ours / peer, ours < peer)])


ALL = [
    Case("broadcast", "Broadcast over HTTP/1.1", broadcast),
    Case("streams", "Broadcast over HTTP/2", streams),
    Case("keys", "A key for each subscriber", keys),
    Case("tls", "TLS", tls),
    Case("threads", "Two io threads", threads),
    Case("broker", "What the broker does", broker),
    Case("hot", "One hot partition", hot),
    Case("gather", "Events gathered for a while", gather),
    Case("gzip", "Compressed streams", gzip),
    Case("replay", "Replay", replay),
    Case("latency", "Latency over a plain consumer", latency),
    Case("partitions", "Many partitions", partitions),
    Case("reconnect", "Many clients come back", reconnect),
    Case("idle", "Idle streams", idle),
    Case("stall", "Readers that stall", stall),
    Case("slow", "Slow readers among many", slow),
    Case("connect", "Connect storm", connect),
    Case("poll", "Long poll", poll),
]
