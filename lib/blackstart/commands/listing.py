"""`chaos.list`: the experiments there are."""

from blackstart.base import writer
from blackstart.base.printable import table
from blackstart.base.secrets.redact import Redactor
from blackstart.commands.answer import answering
from blackstart.model.verdict import Verdict
from blackstart.suites import discovery


@answering()
def list_experiments(redactor: Redactor) -> int:
    rows = [(f.name, f.suite or "yours", f.says) for f in discovery.everything()]
    writer.page(*table(rows, ("experiment", "suite", "says"), writer.columns()))
    return Verdict.HELD.exit_code
