"""Into a container's network: which port it has there, and how a command is wrapped."""

import shlex

import pytest

from blackstart.faults._containers import container_port, into
from blackstart.model import Command


@pytest.mark.parametrize(
    ("told", "published", "inner"),
    [
        ('{"6379/tcp": [{"HostIp": "127.0.0.1", "HostPort": "55747"}]}', 55747, 6379),
        ('{"6379/tcp": [{"HostPort": "1"}], "80/tcp": [{"HostPort": "2"}]}', 2, 80),
        ('{"53/udp": [{"HostPort": "5353"}]}', 5353, 5353),
        ('{"6379/tcp": null}', 6379, 6379),
        ("{}", 6379, 6379),
        ("null", 6379, 6379),
        ("no json", 6379, 6379),
    ],
)
def test_the_port_behind_a_published_one_is_found(told: str, published: int, inner: int) -> None:
    assert container_port(told, published) == inner


def test_a_command_is_wrapped_as_one_word() -> None:
    enter = Command(("sh", "-c", "script", "docker", "", "/usr/bin/docker", "--filter", "name=x"))
    words = into(enter, ("tc", "qdisc", "add", "it's"))
    assert words[:4] == enter.argv[:4] and words[5:] == enter.argv[5:]
    assert shlex.split(words[4]) == ["tc", "qdisc", "add", "it's"]
