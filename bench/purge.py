#!/usr/bin/env python3
"""How fast purges reach 20 edges over a bad network: a short run of each level of loss, then throughput and catch-up.

usage: purge.py [--full] [ARGUMENTS OF tidemark-bench purge]

Alone: --suite with 60 purges a level at 40/s, --throughput, and --partition with 20 ms of delay. --full: 400 purges a
level at 20/s. Any other argument is passed on to a single run. build/release has the programs, build/bench the JSON.
"""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(ROOT, "build", "release", "tidemark-bench")
RESULTS = os.path.join(ROOT, "build", "bench")


def run(name, arguments):
    command = [PROGRAM, "purge", *arguments, "--json", os.path.join(RESULTS, f"purge-{name}.json")]
    print("$ tidemark-bench", *command[1:], flush=True)
    code = subprocess.call(command)
    print(flush=True)
    return code


def main(arguments):
    if arguments in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    os.makedirs(RESULTS, exist_ok=True)
    if arguments and arguments != ["--full"]:
        return run("single", arguments)
    how_much = ["--purges", "400"] if arguments else ["--purges", "60", "--rate", "40"]
    codes = [
        run("suite", ["--suite", *how_much]),
        run("throughput", ["--throughput", "--delay", "0"]),
        run("partition", ["--partition", "--delay", "20ms"]),
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
