"""The order of events of a run. The only file that knows it.

    lock → evidence folder → baseline → link → rights, rehearsal → HEAL.sh → guardian → ledger: intent → do → done
    → bites → hold, sampling → undo → gone → recovery → settle → gone still → checks → judge → abort if asked for

From the first `do` to the last undo `fault_phase` knows it: a schedule does and undoes several times.

Whatever happens on the way, from the first `do` on, the undo is carried out and proved before anything else.
"""

import contextlib
import os
import traceback
from collections.abc import Callable
from dataclasses import replace

from blackstart.base import clock
from blackstart.base.console import Console
from blackstart.base.errors import EndedEarly, Interrupted, Refused
from blackstart.base.secrets.placeholders import SecretPlaceholders
from blackstart.base.secrets.redact import Redactor
from blackstart.engine import abort, bystanders, link_check, load_setup, planning, recording, safe_state
from blackstart.engine.fault_phase import FaultPhase
from blackstart.engine.injection import Injection
from blackstart.engine.load import TrafficRun
from blackstart.engine.load_setup import LoadSetup
from blackstart.engine.narrator import Narrator
from blackstart.engine.observer import CALM_TICK_S, FAST_TICK_S, Observer
from blackstart.engine.signals import Signals
from blackstart.evidence import folder
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Journal
from blackstart.model.expect import BASELINE_WITHIN_S
from blackstart.model.flags import Flags, secrets_of_run
from blackstart.model.plan import Plan
from blackstart.model.verdict import Verdict
from blackstart.safety.guardian.client import Guardian
from blackstart.safety.heal import heal_script
from blackstart.safety.heal.restore import STAYS_GONE_S
from blackstart.safety.ledger import undo_copies
from blackstart.safety.preflight import forbidden_states, freeze, rehearsal
from blackstart.safety.preflight.service_lock import Locks
from blackstart.verdict import from_folder
from blackstart.verdict.judge import Judgement
from blackstart.verdict.monitors import Monitors

LONGEST_OVERTIME_S = 10.0
_FLICKERS_FOR_S = 3.0

_UNDONE = "undone already, its recovery is not waited for"


