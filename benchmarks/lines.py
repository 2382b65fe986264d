"""
Which lines of Python the instructions of a delivery belong to. Linux on x86-64, CPython 3.11.

    python -m benchmarks.lines "dcrf_graph, GraphQL"

`benchmarks.instructions` says how many there are, this where they go, exactly and in 20 seconds.
One process is run instruction by instruction, and after each it is read which line its interpreter
is at. The clients' send does nothing, and what it costs is shown, too. The deliveries only: before
them the event is handed to all who subscribed, which takes 1,800 more for each.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import importlib
import json
import linecache
import os
import platform
import signal
import struct
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, BinaryIO

from benchmarks.contenders import ROOT
from benchmarks.instructions import WIRES, Client, subscribed

MODULE = "benchmarks.lines"
CLIENTS = 40
WARM = 40
"""Events before the one that is counted: Python specialises what it does often."""
FIRST, DELIVERIES = 15, 3
"""Which deliveries are counted, and how many."""
SHOWN = 60
"""Instructions for which a line is shown."""

# -- what is counted, in a process of its own ---------------------------------------------------


def codes() -> Iterator[CodeType]:
    """All code that there is."""
    gc.unfreeze()
    found = [each.__code__ for each in gc.get_objects() if type(each) is FunctionType]
    while found:
        code = found.pop()
        found += [each for each in code.co_consts if type(each) is CodeType]
        yield code


def describe(path: Path) -> None:
    """Write where the interpreter keeps its place, and which lines that may be."""
    ctypes.pythonapi.PyThreadState_Get.restype = ctypes.c_void_p
    places = {
        id(code): (code.co_filename, code.co_qualname, [each[0] for each in code.co_positions()])
        for code in codes()
    }
    thread = ctypes.pythonapi.PyThreadState_Get()
    path.write_text(json.dumps([thread, CodeType.__basicsize__, places]))


async def deliver(app: Any, wire: Any, path: Path) -> None:
    """Deliver events; a signal after some deliveries of the last one begins and ends the count."""
    clients = [Client(wire, number) for number in range(CLIENTS)]
    served = [await client.join(app.application) for client in clients]
    await subscribed(clients)
    gc.collect()
    gc.disable()
    heard, counts, complete = 0, False, asyncio.Event()

    def hear() -> None:
        nonlocal heard
        heard += 1
        if counts and FIRST <= heard <= FIRST + DELIVERIES:
            os.kill(os.getpid(), signal.SIGUSR2)
        if heard == CLIENTS:
            complete.set()

    for client in clients:
        client.hears = hear
    for position in range(1, WARM + 2):
        heard = 0
        complete.clear()
        if position > WARM:
            describe(path)
            counts = True
        await app.commands["event"](position)
        await complete.wait()
    for task in served:
        task.cancel()


def serve(name: str, path: str) -> None:
    """What is run step by step."""
    import django

    django.setup()
    from benchmarks.world.tables import create

    create(100)
    [(contender, wire)] = [each for each in WIRES.items() if each[0].name == name]
    asyncio.run(deliver(importlib.import_module(contender.app), wire, Path(path)))


# -- who counts -----------------------------------------------------------------------------------

TRACE_ME, CONTINUE, STEP, GET_REGISTERS = 0, 7, 9, 12
FRAME_OF_THREAD, FRAME, CODE_OF_FRAME = 56, 8, 32
"""Offsets in CPython 3.11: `PyThreadState.cframe`, `_PyCFrame.current_frame`, and
`_PyInterpreterFrame.f_code`, with `prev_instr` three words after it."""
NO_RANDOMIZATION = 0x0040000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def start(name: str, path: Path, database: Path) -> int:
    """Start the process that is counted; returns its id."""
    [contender] = [each for each in WIRES if each.name == name]
    process = os.fork()
    if process:
        os.waitpid(process, 0)
        return process
    libc.personality(NO_RANDOMIZATION)
    libc.ptrace(TRACE_ME, 0, None, None)
    os.chdir(ROOT)
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "benchmarks.world.settings",
        "BENCH_DATABASE": str(database),
        "PYTHONHASHSEED": "0",
        **contender.environment,
    }
    command = [sys.executable, "-m", MODULE, "serve", name, str(path)]
    os.execve(sys.executable, command, environment)


def wait(process: int) -> int:
    """Wait until the process stops; returns the signal."""
    _, status = os.waitpid(process, 0)
    if not os.WIFSTOPPED(status):
        raise SystemExit(f"the process has ended: {status}")
    return os.WSTOPSIG(status)


def run_to_signal(process: int) -> None:
    """Let it run until it asks to be counted."""
    passed_on = 0
    while True:
        libc.ptrace(CONTINUE, process, None, ctypes.c_void_p(passed_on))
        passed_on = wait(process)
        if passed_on == signal.SIGUSR2:
            return


def word(memory: BinaryIO, address: int) -> int:
    """A word of the process."""
    memory.seek(address)
    return int.from_bytes(memory.read(8), "little")


def place(memory: BinaryIO, thread: int, size: int, places: dict[int, Any]) -> Any:
    """The file, function and line that the interpreter is at; None between two frames."""
    try:
        frame = word(memory, word(memory, thread + FRAME_OF_THREAD) + FRAME)
        memory.seek(frame + CODE_OF_FRAME)
        code, _, _, at = struct.unpack("<4Q", memory.read(32))
        file, function, lines = places[code]
        return file, function, lines[(at - code - size) // 2]
    except (OSError, KeyError, IndexError, struct.error):
        return None


def count(process: int, path: Path) -> Counter[Any]:
    """Step through some deliveries; how many instructions each line took."""
    thread, size, described = json.loads(path.read_text())
    places = {int(code): lines for code, lines in described.items()}
    found: Counter[Any] = Counter()
    left = DELIVERIES
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        while left:
            found[place(memory, thread, size, places)] += 1
            libc.ptrace(STEP, process, None, None)
            left -= wait(process) == signal.SIGUSR2
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return found


def show(found: Counter[Any]) -> None:
    """Print functions, the dearest first, with their lines."""
    functions: Counter[Any] = Counter()
    for at, number in found.items():
        functions[at and at[:2]] += number
    print(f"{found.total() / DELIVERIES:9,.0f} a delivery")
    for function, number in functions.most_common():
        if function is None or number / DELIVERIES < SHOWN:
            continue
        file, name = function
        print(f"{number / DELIVERIES:9,.0f} {os.path.relpath(file, ROOT)} {name}")
        lines = {at[2]: each for at, each in found.items() if at and at[:2] == function}
        for line, each in sorted(lines.items(), key=lambda item: item[0] or 0):
            if each / DELIVERIES >= SHOWN:
                text = linecache.getline(file, line or 0).strip()
                print(f"{each / DELIVERIES:16,.0f} {line}: {text[:90]}")


def main(*names: str) -> None:
    """Count, and print."""
    if sys.version_info[:2] != (3, 11) or platform.machine() != "x86_64":
        raise SystemExit("The layout of frames is known of CPython 3.11 on x86-64 only.")
    for name in names:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "lines.json"
            process = start(name, path, Path(directory) / "world.sqlite3")
            run_to_signal(process)
            show(count(process, path))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
