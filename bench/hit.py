#!/usr/bin/env python3
"""What a cache hit costs: this edge, nginx and the floor, side by side in one run.

The measure is CPU time per request: nanoseconds that all threads of the server ran (/proc/PID/task/*/schedstat)
during a load, divided by the answers. It depends far less than requests per second on what else the machine does.
Where "core busy" is well below 1 the server had idle moments and woke more often for fewer requests: its figure is then
a little too high, and the machine was too busy with other things.

The servers take turns in short rounds, so that a slow minute slows all of them, and ratios are taken within a round.

The server is pinned to one core, the load generator (tidemark-bench load, closed loop) to another. Before anything is
measured each cache is asked by hand and must answer with a marked hit of the right length; while it is measured, one
answer that is not a hit ends the run.
"""

import argparse
import contextlib
import datetime
import http.client
import http.server
import json
import os
import pathlib
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
START_SECONDS = 10
STOP_SECONDS = 5
FLOOR, EDGE, NGINX = "floor", "edge", "nginx"

# What made nginx fastest here, so that the comparison is with its best: below this size one write of head and copied
# body beats a write of the head and a sendfile of the body (11 against 15 us at 1 KiB); above it the copy costs more.
NGINX_SENDFILE_FROM_BYTES = 128 * 1024 + 1

NGINX_CONF = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 16384; multi_accept on; }}
http {{
    access_log off;
    server_tokens off;
    sendfile {sendfile};
    output_buffers 2 128k;
    tcp_nodelay on;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    open_file_cache max=10000 inactive=1h;
    open_file_cache_valid 1h;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache levels=1:2 keys_zone=hits:32m max_size=1g inactive=1h use_temp_path=off;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass {origin};
            proxy_cache hits;
            add_header X-Cache $upstream_cache_status;
        }}
    }}
}}
"""


class Failed(Exception):
    """Why there is no result, for the person at the terminal."""


# ---- The origin behind the caches: it is asked once per cache and body, so it may be slow.


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"x" * int(self.path.rsplit("/", 1)[-1])
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Cache-Control", "public, max-age=86400")
        self.send_header("ETag", f'"{len(body)}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def origin():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


# ---- Programs


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, core, log):
    """A server pinned to a core; ended, by its id, however this run ends."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_until_listening(name, child, port, log):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    log.seek(0)
    raise Failed(f"{name} does not listen on port {port}; it said:\n{log.read()}")


class Server:
    def __init__(self, name, child, port):
        self.name = name
        self.pid = child.pid
        self.port = port

    def url(self, body_bytes):
        return f"http://127.0.0.1:{self.port}/hit/{body_bytes}"

    def cpu_ns(self):
        return sum(cpu_ns_of(pid) for pid in family_of(self.pid))


def family_of(pid):
    """The process and its children (nginx: the master and its worker)."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [int(child) for child in children]


def cpu_ns_of(pid):
    """Nanoseconds its threads have run, in user and kernel mode together."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def start(stack, name, core, make_command):
    """make_command takes the port to listen on."""
    port = free_port()
    log = stack.enter_context(tempfile.TemporaryFile("w+"))
    child = stack.enter_context(running(make_command(port), core, log))
    wait_until_listening(name, child, port, log)
    return Server(name, child, port)


def start_floor(stack, options, body_bytes):
    return start(
        stack,
        FLOOR,
        options.server_core,
        lambda port: [options.bench, "floor", "--listen", f"127.0.0.1:{port}", "--body-bytes", str(body_bytes)],
    )


def start_edge(stack, options, upstream):
    if not os.access(options.edge, os.X_OK):
        print(f"(no edge: {options.edge} is not there; the run goes on without)", file=sys.stderr)
        return None
    return start(
        stack,
        EDGE,
        options.server_core,
        lambda port: [options.edge, "edge", "--listen", f"127.0.0.1:{port}", "--upstream", upstream]
        + ["--workers", "1", "--admin", f"127.0.0.1:{free_port()}", "--log-level", "warn"],
    )


def start_nginx(stack, options, upstream, body_bytes):
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        print("(nginx is not installed; the run goes on without: apt-get install nginx-light)", file=sys.stderr)
        return None
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tidemark-nginx-", dir=memory))
    user = "user root;" if os.geteuid() == 0 else ""
    conf = pathlib.Path(folder) / "nginx.conf"

    def command(port):
        sendfile = "on" if body_bytes >= NGINX_SENDFILE_FROM_BYTES else "off"
        conf.write_text(NGINX_CONF.format(user=user, folder=folder, port=port, origin=upstream, sendfile=sendfile))
        return [program, "-c", str(conf), "-p", folder, "-e", f"{folder}/error.log"]

    return start(stack, NGINX, options.server_core, command)


