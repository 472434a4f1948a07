"""Starting processes on a core, and stopping exactly those."""
import http.client
import pathlib
import signal
import socket
import subprocess
import time

SERVER_CORE = "0"
OTHER_CORE = "1"
# Above whatever else runs on the machine by accident, the same for every contestant.
PRIORITY = "-15"
LAST_PRIORITY = "19"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Processes:
    def __init__(self):
        self.running = []

    def start(self, core, command, priority=PRIORITY, **options):
        prefix = ["nice", "-n", priority] + (["taskset", "-c", core] if core else [])
        process = subprocess.Popen([*prefix, *map(str, command)], start_new_session=True, **options)
        self.running.append(process)
        try:
            # Where the kernel groups processes by session, it is the group's priority that counts against others.
            pathlib.Path(f"/proc/{process.pid}/autogroup").write_text(priority)
        except OSError:
            pass
        return process

    def pids(self):
        """Of all that run, and of their children."""
        own = [process.pid for process in self.running if process.poll() is None]
        return own + [child for pid in own for child in children(pid)]

    def stop(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.running:
            self.running.remove(process)

    def stop_all(self):
        for process in list(reversed(self.running)):
            self.stop(process)


def children(pid):
    try:
        return [int(child) for child in open(f"/proc/{pid}/task/{pid}/children").read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def get(port, path):
    """Status and body; None if nobody answers."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    except OSError:
        return None


def wait_until(what, is_true, seconds=60):
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False
