"""What the user may write for clients, and what is said when it means nothing."""

from __future__ import annotations

import pytest

from nimwrap.clients.known_clients import KnownClients
from nimwrap.clients.selection import Selection, UnresolvedReason, select
from nimwrap.clients.target_errors import all_resolved, any_resolved
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.domain.ref import ClientRef

EVERYONE = ["nim/powerha1", "nim/powerha2", "nim/aix01", "nim2/aix01", "nim2/web01"]
KNOWN = KnownClients(tuple(ClientRef(*name.split("/")) for name in EVERYONE))
GROUPS = {
    "cluster": ("powerha1", "nim/powerha2"),
    "web": ("web*",),
    "gone": ("aix09", "web01"),
    "outer": ("group:inner", "web01"),
    "inner": ("group:cluster", "group:outer"),
}


def chosen(*targets: str, known: KnownClients = KNOWN) -> Selection:
    return select(targets, known, GROUPS)


def names(*targets: str) -> list[str]:
    return [str(ref) for ref in chosen(*targets).refs]


def refusal(*targets: str) -> NimwrapError:
    with pytest.raises(NimwrapError) as caught:
        all_resolved(chosen(*targets), KNOWN, GROUPS)
    assert (caught.value.code, caught.value.exit_code) == ("usage", ExitCode.USAGE)
    return caught.value


@pytest.mark.parametrize(
    ("targets", "meant"),
    [
        (("powerha2",), ["nim/powerha2"]),
        (("nim2/aix01",), ["nim2/aix01"]),
        (("aix*",), ["nim/aix01", "nim2/aix01"]),
        (("nim2/*",), ["nim2/aix01", "nim2/web01"]),
        (("*",), EVERYONE),
        (("group:cluster",), ["nim/powerha1", "nim/powerha2"]),
        (("group:web", "web01", "web0?"), ["nim2/web01"]),
        (("powerha2", "powerha1", "powerha2"), ["nim/powerha2", "nim/powerha1"]),
        (("group:outer",), ["nim/powerha1", "nim/powerha2", "nim2/web01"]),
    ],
)
def test_a_target_means(targets: tuple[str, ...], meant: list[str]) -> None:
    assert names(*targets) == meant


def test_everyone_may_be_nobody() -> None:
    assert select(["*"], KnownClients(()), {}) == Selection()


def test_only_clients_written_out_are_named() -> None:
    assert chosen("powerha1", "group:web", "aix*").named == {ClientRef("nim", "powerha1")}


def test_a_name_that_two_masters_know_must_be_qualified_to_be_worked_on() -> None:
    error = refusal("aix01")
    assert "2 masters know" in error.message
    assert error.hint == "write nim/aix01 or nim2/aix01"
    assert [str(ref) for ref in any_resolved(chosen("aix01"), KNOWN, GROUPS)] == ["nim/aix01", "nim2/aix01"]


@pytest.mark.parametrize(
    ("target", "near"),
    [("powerha3", "powerha"), ("nim/powrha1", "nim/powerha1"), ("group:clustr", "cluster"), ("group:gone", "aix01")],
)
def test_an_unknown_target_is_told_the_nearest(target: str, near: str) -> None:
    assert near in refusal(target).hint


def test_a_member_that_nobody_knows_is_told_with_its_group_and_does_not_keep_others_from_being_looked_at() -> None:
    assert refusal("group:gone").message == "group 'gone': no client is called 'aix09'"
    assert any_resolved(chosen("group:gone"), KNOWN, GROUPS) == (ClientRef("nim2", "web01"),)


def test_all_unknown_targets_are_told_at_once() -> None:
    error = refusal("powerha3", "web02", "aix01")
    assert len(error.problems) == 3
    assert {problem.code for problem in error.problems} == {"usage"}


@pytest.mark.parametrize("hostile", ["$(reboot)", "a;b", "x\ny", "../etc", "z" * 4096, "\x1b[31m", "zz*", ""])
def test_hostile_targets_mean_nothing_and_are_shown_harmless(hostile: str) -> None:
    error = refusal(hostile)
    assert error.message.isprintable()
    assert len(error.message) < 200
    assert error.client is None or error.client.isprintable()


AWAY = {"nim3": master_unreachable("nim3 is away")}


def test_a_name_that_nobody_knows_is_of_the_master_that_cannot_be_asked() -> None:
    known = KnownClients(KNOWN.refs, unreachable=AWAY)
    assert chosen("new01", "nim3/new02", known=known).refs == (ClientRef("nim3", "new01"), ClientRef("nim3", "new02"))
    assert [each.reason for each in chosen("nim/new01", "a;b", known=known).unresolved] == [
        UnresolvedReason.UNKNOWN
    ] * 2


@pytest.mark.parametrize(
    ("glob", "meant"), [("*", ("nim3",)), ("db*", ("nim3",)), ("nim[12]/*", ()), ("nim3/*", ("nim3",))]
)
def test_a_glob_may_mean_clients_of_a_master_of_which_none_is_known(glob: str, meant: tuple[str, ...]) -> None:
    selection = chosen(glob, known=KnownClients(KNOWN.refs, unreachable=AWAY))
    assert selection.unreachable_masters == meant
    assert selection.unresolved == ()


def test_the_master_itself_counts_for_nothing_when_its_clients_are_not_known() -> None:
    known = KnownClients((ClientRef("nim3", "master"),), unreachable=AWAY)
    assert chosen("*", known=known).unreachable_masters == ("nim3",)


def test_globs_leave_out_what_no_image_can_be_made_of_and_names_do_not() -> None:
    unfit = frozenset({ClientRef("nim2", "web01")})
    known = KnownClients(KNOWN.refs, unfit)
    assert ClientRef("nim2", "web01") not in chosen("*", "web*", known=known).refs
    assert chosen("web01", known=known).refs == (ClientRef("nim2", "web01"),)
