"""What docs/checkout.md lists is what there is."""

from blackstart_lab.checkout import lab, mutants
from blackstart_lab.checkout.options import OPTIONS
from tests.docs.pages import table, words
from tests.environment import ROOT

PAGE = ROOT / "docs" / "checkout.md"


def test_page_lists_every_defect_with_what_finds_it_and_every_option() -> None:
    told = {words(row[0]).pop(): (row[1], words(row[2])) for row in table(PAGE, "Defects that can be switched on")}
    declared = lab.LAB.mutants()
    assert told == {name: (of["summary"], set(of["must_fail"])) for name, of in declared.items()}
    assert sorted(told) == mutants.names()
    named = {word.split()[0].removeprefix("--") for row in table(PAGE, "Options") for word in words(row[0])}
    assert named == set(OPTIONS)
