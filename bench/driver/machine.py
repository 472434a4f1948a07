"""What the machine is, and how busy others keep it."""
import os
import pathlib
import platform
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def describe():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = int(next(line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal"))) // 2**20
    return f"{os.cpu_count()} cores {model}, {memory} GiB, Linux {platform.release().split('-')[0]}, loopback"


def versions():
    packages = ["libjemalloc2", "librdkafka1", "libnghttp2-14", "nginx", "libnginx-mod-nchan", "libssl3"]
    query = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *packages], capture_output=True, text=True)
    compiler = subprocess.run(["g++", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    return [f"g++ {compiler}", *query.stdout.split("\n")[:-1]]


def commit():
    root = pathlib.Path(__file__).resolve().parents[2]
    short = subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    dirty = subprocess.run(["git", "-C", root, "status", "--porcelain", "--untracked-files=no", "--", "base", "server", "streams",
                            "cursors", "limits", "web", "cmake"], capture_output=True, text=True).stdout.strip()
    return short + (" with changes" if dirty else "")


def _busy():
    """CPU seconds that the machine has worked."""
    user, nice, system, _idle, _wait, irq, softirq = map(int, open("/proc/stat").readline().split()[1:8])
    return (user + nice + system + irq + softirq) / TICKS


def cpu_of(pid):
    """CPU seconds of a process, with those of children it has waited for; 0 once it is gone."""
    try:
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def rss_kb(pids):
    total = 0
    for pid in pids:
        try:
            total += int(next(line.split()[1] for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS")))
        except (FileNotFoundError, StopIteration):
            pass
    return total


class Noise:
    """CPU that others used while this runs, in cores. Ours: this process, what it has waited for, and `pids`."""

    def __init__(self, pids):
        self.pids = pids
        self.begin = (time.monotonic(), _busy(), self._ours())

    def _ours(self):
        return sum(os.times()[:4]) + sum(cpu_of(pid) for pid in self.pids())

    def cores(self):
        then, busy, ours = self.begin
        seconds = time.monotonic() - then
        return max(0.0, (_busy() - busy) - (self._ours() - ours)) / seconds
