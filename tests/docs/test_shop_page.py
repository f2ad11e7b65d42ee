"""What docs/shop.md lists is what there is."""

from blackstart.suites.shop.system import SYSTEM
from blackstart_lab.shop import lab, mutants
from blackstart_lab.shop.options import OPTIONS
from tests.docs.pages import table, words
from tests.environment import ROOT

PAGE = ROOT / "docs" / "shop.md"


def test_page_lists_every_defect_with_what_finds_it_and_every_option() -> None:
    told = {words(row[0]).pop(): (row[1], words(row[2])) for row in table(PAGE, "Defects that can be switched on")}
    declared = lab.LAB.mutants()
    assert told == {
        name: (of["summary"], {*of["must_fail"], f"shop.{of['experiment']}"}) for name, of in declared.items()
    }
    assert sorted(told) == mutants.names()
    named = {word.split()[0].removeprefix("--") for row in table(PAGE, "Options") for word in words(row[0])}
    assert named == set(OPTIONS)


def test_page_lists_every_drill() -> None:
    there = {path.stem.replace("_", "-") for path in (ROOT / "lib/blackstart/suites/shop").glob("[a-z]*.py")}
    told = [words(row[0]).pop().removeprefix("shop.") for row in table(PAGE, "The drills")]
    assert told == [name for name in SYSTEM.order if name in there]
