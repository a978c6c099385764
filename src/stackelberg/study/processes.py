"""Cells on this machine, each worker a process with one thread.

A worker that dies takes one cell with it, which is tried once more in a new worker.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from stackelberg.study.cell import Cell
from stackelberg.study.run_cell import Finished, run_cell
from stackelberg.study.stopping import Stop

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}
"""Environment of a worker: cells run side by side, not their parts."""

TRIES = 2
"""Workers that a cell may take down before it counts as failed."""

WATCH_S = 1.0
"""How often a worker looks whether its parent still lives."""


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    cell: Cell | None = None


@dataclass(frozen=True)
class ProcessBackend:
    """Runs cells in processes of this machine.

    Attributes:
        jobs: processes at a time.
    """

    jobs: int

    def run(self, cells: Sequence[Cell], stop: Stop) -> Iterator[Finished]:
        """Yield each cell's end as it comes; after `stop`, those under way."""
        waiting = list(reversed(cells))
        tries: dict[str, int] = {}
        workers: list[_Worker] = []
        try:
            while True:
                # A worker starts only where there is a cell for it.
                while waiting and not stop.asked and _idle(workers, self.jobs):
                    worker = _free(workers)
                    worker.cell = waiting.pop()
                    worker.pipe.send(worker.cell)
                busy = [worker for worker in workers if worker.cell is not None]
                if not busy:
                    return
                ready = wait([worker.pipe for worker in busy], timeout=0.5)
                for worker in busy:
                    if worker.pipe not in ready:
                        continue
                    ended = _received(worker)
                    if isinstance(ended, Finished):
                        yield ended
                        continue
                    workers.remove(worker)
                    again = _after_death(ended, worker, tries)
                    if again is None:
                        waiting.append(ended)
                    else:
                        yield again
        finally:
            _end(workers)


def _idle(workers: list[_Worker], jobs: int) -> bool:
    return len(workers) < jobs or any(worker.cell is None for worker in workers)


def _free(workers: list[_Worker]) -> _Worker:
    for worker in workers:
        if worker.cell is None:
            return worker
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, os.getpid()), daemon=True)
    with environment(ONE_THREAD), _bare_main():
        process.start()
    theirs.close()
    workers.append(_Worker(process, ours))
    return workers[-1]


def _received(worker: _Worker) -> Finished | Cell:
    """What the worker sent; its cell where it is dead."""
    cell = worker.cell
    assert cell is not None
    try:
        ended: Finished = worker.pipe.recv()
    except (EOFError, OSError):
        return cell
    worker.cell = None
    return ended


def _after_death(cell: Cell, worker: _Worker, tries: dict[str, int]) -> Finished | None:
    """A failure once the cell has taken down too many workers."""
    worker.pipe.close()
    worker.process.join()
    address = cell.address
    tries[address] = tries.get(address, 0) + 1
    if tries[address] < TRIES:
        return None
    code = worker.process.exitcode
    how = f"exit code {code}" if code is None or code >= 0 else f"signal {-code}"
    error = f"WorkerDied: {how}, {TRIES} times (out of memory?)"
    return Finished(address, None, error, "", 0.0)


def _end(workers: list[_Worker]) -> None:
    """Let idle workers go; those in the middle of a cell are ended."""
    for worker in workers:
        worker.pipe.close()
        if worker.cell is not None:
            worker.process.terminate()
    for worker in workers:
        worker.process.join(timeout=5.0)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def work(pipe: Connection, parent: int) -> None:
    """A worker: cells in, ends out, until the pipe closes or the parent dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    os.dup2(2, 1)  # what a method prints is no result of the command
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    while True:
        try:
            cell = pipe.recv()
            pipe.send(run_cell(cell))
        except (EOFError, OSError):
            return


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    os._exit(1)


@contextmanager
def environment(values: dict[str, str]) -> Generator[None, None, None]:
    """Environment variables for processes that start under it."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _bare_main() -> Generator[None, None, None]:
    """Keep workers from running the caller's script again, as spawning else does."""
    main = sys.modules["__main__"]
    kept = {name: getattr(main, name, None) for name in ("__file__", "__spec__")}
    for name in kept:
        setattr(main, name, None)
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(main, name, value)
