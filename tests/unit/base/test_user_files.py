"""What is executed of a user's file is what stands in it, and what was hashed."""

from __future__ import annotations

import hashlib
import importlib.util
import py_compile
from pathlib import Path

import pytest

from blackstart.base.errors import BadExperiment
from blackstart.base.user_files import load_file


def test_what_was_compiled_beside_it_is_not_executed(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.py", tmp_path / "other.py"
    mine.write_text("WHAT = 'what stands there'\n")
    other.write_text("WHAT = 'planted'\n")
    planted = importlib.util.cache_from_source(str(mine))
    py_compile.compile(str(other), planted, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    assert load_file(str(mine)).WHAT == "what stands there"


def test_a_file_that_was_changed_since_it_was_hashed_is_not_executed(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("from pathlib import Path\nPath(__file__).with_name('trace').touch()\n")
    with pytest.raises(BadExperiment, match="it has just been changed"):
        load_file(str(mine), sha256="0" * 64)
    assert not (tmp_path / "trace").exists()
    load_file(str(mine), sha256=hashlib.sha256(mine.read_bytes()).hexdigest())
    assert (tmp_path / "trace").exists()
