"""Ask, learn the names, mask, write. Nothing is changed on any host, and no file is ever overwritten."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nimwrap.aix import etc_exports, lsnim
from nimwrap.config.model import MasterConfig
from nimwrap.domain.errors import NimwrapError, usage_error
from nimwrap.hosts.client_channel import ClientRequest, ask_clients
from nimwrap.hosts.connect import open_master
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.script_batch import Answer, Question, answers, questionnaire
from nimwrap.preflight.facts import NOT_FOUND
from nimwrap.service.observe.channel_questions import channel_questions
from nimwrap.service.observe.harmless_questions import client_questions, cluster_questions, command_of, master_questions
from nimwrap.service.observe.mask import Masker

CLIENTS_ASKED = 8
_WHOLE_S = 900
_CLIENT_S = 90
_COMMAND = 400
"""Characters of a command that its transcript shows, on one line."""


@dataclass(frozen=True)
class Heard:
    """One answer: ``name`` of the question, the command, and what came; ``returncode`` None: it did not end."""

    name: str
    command: str
    returncode: int | None
    output: str


def observe(
    masters: Mapping[str, MasterConfig], directory: Path, now: datetime
) -> tuple[list[Path], list[NimwrapError]]:
    """The files written, and the masters that could not be asked. ``directory`` must be new or empty."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise usage_error(f"{directory} is not empty, and nothing in it is overwritten", "name a new directory")
    except FileExistsError as error:
        raise usage_error(f"{directory} is a file", "name a new directory") from error
    masker = Masker()
    heard: dict[str, list[Heard]] = {}
    troubles = []
    for name, master in masters.items():
        host = None
        try:
            host = open_master(master)
            heard[name] = _listen(host, master, masker)
        except NimwrapError as error:
            troubles.append(error)
        finally:
            if host is not None:
                host.close()
    written = []
    for number, answered in enumerate(heard.values(), 1):
        suffix = f"--master{number}" if len(heard) > 1 else "--observed"
        written += [_write(directory / f"{one.name}{suffix}.txt", one, masker, now) for one in answered]
    return written, troubles


def _write(path: Path, one: Heard, masker: Masker, now: datetime) -> Path:
    ending = "did not end in its time" if one.returncode is None else f"exit {one.returncode}"
    command = masker.masked(" ".join(one.command.split())[:_COMMAND])
    head = (
        f"# source: nimwrap doctor --observe, {now:%Y-%m-%d}, names and addresses masked\n"
        f"# command: {command}  ({ending})\n"
    )
    with path.open("x", encoding="utf-8") as file:
        file.write(head + masker.masked(one.output))
    return path


def _listen(host: Host, master: MasterConfig, masker: Masker) -> list[Heard]:
    """Everything that one master and its first clients answer; the names are learned on the way."""
    first = _asked(host, [Question("hostname", "hostname", 30), Question("objects", f"{lsnim.LSNIM} -l", 60)])
    hostname = first["hostname"].output.strip() if "hostname" in first else ""
    try:
        objects = lsnim.parse_long(first["objects"].output) if "objects" in first else {}
    except ValueError:
        objects = {}
    machines = [found for found in objects.values() if found.class_ == "machines" and found.type != "master"]
    _learn_objects(masker, objects.values(), [hostname, master.host])
    image = next((found.name for found in objects.values() if found.type == "mksysb"), None)
    asked = master_questions(machines[0].name if machines else None, image)
    heard = _heard(asked, _asked(host, asked))
    _learn_exports(masker, heard)
    own = objects.get("master")
    called = own.interfaces[0].host if own and own.interfaces else hostname
    clients = {found.name: found.interfaces[0].host for found in machines if found.interfaces}
    heard += _listen_to_clients(host, master, dict(list(clients.items())[:CLIENTS_ASKED]), called)
    heard += _listen_to_the_channel(host, master, next(iter(clients.values()), ""))
    _learn_cluster(masker, heard)
    return heard


def _asked(host: Host, questions: list[Question]) -> dict[str, Answer]:
    nonce = secrets.token_hex(6)
    return answers(host.run(questionnaire(questions, nonce), timeout=_WHOLE_S).stdout, nonce)