class Run:
    """One run of one plan, from lock to report. Everything that may fail halfway is undone in `_mend`."""

    def __init__(self, plan: Plan, flags: Flags, console: Console, redactor: Redactor, **head: object) -> None:
        self.plan, self.flags, self.console, self.redactor, self.head = plan, flags, console, redactor, head
        self.experiment = plan.experiment
        self.placeholders = SecretPlaceholders(secrets_of_run(plan.target, flags), redactor.learn)
        self.locks, self.signals, self.touched = Locks(plan.identities, redactor), Signals(), False
        self.interruption_told = self.told_to_pause = False
        self.at_work, self.freeze = contextlib.ExitStack(), freeze.Watch(os.environ)
        console.between = self._while_asked

    def execute(self) -> from_folder.Result:
        """Run it. Raises Refused where it can't be started; then nothing was touched and nothing is left."""
        forbidden_states.refuse_unfit(self.plan)
        with self.signals, self.at_work, self.freeze:
            self.locks.take(self.experiment.name, self.plan.target.name)
            try:
                self._open()
                with self.console.live(self.narrator.rows):
                    return self._phases()
            finally:
                self.locks.release()

    def _open(self) -> None:
        self.folder = folder.make(self.flags.reports, self.experiment.name, undo_copies.claim)
        self.handles = self.at_work.enter_context(folder.at_work(self.folder.path))
        try:
            self._furnish()
        except Exception:
            folder.discard(self.folder, undo_copies.forget)
            raise

    def _furnish(self) -> None:
        self.journal = Journal(self.folder.journal, self.redactor.scrub)
        self.experiment = load_setup.of_run(planning.with_history(self.experiment, self.folder.history), self.folder)
        self.plan = replace(self.plan, experiment=self.experiment)
        self.monitors = Monitors(self.experiment, self.plan.changes)
        target = self.plan.target
        read_timeout_s = min(target.read_timeout_s, self.experiment.read_timeout_s)
        self.observer = Observer(self.monitors, self.journal, target.max_rate_hz, read_timeout_s)
        self.narrator = Narrator(self.console, self.observer, self.plan, self.flags.verbose)
        self.changes = (*self.plan.changes, *load_setup.changes(self.plan, self.folder))
        self.guardian = Guardian(self.folder, self.changes, placeholders=self.placeholders)
        self.injection = Injection(self.plan, self.folder, self.observer, self.narrator, self.guardian)
        self.load_setup = LoadSetup(self.plan, self.folder, self.observer, self.narrator, self.guardian)
        self.bystanders = bystanders.Bystanders(self.plan)
        self.traffic = TrafficRun(
            self.experiment.traffic, target, self.folder, self.observer, self._set_up_load, self._between
        )
        self.ends_by_s = clock.now_s() + self.experiment.total_max_s
        recording.head(self.observer, self.plan, self.flags, self.folder, **self.head)

    def _phases(self) -> from_folder.Result:
        try:
            self._baseline()
            self._prepare()
            self._break()
        except Refused as refusal:
            self._refused(refusal)
        except Interrupted as interruption:
            left = self.injection.outstanding
            self._tell_interruption(f"{interruption}: restoring first" if left else f"{interruption}: nothing to undo")
        except Exception as error:
            self._crashed(error)
        finally:
            restored = self._mend()
        try:
            if restored and self.signals.first is None:
                self._safely(self._recover)
        finally:
            self._confirm_gone()
            self._wind_down()
        return self._close()

    def _while_asked(self) -> None:
        self.guardian.problem()
        self.signals.check()

    def _baseline(self) -> None:
        self.observer.phase("baseline", self.monitors.open)
        self.observer.start(self.plan.probes(), self.experiment.stop_if)
        self.observer.pace(FAST_TICK_S)  # two readings in a row are soon there
        self.guardian.start((*self.locks.handles(), *self.handles))
        for step in self.experiment.prepare:
            self.injection.prepare(step)
        self.traffic.begin("throughout")
        self.console.say(f"baseline: {', '.join(e.name for e in self.experiment.baseline) or 'nothing asked for'}")
        limit_s = self._within(max((e.within_s or 0.0 for e in self.experiment.baseline), default=BASELINE_WITHIN_S))
        over_s = limit_s + LONGEST_OVERTIME_S
        self.observer.wait(lambda: self._flows() or self.observer.baseline_missed(limit_s), over_s, self._between)
        self._demand_baseline()
        self.observer.pace(CALM_TICK_S)
        recording.snapshot(self.plan, self.folder, "baseline", self.observer)
        recording.collect_before(self.experiment, self.observer, self._between)

    def _flows(self) -> bool:
        return self.observer.baseline_holds() and self.traffic.flowing()

    def _demand_baseline(self) -> None:
        if not self._flows():
            raise Refused(f"the baseline does not hold: {self.narrator.baseline_failures()}")

    def _prepare(self) -> None:
        self.narrator.waiting("checks before the fault", "checks")
        link_check.prove(self.plan, self.flags, self.observer, self.console)
        for line in rehearsal.rehearse(self.plan.changes):
            self.observer.note(EventName.REHEARSED, message=line)
        self.bystanders.look("before", self.observer, self._between)
        self._keep_undos()
        self.traffic.arm()
        # Asking and rehearsing may have taken long. What only flickers just now is well again in a moment.
        self.observer.wait(self._flows, self._within(_FLICKERS_FOR_S), self._between)
        self._demand_baseline()
        self._between()

    def _keep_undos(self) -> None:
        """Where they outlive the run, before the first `do`, be it for the load or the fault's."""
        if self.folder.heal_script.exists():
            return
        heal_script.write(self.folder.heal_script, self.folder.run, self.changes, self.placeholders)
        self.guardian.wait_up()
        if self.changes:
            undo_copies.bind_script(self.folder.run, self.folder.heal_script)
            self.console.say(f"undo by hand, if all else fails: sh {self.folder.heal_script}")

    def _set_up_load(self) -> None:
        if self.load_setup.plan.changes:
            self._keep_undos()
            self.load_setup.make(self._between)

    def _break(self) -> None:
        self.observer.pace(FAST_TICK_S)
        self.touched = True
        began_s = self.observer.phase("fault", self.monitors.fault)
        self.observer.watch([condition.probe for change in self.plan.changes for condition in change.bites])
        self.traffic.begin("fault")
        phase = FaultPhase(
            self.plan, self.observer, self.injection, self.traffic, self.narrator, self.console, self._between,
            self._stop, self.ends_by_s,
        )  # fmt: skip
        if phase.go_through(began_s):
            recording.snapshot(self.plan, self.folder, "fault", self.observer)
        else:
            self.observer.note(EventName.SNAPSHOT, phase="fault", missing="an exact hold leaves no time for one")

    def _within(self, limit_s: float) -> float:
        return min(clock.now_s() + limit_s, self.ends_by_s)

    def _between(self) -> None:
        """What ends a wait early, looked at a few times a second."""
        self.narrator.tick()
        self.signals.check()
        if self.observer.stop_because:
            self._stop(EventName.ABORTED, self.observer.stop_because)
        if frozen := self.freeze.frozen:
            self._stop(EventName.ABORTED, str(frozen), frozen=frozen.whose)
        if self.journal.failure is not None:
            self._stop(EventName.INCONCLUSIVE, f"the evidence can't be written any more: {self.journal.failure}")
        if clock.now_s() > self.ends_by_s:
            self._stop(EventName.ABORTED, f"the run reached its longest total time ({self.experiment.total_max_s:g} s)")
        if problem := self.guardian.problem() or self.traffic.problem():
            self._stop(EventName.INCONCLUSIVE, problem)

    def _stop(self, event: EventName, message: str, **facts: str) -> None:
        if not self.touched and not self.traffic.flowed():
            raise Refused(message)  # nothing was touched yet
        self.observer.note(event, message=message, sync=True, **facts)
        self.console.say(f"ending early: {message}")
        raise EndedEarly(message)

    def _mend(self) -> bool:
        """Undo whatever was done, newest first. True when there was something to undo and all of it is proved gone."""
        if self.touched:
            self._safely(self._enter_recovery)
        return self.injection.undo() if self.injection.outstanding else self.touched and not self.plan.changes

    def _enter_recovery(self) -> None:
        self.observer.pace(FAST_TICK_S)
        self.observer.phase("recovery", self.monitors.recovery)
        if self.injection.outstanding:
            self.observer.watch([condition.probe for change in self.plan.changes for condition in change.gone])

    def _safely(self, step: Callable[[], object], event: EventName = EventName.INCONCLUSIVE) -> None:
        """What fails here must not keep the undo, or what comes after it, from happening."""
        self.guardian.problem()  # a sign of life, as in every wait
        try:
            step()
        except Exception as error:
            self._crashed(error, event)

    def _recover(self) -> None:
        longest_s = max((e.within_s or 0.0 for e in self.experiment.recovery), default=0.0)
        self.traffic.begin("recovery")
        self.narrator.waiting("recovery", "recovery")
        until_s = self._within(longest_s + LONGEST_OVERTIME_S)
        self.observer.wait(self._recovered, until_s, self._between_recovery)
        self.observer.pace(CALM_TICK_S)
        self.observer.phase("settle")
        recovered = all(one.interval is not None for one in self.observer.awaited("recovery"))
        what = "it has recovered; does it last" if recovered else "it has not recovered; a last look"
        self.narrator.waiting(what, "settle", self.experiment.settle_s)
        self.observer.settle(self.experiment.settle_s, self.ends_by_s, self._between_recovery)  # under its load still
        self.traffic.end()
        recording.snapshot(self.plan, self.folder, "recovery", self.observer)

    def _recovered(self) -> bool:
        gone = not self.plan.changes or self.observer.effect("gone") is not None
        seen = gone and not self.observer.undecided("recovery")
        self.observer.pace(CALM_TICK_S if seen else FAST_TICK_S)  # a load's rest is not to measure our own asking
        return seen and self.traffic.over("recovery")

    def _between_recovery(self) -> None:
        self.narrator.tick()
        self.guardian.problem()  # the sign that the run lives; what is wrong with its guardian no longer matters here
        if self.signals.first is not None:
            self._tell_interruption(f"{Interrupted(self.signals.first)}: {_UNDONE}; closing the record")
            raise EndedEarly("interrupted")

    def _tell_interruption(self, told: str) -> None:
        """Once, when it ends a wait: whoever asked for the end sees that it was heard."""
        if not self.interruption_told:
            self.interruption_told = True
            self.console.say(told)

    def _confirm_gone(self) -> None:
        """The undo must have stayed: only then is it forgotten by ledger and guardian."""
        if self.injection.outstanding:
            self.narrator.waiting("looking whether the undo lasts", "gone", STAYS_GONE_S)
            gone_s = min(self.observer.effect("gone") or clock.now_s(), clock.now_s())
            self.observer.wait(self._watching_recovery, gone_s + STAYS_GONE_S, self.guardian.problem)
            self.injection.confirm()

    def _watching_recovery(self) -> bool:
        """Never over. Of an undo that nobody waited for, what recovers from the moment of its proof on is seen, too."""
        self.observer.effect("gone")
        return False

    def _wind_down(self) -> None:
        self.narrator.waiting("reading the final state", "end")
        if self.signals.first is not None:
            interrupted = str(Interrupted(self.signals.first))
            restored = "NOT RESTORED" if self.injection.outstanding else _UNDONE
            self._tell_interruption(f"{interrupted}: {restored}; closing the record")
            self.observer.note(EventName.INTERRUPTED, message=interrupted, sync=True)
        self._safely(self.traffic.end)
        self._safely(self.load_setup.take_away)
        if self.signals.first is None and self.touched and self.experiment.drained:
            self._safely(self._drain)
        self._safely(lambda: recording.collect(self.experiment, self.observer, self.guardian.problem))
        if self.flags.pause_on_fail and safe_state.spares_services(self.plan.target, self.flags):
            self._safely(self._pause_if_failed)
        self._safely(lambda: self.bystanders.look("after", self.observer, self._between_recovery), EventName.TROUBLE)
        if self.told_to_pause:
            return
        if self.signals.first is None:
            self._safely(lambda: self.observer.decide(self.ends_by_s, self._between_recovery))
        self.observer.phase("end")

    def _pause_if_failed(self) -> None:
        """What is broken already stays so: the look at the others takes seconds, in which the system would go on. What
        is read from then on is the pause's doing, and not judged."""
        judgement = self._judged()
        if judgement.verdict in (Verdict.BROKE, Verdict.NOT_RESTORED):
            self.observer.phase("end")
            self._pause(judgement.verdict)

    def _judged(self) -> Judgement:
        made = self.injection, self.load_setup
        left = set().union(*(one.proved for one in made)), [why for one in made for why in one.unproved()]
        return from_folder.judge_run(self.folder.path, self.journal.failure, *left)

    def _pause(self, verdict: Verdict) -> None:
        self.told_to_pause = True
        between = self.signals.unless_again(self.guardian.problem)
        arguments = (self.plan.target, self.flags, self.observer, self.console, verdict, between)
        self.narrator.waiting("PAUSE_ON_FAIL", "end")
        self._safely(lambda: abort.to_safe_state(*arguments), EventName.ABORT_FAILED)

    def _drain(self) -> None:
        self.observer.pace(FAST_TICK_S)
        self.observer.phase("drain", self.monitors.drain)
        longest_s = max(e.within_s or 0.0 for e in self.experiment.drained)
        self.narrator.waiting("once the load has ended", "drain")
        until_s = self._within(longest_s + LONGEST_OVERTIME_S)
        undecided, wavering = self.observer.undecided, self.observer.wavering
        self.observer.wait(lambda: not undecided("drain") and not wavering("drain"), until_s, self._between_recovery)

    def _refused(self, refusal: Refused) -> None:
        if self.touched or self.traffic.flowed():
            message = str(refusal.args[0] if refusal.args else refusal)  # too late for "Not started:"
            self.observer.note(EventName.INCONCLUSIVE, message=message, sync=True)
            self.console.say(f"ending early: {message}")
        else:
            self.observer.note(EventName.REFUSED, message=str(refusal), sync=True)

    def _crashed(self, error: Exception, event: EventName = EventName.INCONCLUSIVE) -> None:
        if isinstance(error, EndedEarly):
            return  # its reason stands in the journal
        self.observer.note(event, message=f"{type(error).__name__}: {error}", trace=traceback.format_exc())
        self.console.say(f"something went wrong: {type(error).__name__}: {error}")

    def _close(self) -> from_folder.Result:
        made = self.injection, self.load_setup
        judgement = self._judged()
        wanted = safe_state.wanted(self.flags, judgement.verdict, self.plan.changes or self.traffic.flowed())
        if wanted and not self.told_to_pause:
            self._pause(judgement.verdict)
        self.narrator.waiting("closing the record", "end")
        if self.touched:
            self._safely(lambda: self.narrator.keep_logs(judgement), EventName.TROUBLE)
        self._safely(self.observer.stop, EventName.TROUBLE)
        self._safely(lambda: self.guardian.release(keep=any(one.outstanding for one in made)), EventName.TROUBLE)
        self.observer.note(EventName.VERDICT, verdict=judgement.verdict, reasons=list(judgement.reasons), sync=True)
        self.journal.close()
        by_signal = self.signals.first is not None and judgement.verdict != Verdict.NOT_RESTORED
        report = self.folder, judgement, self.console, self.narrator.verdict
        self._safely(lambda: recording.report(*report), EventName.TROUBLE)
        code = self.signals.exit_code if by_signal else judgement.verdict.exit_code
        return from_folder.Result(judgement, self.folder, code)
