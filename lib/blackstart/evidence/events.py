"""The names of all events: of a run's journal, its guardian's record and a healing's. Records keep these words."""

from enum import StrEnum


class EventName(StrEnum):
    """What an event tells of; its value is the word in the record, and stays as it is for ever."""

    # ---- what is run
    RUN = "run"  # the first line: the experiment as data, its target, its flags
    PLAN = "plan"  # the changes that the faults mean on this target
    NOTE = "note"  # what an operator wrote
    LINKED = "linked"  # it was proved that a service is the target's own
    LINK_ASSUMED = "link assumed"  # ... or the operator's word was taken for it beforehand
    LINK_CONFIRMED = "link confirmed by the operator"  # ... or when asked
    REHEARSED = "rehearsed"  # an undo was tried on a healthy system
    # ---- what is seen
    PHASE = "phase"  # baseline, fault, recovery, settle or end began
    INSTANT = "instant"  # a stretch of a schedule began or ended: when it was planned, and when it did
    READ = "read"  # one read of an endpoint, and what its probes saw in it
    LATENESS = "lateness"  # how late a process of ours was, and how much it waited for a processor
    LOAD = "load"  # the load is armed, or has ended with its summary
    FINAL = "final"  # a value of the final state, or one of before that it is compared with
    SNAPSHOT = "snapshot"  # the target's metrics were kept in a file, or could not be
    SERVICES = "services"  # what the services that the run does not touch are, `before` and `after`
    SETTINGS = "settings"  # what services are set to and made of, `before` and `after`
    LOG_TAIL = "log tail"  # the last lines of a service's log
    # ---- what is changed
    DO = "do"  # a change begins
    STEP = "step"  # one of its steps has ended
    DID = "did"  # all of its steps have
    SET_UP = "set up"  # what a load needs begins to be made; that it is gone says `gone`
    UNDO = "undo"  # its undo begins
    UNDO_SAID = "undo said"  # what the undo had to say
    UNDONE = "undone"  # the undo has ended, proved (`ok`) or not
    GONE = "gone"  # it stayed undone (`ok`), or came back
    # ---- how it ends
    REFUSED = "refused"  # it was not started
    INTERRUPTED = "interrupted"  # by a signal
    ABORTED = "aborted"  # for a reason of the experiment, its operator or its time limit
    INCONCLUSIVE = "inconclusive"  # for a reason that leaves nothing to be said of the system
    ABORT = "abort"  # the target was brought to its safe state, or not
    ABORT_STEP = "abort step"  # one step of that
    ABORT_VERIFIED = "abort verified"  # what was read to prove it
    ABORT_FAILED = "abort failed"
    TROUBLE = "trouble"  # a mistake after everything was undone
    VERDICT = "verdict"  # the verdict as it was given
    # ---- the guardian
    GUARDING = "guarding"  # its first line
    TOLD_RUN_TO_END = "told the run to end"  # a lease is over
    RUN_SILENT = "the run is silent; nothing is broken"
    TAKING_OVER = "taking over"  # the run is dead, or did not end
    ENDING_RUN = "ending the run"
    RUN_ENDED = "the run is ended"
    WAITING_FOR_STEP = "waiting for a step under way"
    ENDING_STEP = "ending a step"
    NO_STEP = "no step is under way"
    STEPS_UNSEEN = "could not see what is under way"
    FOUND_UNDONE = "found undone"  # it was gone already
    GONE_WITH_LAB = "gone with its lab"
    GONE_WITH_NETWORK = "gone with its network"
    CLOSED_BY_OTHER = "closed by somebody else"
    SAID = "said"  # what it told of its mending
    ALERT = "alert"  # what it told the terminal and the system's log
    CRASHED = "crashed"
    END = "end"  # its last line
    # ---- a healing
    HEALING = "healing"  # an entry of the ledger is taken up
    GIVEN_UP = "given up"  # a person has forgotten an entry: it stays as it is
    # ---- the states of a change in the ledger, as the run told its guardian
    INTENT = "intent"
    DOING = "doing"
    DONE = "done"
    UNDOING = "undoing"
    LATE = "late"
    CLOSED = "closed"


BEGUN = (EventName.DO, EventName.SET_UP)
"""What must be proved gone by the end."""