# ---- Measuring


def marked_as_hit(response):
    status = response.getheader("Cache-Status")
    if status is not None:
        return "hit" in [word.strip() for word in status.split(",")[-1].split(";")]
    return response.getheader("X-Cache") == "HIT"


def require_hit(server, body_bytes):
    """The second answer of a cache must be a whole, marked hit; the floor's only needs to be whole."""
    for attempt in ("first", "second"):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=START_SECONDS)
        connection.request("GET", f"/hit/{body_bytes}")
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status != 200 or len(body) != body_bytes:
            raise Failed(f"{server.name}: its {attempt} answer is {response.status} with {len(body)} bytes")
    if server.name != FLOOR and not marked_as_hit(response):
        raise Failed(f"{server.name}: its second answer is not a hit:\n{response.headers}")


def load(server, options, body_bytes, seconds):
    command = [options.bench, "load", "--json", "--max", "--url", server.url(body_bytes)]
    command += ["--connections", str(options.connections), "--pipeline", str(options.pipeline)]
    command += ["--duration", f"{round(seconds * 1000)}ms"]
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {options.load_core}),
    )
    try:
        out, _ = child.communicate()
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
    if child.returncode != 0:
        raise Failed(f"{server.name}: the load on it failed:\n{out}")
    return json.loads(out)


def measure(server, options, body_bytes, seconds):
    before = server.cpu_ns()
    results = load(server, options, body_bytes, seconds)
    cpu_ns = server.cpu_ns() - before
    answers = results["responses"]
    if results["body_bytes"] != answers * body_bytes:
        raise Failed(f"{server.name}: bodies of another length than {body_bytes}")
    if server.name != FLOOR and results["cache"]["hit"] != answers:
        raise Failed(f"{server.name}: not every answer was a hit: {results['cache']}")
    return {
        "cpu_us_per_request": cpu_ns / answers / 1000,
        "requests_per_second": results["rate_per_second"],
        "core_busy": cpu_ns / 1e9 / results["elapsed_seconds"],
        "p99_us": results["latency_us"]["p99"],
        "requests": answers,
    }


def measure_size(options, upstream, body_bytes):
    """One list of rounds for each server."""
    with contextlib.ExitStack() as stack:
        started = [start_floor(stack, options, body_bytes)]
        started += [start_edge(stack, options, upstream)]
        started += [start_nginx(stack, options, upstream, body_bytes)]
        servers = [server for server in started if server is not None]
        for server in servers:
            require_hit(server, body_bytes)
            load(server, options, body_bytes, min(0.5, options.seconds))
        rounds = {server.name: [] for server in servers}
        for number in range(options.rounds):
            first = number % len(servers)  # whoever comes first in one round comes last in the next
            for server in servers[first:] + servers[:first]:
                rounds[server.name].append(measure(server, options, body_bytes, options.seconds))
            done = "  ".join(f"{name} {values[-1]['cpu_us_per_request']:.2f}" for name, values in rounds.items())
            print(f"{body_bytes} B, round {number + 1} of {options.rounds}, us/request: {done}", file=sys.stderr)
        return rounds


# ---- Results


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def ratios(rounds, name, against):
    pairs = zip(rounds[name], rounds[against])
    return spread([mine["cpu_us_per_request"] / other["cpu_us_per_request"] for mine, other in pairs])


def summarise(rounds):
    summary = {}
    for name, values in rounds.items():
        summary[name] = {
            key: spread([value[key] for value in values])
            for key in ("cpu_us_per_request", "requests_per_second", "core_busy", "p99_us")
        }
        for against in (FLOOR, NGINX):
            if against in rounds:
                summary[name][f"times_{against}"] = ratios(rounds, name, against)
    return summary


