"""By hand: every step is a sentence to the operator."""

from blackstart import controls
from blackstart.model.control import State
from blackstart.model.step import Ask
from blackstart.model.target import Service


def test_each_verb_is_a_sentence_that_names_the_service() -> None:
    control = controls.of(Service("redis", control={"manual": "Redis on the blue box"})).resolve()
    steps = [*control.stop(), *control.start(), *control.kill(), *control.pause(), *control.resume()]
    steps += control.crash(State("running"), "SEGV")
    assert all(isinstance(step, Ask) and "Redis on the blue box" in step.text for step in steps)
    assert control.by_hand and control.rights() == () and control.log_tail(5) is None


def test_the_targets_own_sentences_are_used() -> None:
    table = {"manual": True, "stop": "Pull the plug of box 7."}
    control = controls.of(Service("redis", control=table))
    assert control.stop() == (Ask("Pull the plug of box 7."),)
    assert control.start() == (Ask("Start redis now."),)
