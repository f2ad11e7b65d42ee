"""The supervisor's configuration, as text."""

from configparser import RawConfigParser
from pathlib import Path

from blackstart_lab.model import Program, Service
from blackstart_lab.servers import supervisord
from blackstart_lab.workspace import Workspace


def parsed(program: Program) -> RawConfigParser:
    service = Service("redis", program, "127.0.0.1:1", lambda: None)
    parser = RawConfigParser()
    parser.read_string(supervisord.config(Workspace("trader"), (service,)))
    return parser


def test_every_process_carries_the_folder_of_its_lab(own_state: Path) -> None:
    section = parsed(Program(("redis-server",), Path("/tmp"), {"A": "b"}))["program:redis"]
    assert section["environment"] == f'A="b",BLACKSTART_LAB="{own_state}/labs/trader"'


def test_words_with_spaces_and_percent_signs_survive(own_state: Path) -> None:
    section = parsed(Program(("a b", "--save", "", "50%"), Path("/tmp/x%y")))["program:redis"]
    assert section["command"] == "'a b' --save '' 50%%"
    assert section["directory"] == "/tmp/x%%y"


def test_program_is_revived_except_after_its_final_exit_codes(own_state: Path) -> None:
    always = parsed(Program(("x",), Path("/tmp")))["program:redis"]
    assert always["autorestart"] == "true"
    sometimes = parsed(Program(("x",), Path("/tmp"), final_exit_codes=(1, 3)))["program:redis"]
    assert (sometimes["autorestart"], sometimes["exitcodes"]) == ("unexpected", "1,3")


def test_stopping_reaches_the_whole_group(own_state: Path) -> None:
    section = parsed(Program(("x",), Path("/tmp"), stop_signal="INT"))["program:redis"]
    assert (section["stopasgroup"], section["killasgroup"], section["stopsignal"]) == ("true", "true", "INT")


def test_no_supervisor_has_no_states(own_state: Path) -> None:
    assert supervisord.states(Workspace("trader")) is None
