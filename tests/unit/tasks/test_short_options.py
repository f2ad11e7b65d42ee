"""-q and -v mean what they mean elsewhere; no other option of an experiment has a short name."""

from blackstart.tasks._options import experiment_task


def test_only_what_is_usual_has_a_short_name() -> None:
    made = experiment_task("drill", "A drill.", lambda options: 0)
    short = {arg.names for arg in made.get_arguments() if len(arg.names) > 1 and len(arg.names[1]) == 1}
    assert short == {("quiet", "q"), ("verbose", "v")}
