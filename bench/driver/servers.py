"""The contestants. Each starts on the server's core, says where its stream is, and how records are brought to it."""
import re
import time

from .processes import OTHER_CORE, SERVER_CORE, answers, children, free_port, get, wait_until


class Server:
    def __init__(self, bench):
        self.bench = bench
        self.port = free_port()
        self.process = None

    is_tls = False

    def pids(self):
        return [self.process.pid]

    def stop(self):
        self.bench.processes.stop(self.process)


class FedByKafka(Server):
    values = ()  # flags of the producer

    def __init__(self, bench, topic):
        super().__init__(bench)
        self.topic = topic

    def feed(self, rate, value_bytes, seconds, partitions=1, keys=0, linger=0):
        return self.bench.produce(self.topic, rate, value_bytes, seconds, partitions, keys, linger, self.values)


class Tailgate(FedByKafka):
    name = "tailgate"

    def __init__(self, bench, topic, *flags, path=None, core=SERVER_CORE, threads=1, tls=False):
        super().__init__(bench, topic)
        self.is_tls = tls
        if tls:
            flags = (*flags, "--tls-cert", bench.certificate(), "--tls-key", bench.certificate())
        self.path = path or f"/streams/{topic}"
        self.admin = free_port()
        log = open(bench.folder / "tailgate.log", "ab")
        self.process = bench.processes.start(
            core, [bench.build / "tailgate", "serve", "--kafka", bench.brokers, "--topics", "bench*", "--listen",
                   f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin}", "--threads", threads, "--max-connections", 19000,
                   "--log-level", "warning", *flags], stderr=log, stdout=log)
        wait_until("tailgate is ready", lambda: self.process.poll() is not None or (get(self.admin, "/readyz") or (0,))[0] == 200)
        if self.process.poll() is not None:
            raise RuntimeError((bench.folder / "tailgate.log").read_text()[-2000:])

    def metrics(self):
        """Sums over labels."""
        sums = {}
        for line in get(self.admin, "/metrics")[1].splitlines():
            if match := re.match(r"([a-z_]+)(?:\{.*\})? ([-+0-9.e]+)$", line):
                sums[match[1]] = sums.get(match[1], 0) + float(match[2])
        return sums


class Floor(Server):
    name = "floor"
    path = "/"

    def __init__(self, bench, rate, batch=1, flags=()):
        super().__init__(bench)
        self.process = bench.processes.start(
            SERVER_CORE, [bench.build / "bench_floor", "--port", self.port, "--rate", rate, "--batch", batch, *flags])
        wait_until("floor listens", lambda: answers(self.port))

    def feed(self, rate, value_bytes, seconds, partitions=1, keys=0, linger=0):
        return None  # it makes its own


class Relay(FedByKafka):
    """The floor where Kafka is part of it."""
    name = "relay"
    path = "/"

    def __init__(self, bench, topic, *flags):
        super().__init__(bench, topic)
        self.process = bench.processes.start(
            SERVER_CORE, [bench.build / "bench_relay", "--brokers", bench.brokers, "--topic", topic, "--port", self.port, *flags])
        wait_until("relay listens", lambda: answers(self.port))


PROXY = """
worker_processes 1; worker_rlimit_nofile 40000; pid nginx.pid; error_log error.log error;
events {{ worker_connections 39990; use epoll; multi_accept on; }}
http {{
  access_log off; tcp_nodelay on;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
      proxy_set_header Accept-Encoding ""; gzip {gzip}; gzip_proxied any; gzip_types text/event-stream; gzip_min_length 0; }}
  }}
}}
"""


class Proxied(Server):
    """nginx in front, which compresses for each client by itself where it is told to."""
    name = "nginx"

    def __init__(self, upstream, gzip):
        super().__init__(upstream.bench)
        self.upstream, self.path = upstream, upstream.path
        folder = self.bench.folder / f"proxy-{self.port}"
        folder.mkdir()
        (folder / "nginx.conf").write_text(PROXY.format(port=self.port, upstream=upstream.port, gzip="on" if gzip else "off"))
        self.process = self.bench.processes.start(
            SERVER_CORE, ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", "error.log", "-g", "daemon off;"])
        wait_until("nginx listens", lambda: answers(self.port))
        time.sleep(0.2)

    def pids(self):
        return children(self.process.pid)

    def feed(self, *how):
        return self.upstream.feed(*how)

    def stop(self):
        super().stop()
        self.upstream.stop()


NGINX = """
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
worker_processes 1; worker_rlimit_nofile 20000; pid nginx.pid; error_log error.log error;
events {{ worker_connections 19990; use epoll; multi_accept on; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 100000000;
  nchan_max_reserved_memory 512M;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /pub {{ nchan_publisher http; nchan_channel_id bench; nchan_message_buffer_length 100; nchan_message_timeout 10m; }}
    location = /sub {{ nchan_subscriber eventsource; nchan_channel_id bench; nchan_subscriber_first_message newest; }}
    location = /poll {{ nchan_subscriber longpoll; nchan_channel_id bench; nchan_subscriber_first_message newest; }}
  }}
}}
"""


class Nchan(Server):
    name = "nchan"
    path = "/sub"

    def __init__(self, bench):
        super().__init__(bench)
        folder = bench.folder / f"nchan-{self.port}"
        folder.mkdir()
        (folder / "nginx.conf").write_text(NGINX.format(port=self.port))
        self.process = bench.processes.start(
            SERVER_CORE, ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", "error.log", "-g", "daemon off;"])
        wait_until("nginx listens", lambda: answers(self.port))
        time.sleep(0.2)

    def pids(self):
        return children(self.process.pid)

    def feed(self, rate, value_bytes, seconds, partitions=1, keys=0, linger=0):
        return self.bench.processes.start(
            OTHER_CORE, [self.bench.build / "bench_http_publisher", "--port", self.port, "--path", "/pub", "--rate", rate, "--bytes",
                         value_bytes, "--seconds", seconds])