def _heard(questions: Iterable[Question], found: Mapping[str, Answer]) -> list[Heard]:
    """What was answered; a command that did not end or is not there makes no transcript."""
    heard = []
    for question in questions:
        answer = found.get(question.name)
        code = None if answer is None else answer.returncode
        if answer is not None and code is not None and code not in NOT_FOUND:
            heard.append(Heard(question.name, command_of(question), code, answer.output))
    return heard


def _listen_to_clients(host: Host, master: MasterConfig, clients: Mapping[str, str], called: str) -> list[Heard]:
    """The route from the first client that answers, and the cluster from the first that has PowerHA."""
    if not clients or not called:
        return []
    route, cluster = client_questions(called), cluster_questions()
    nonce = secrets.token_hex(6)
    script = questionnaire([*route, *cluster], nonce)
    requests = {name: ClientRequest(host_name, script) for name, host_name in clients.items()}
    told = ask_clients(host, master.client_channel, requests, limit_s=_CLIENT_S)
    found = [answers(answer.output, nonce) for answer in told.values() if answer.reached]
    routed = next((_heard(route, one) for one in found if _heard(route, one)), [])
    clustered = next((_heard(cluster, one) for one in found if _has_cluster(one)), [])
    return [*routed, *clustered]


def _listen_to_the_channel(host: Host, master: MasterConfig, client_host: str) -> list[Heard]:
    """What the channel to one client does to short commands; what did not answer is a transcript, too."""
    if not client_host:
        return []
    asked = channel_questions(master.client_channel, client_host)
    found = _asked(host, asked)
    heard = []
    for question in asked:
        answer = found.get(question.name)
        code = answer.returncode if answer is not None else None
        output = answer.output if answer is not None else ""
        heard.append(Heard(question.name, question.shell, code, output))
    return heard


def _has_cluster(found: Mapping[str, Answer]) -> bool:
    # When nobody knows, the transcript is of a client without a cluster, as it shows itself.
    return any(name.startswith(("clRGinfo", "cllsif", "clmgr")) and answer.succeeded for name, answer in found.items())


def _learn_objects(masker: Masker, objects: Iterable[lsnim.NimObject], masters: list[str]) -> None:
    masker.learn("master", masters)
    for found in objects:
        if found.type == "master":
            masker.learn("master", [one.host for one in found.interfaces])
        elif found.class_ == "machines":
            masker.learn("client", [found.name])
            masker.learn("host", [one.host for one in found.interfaces])
        elif found.class_ == "networks":
            masker.learn("network", [found.name])
        elif found.class_ == "resources":
            masker.learn(found.type, [found.name])
        else:
            masker.learn("object", [found.name])


def _learn_exports(masker: Masker, heard: Iterable[Heard]) -> None:
    """Hosts that exports name."""
    for one in heard:
        if one.name in ("exportfs", "etc-exports", "etc-xtab"):
            parse = etc_exports.parse_file if one.name == "etc-exports" else etc_exports.parse_listing
            try:
                found = parse(one.output)
            except ValueError:
                continue
            for export in found:
                for option in ("access", "root", "rw", "ro"):
                    masker.learn("host", export.hosts(option))


def _learn_cluster(masker: Masker, heard: Iterable[Heard]) -> None:
    """Nodes, resource groups, labels and the cluster's own name, from the forms whose layout is known."""
    from nimwrap.aix import cllsif, clmgr, clrginfo

    outputs = {one.name: one.output for one in heard if one.returncode == 0}
    try:
        for group in clrginfo.parse(outputs.get("clRGinfo-s", "")):
            masker.learn("client", [group.node])
            masker.learn("rg", [group.group])
    except ValueError:
        pass
    try:
        for label in cllsif.parse(outputs.get("cllsif-c", "")):
            masker.learn("client", [label.node])
            masker.learn("label", [label.name])
            masker.learn("hanet", [label.network])
    except ValueError:
        pass
    try:
        named = clmgr.parse(outputs.get("clmgr-query-cluster", ""))
        masker.learn("cluster", [named.get("CLUSTER_NAME"), named.get("NAME")])
    except ValueError:
        pass
