"""`stackelberg learn` as a group of commands."""

from __future__ import annotations

from cli.command import CommandLine, assert_refused


def test_the_group_says_what_it_holds(stackelberg: CommandLine) -> None:
    ended = stackelberg("learn", "--help")
    assert ended.code == 0
    assert "Usage: stackelberg learn" in ended.out


def test_an_unknown_command_is_one_line(stackelberg: CommandLine) -> None:
    assert_refused(stackelberg("learn", "trian"), "trian")