def first_line(command):
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
        return (done.stdout.splitlines() or [""])[0].strip() if done.returncode == 0 else None
    return None


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def conditions(options):
    changed = first_line(["git", "status", "--porcelain", "--untracked-files=no"])
    return {
        "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": first_line(["git", "rev-parse", "--short", "HEAD"]),
        "uncommitted_changes": bool(changed),
        "processor": processor(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "nginx": first_line(["/usr/sbin/nginx", "-v"]),
        "load_average_before": os.getloadavg()[0],
        "connections": options.connections,
        "pipeline": options.pipeline,
        "rounds": options.rounds,
        "seconds_per_round": options.seconds,
        "command": "bench/hit.py " + " ".join(sys.argv[1:]),
    }


def cell(values, digits):
    if values is None:
        return "–"
    return f"{values['median']:.{digits}f} ({values['min']:.{digits}f}–{values['max']:.{digits}f})"


def table(summary):
    lines = ["| server | CPU µs per request | × floor | × nginx | requests/s | core busy |"]
    lines += ["|---|---|---|---|---|---|"]
    for name, values in summary.items():
        cells = [name, cell(values["cpu_us_per_request"], 2)]
        cells += [cell(values.get("times_floor"), 2), cell(values.get("times_nginx"), 2)]
        cells += [cell(values["requests_per_second"], 0), cell(values["core_busy"], 2)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def markdown(facts, sizes):
    commit = str(facts["commit"]) + (" with uncommitted changes" if facts["uncommitted_changes"] else "")
    text = "# What a hit costs\n\n"
    text += f"{facts['when']}, commit {commit}, `{facts['command'].strip()}`  \n"
    text += f"{facts['processor']}, {facts['cores']} cores, Linux {facts['kernel']}, {facts['nginx']}, "
    text += f"load average before {facts['load_average_before']:.2f}  \n"
    text += f"{facts['connections']} keep-alive connections, pipeline {facts['pipeline']}, one worker; medians "
    text += f"(min–max) of {facts['rounds']} interleaved rounds of {facts['seconds_per_round']:g} s. "
    text += "Ratios are of CPU time, taken within each round.\n"
    for size in sizes:
        text += f"\n## Body of {size['body_bytes']} bytes\n\n{table(size['summary'])}\n"
    return text


def write_results(options, facts, sizes):
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    stem = "hit-" + facts["when"].replace(":", "").replace("+0000", "Z")
    files = [out / f"{stem}.json", out / f"{stem}.md"]
    files[0].write_text(json.dumps({"conditions": facts, "sizes": sizes}, indent=2) + "\n")
    files[1].write_text(markdown(facts, sizes))
    if options.keep:
        kept = ROOT / "bench" / "results"
        kept.mkdir(exist_ok=True)
        files = [pathlib.Path(shutil.copy(file, kept)) for file in files]
    return files


def read_options():
    parser = argparse.ArgumentParser(
        prog="hit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    build = ROOT / "build" / "release"
    parser.add_argument("--body-bytes", type=int, nargs="+", default=[1024], metavar="N", help="default 1024")
    parser.add_argument("--connections", type=int, default=64, metavar="N", help="keep-alive, default 64")
    parser.add_argument("--pipeline", type=int, default=1, metavar="K", help="requests in flight on each, default 1")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default 5")
    parser.add_argument("--seconds", type=float, default=3, metavar="S", help="per server and round, default 3")
    parser.add_argument("--server-core", type=int, default=0, metavar="CORE", help="default 0")
    parser.add_argument("--load-core", type=int, default=1, metavar="CORE", help="default 1")
    parser.add_argument("--edge", default=str(build / "tidemark"), metavar="PROGRAM")
    parser.add_argument("--bench", default=str(build / "tidemark-bench"), metavar="PROGRAM")
    parser.add_argument("--keep", action="store_true", help="write the results to bench/results, to be committed")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds <= 0 or min(options.body_bytes) < 0:
        parser.error("--rounds, --seconds and --body-bytes must be positive")
    missing = {options.server_core, options.load_core} - os.sched_getaffinity(0)
    if missing:
        parser.error(f"no core {sorted(missing)} here; choose with --server-core and --load-core")
    return options


def main():
    options = read_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    facts = conditions(options)
    sizes = []
    with origin() as upstream:
        for body_bytes in options.body_bytes:
            rounds = measure_size(options, upstream, body_bytes)
            sizes.append({"body_bytes": body_bytes, "summary": summarise(rounds), "rounds": rounds})
    files = write_results(options, facts, sizes)
    print(markdown(facts, sizes))
    print("written: " + ", ".join(str(file.relative_to(ROOT)) for file in files))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except Failed as failure:
        sys.exit(f"hit: {failure}")
