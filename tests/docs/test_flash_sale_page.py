"""What docs/flash-sale.md lists is what there is."""

from blackstart_lab.flash_sale import mutants
from blackstart_lab.flash_sale.options import OPTIONS
from tests.docs.pages import table, words
from tests.environment import ROOT

PAGE = ROOT / "docs" / "flash-sale.md"


def test_page_lists_every_defect_and_every_option() -> None:
    listed = [words(row[0]) for row in table(PAGE, "Defects that can be switched on")]
    assert sorted(set().union(*listed)) == mutants.names()
    told = {word.split()[0].removeprefix("--") for row in table(PAGE, "Options") for word in words(row[0])}
    assert told == set(OPTIONS)
