"""What all cases use: a Kafka broker, the programs, and how one measured run goes."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from . import machine
from .processes import OTHER_CORE, PRIORITY, SERVER_CORE, Processes, answers, free_port, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOISE_MAX = 0.15  # cores that others may use during a run that counts
TRIES = 3

BROKER = """
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
log.dirs={folder}/kafka
"""


class Bench:
    def __init__(self, quick, rounds, only=""):
        self.quick = quick
        self.only = only
        self.rounds = rounds
        self.build = pathlib.Path(os.environ.get("TAILGATE_BUILD", ROOT / "build/release"))
        self.processes = Processes()
        self.topics = 0

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tailgate-bench-"))
        try:
            self._start_kafka()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.processes.stop_all()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_kafka(self):
        port, controller = free_port(), free_port()
        base = (ROOT / "tests/kafka/broker.properties").read_text()
        config = self.folder / "broker.properties"
        config.write_text(base + BROKER.format(port=port, controller=controller, folder=self.folder))
        log = open(self.folder / "kafka.log", "wb")
        # The optimizing compiler is on: a broker that runs for long has it.
        environment = {**os.environ, "KAFKA_JAVA_OPTIONS": "-XX:TieredStopAtLevel=4 -Xmx1g"}
        self.kafka = self.processes.start(OTHER_CORE, [ROOT / "tests/kafka/broker", config], stdout=log, stderr=log, env=environment)
        self.brokers = f"127.0.0.1:{port}"
        wait_until("Kafka answers", lambda: self.kafka.poll() is not None or answers(port), 120)
        if self.kafka.poll() is not None:
            sys.exit((self.folder / "kafka.log").read_text())
        # The first record of a new broker takes long.
        self.fill(self.new_topic(), 100_000, 200)
        self._warm_up(5 if self.quick else 20)

    def _warm_up(self, seconds):
        """A broker that has not compiled its way of a single small record yet adds milliseconds, and cannot keep up with 2,000 a second."""
        topic = self.new_topic()
        self.create(topic)
        consumer = self.plain_consumer(topic, "--warmup", 0, "--seconds", seconds)
        feeder = self.produce(topic, 2_000, 200, seconds)
        self.figures(consumer)
        self.processes.stop(feeder)

    def new_topic(self):
        self.topics += 1
        return f"bench{self.topics}"

    def fill(self, topic, records, value_bytes, partitions=1, keys=0, compression="none"):
        command = [self.build / "bench_producer", "--brokers", self.brokers, "--topic", topic, "--records", records, "--bytes",
                   value_bytes, "--partitions", partitions, "--keys", keys, "--compression", compression]
        subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL)

    def create(self, topic, partitions=1):
        self.fill(topic, 0, 200, partitions)

    def produce(self, topic, rate, value_bytes, seconds, partitions=1, keys=0, linger=0, values=()):
        return self.processes.start(
            OTHER_CORE, [self.build / "bench_producer", "--brokers", self.brokers, "--topic", topic, "--rate", rate, "--seconds",
                         seconds, "--bytes", value_bytes, "--partitions", partitions, "--keys", keys,
                         "--linger", linger, *values], stdout=subprocess.DEVNULL)

    def plain_consumer(self, topic, *flags, core=SERVER_CORE):
        """Starts one; its figures are the JSON line that it ends with."""
        return self.processes.start(core, [self.build / "bench_plain_consumer", "--brokers", self.brokers, "--topic", topic, *flags],
                                    stdout=subprocess.PIPE, text=True)

    def certificate(self):
        """A file with a certificate and its key, as most sites have them: ECDSA, P-256."""
        file = self.folder / "certificate.pem"
        if not file.exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                            "/CN=localhost", "-keyout", file, "-out", self.folder / "chain.pem"], check=True, stderr=subprocess.DEVNULL)
            file.write_text(file.read_text() + (self.folder / "chain.pem").read_text())
        return file

    def client(self, server, *flags, path=None, core=OTHER_CORE, priority=PRIORITY):
        flags = (*flags, "--tls") if server.is_tls else flags
        pids = [flag for pid in server.pids() for flag in ("--server-pid", pid)]
        return self.processes.start(
            core, [self.build / "bench_load_client", "--port", server.port, "--path", path or server.path, *pids, *flags],
            priority=priority, stdout=subprocess.PIPE, text=True)

    def ready(self, client):
        line = client.stdout.readline()
        if not line:
            raise RuntimeError("the client ended before its streams were open")
        return json.loads(line)

    def figures(self, process):
        """The last line of a client or consumer."""
        lines = process.stdout.read().splitlines()
        process.wait()
        self.processes.stop(process)
        if not lines:
            raise RuntimeError(f"no figures from {process.args}")
        return json.loads(lines[-1])

    def quiet(self, run):
        """What `run` returns, from the first of some tries during which nobody else used the machine; else from the quietest."""
        best = None
        for _ in range(1 if self.quick else TRIES):
            noise = machine.Noise(self.processes.pids)
            figures = run()
            figures["noise"] = round(noise.cores(), 3)
            if best is None or figures["noise"] < best["noise"]:
                best = figures
            if best["noise"] <= NOISE_MAX:
                break
            time.sleep(2)
        return best

    def subscribe(self, server, connections, rate, value_bytes=200, streams=0, partitions=1, keys=0, linger=0, flags=(), path=None):
        """Opens the streams, has records made at `rate`, and measures for a while."""
        warmup, seconds = (2, 4) if self.quick else (3, 12)
        client = self.client(server, "--connections", connections, "--streams", streams, "--warmup", warmup, "--seconds", seconds, *flags,
                             path=path)
        self.ready(client)
        feeder = server.feed(rate, value_bytes, warmup + seconds + 30, partitions, keys, linger)
        figures = self.figures(client)
        if feeder:
            self.processes.stop(feeder)
        if figures["events"]:
            figures["us_per_event"] = figures["server_cpu_ns"] / 1e3 / figures["events"]
            figures["bytes_per_event"] = figures["bytes"] / figures["events"]
        return figures
