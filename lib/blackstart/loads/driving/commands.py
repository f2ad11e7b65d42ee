"""Runs a program for each request at its time, each in a thread that waits for it; none waits for another."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from blackstart.base.errors import BlackstartError
from blackstart.base.secrets.env import secret
from blackstart.controls.steps.ssh import close_machines
from blackstart.evidence import history
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.loads.commands import Commands
from blackstart.loads.driving.command_run import Job, Program
from blackstart.loads.driving.control import Control, say
from blackstart.loads.driving.redacting import redactor
from blackstart.loads.driving.sender import Done, Sender
from blackstart.loads.stages import planned
from blackstart.loads.summary import Driven, summarise


async def drive(load: Commands, spec_path: Path, history_path: Path, control: Control, share: object) -> None:
    """Play the load, and tell the parent what came of it. Raises ValueError where its program can't be run at all."""
    program = Program(load)
    try:
        program.check()
    except BlackstartError as error:
        raise ValueError(str(error)) from error
    try:
        driven = await _play(load, program, history_path, control)
    finally:
        close_machines()
    driven = dataclasses.replace(driven, planned=planned(load.stages))
    say("summary", **summarise(load.name, load.kind, history.read(history_path), driven).to_data())


async def _play(load: Commands, program: Program, history_path: Path, control: Control) -> Driven:
    mask = redactor([secret(value) for value in load.env.values() if value.startswith("env:")])
    # A thread for each that may be under way: one that had to wait for a thread would be late for our own reasons.
    with HistoryWriter(history_path, mask) as writer, ThreadPoolExecutor(load.max_in_flight) as threads:

        def job(at: int, key: str, number: int, worker: str, done: Done) -> Job:
            return Job(program, key, number, worker, done, threads)

        sender = Sender(load, job, writer, (0, 1))
        say("ready", kind=load.kind, worker=sender.worker, unreachable=[])
        begin_s = await control.go()
        if begin_s is None:
            return Driven(stopped=True, reasons=("it was ended before it began",))
        return await sender.run(begin_s, control)
