"""What a variant declares stands in its lab's target file, whichever lab it is."""

from blackstart_lab.variants import Variant

HEAD = {"name": "x", "max_rate_hz": 50, "facts": {"a": 1, "b": 2}}


def test_a_variant_tells_its_facts_and_its_rate_beside_what_the_lab_says() -> None:
    assert Variant(summary="plain").told_of(HEAD) == HEAD
    told = Variant(summary="other", facts={"b": 3, "c": 4}, max_rate_hz=20.0).told_of(HEAD)
    assert told == {"name": "x", "max_rate_hz": 20.0, "facts": {"a": 1, "b": 3, "c": 4}}
    assert HEAD["facts"] == {"a": 1, "b": 2}
