"""`listwire topics acls`: the rights that each role needs on the broker, to be given by whoever runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import orjson
import typer

from streams.acls import SUBSCRIBER_GROUPS, Grant, Role, command, grants
from streams.errors import SettingsError


def acls(
    role: Annotated[
        list[Role] | None, typer.Option(help="Of this role only; may be repeated.", show_default=False)
    ] = None,
    principal: Annotated[
        str, typer.Option(help="Who has a role: {role} stands for its name, as in User:CN={role},O=Desk.")
    ] = "User:listwire-{role}",
    group_prefix: Annotated[
        str, typer.Option(help="How the consumer groups of subscribers begin.")
    ] = SUBSCRIBER_GROUPS,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a right.")] = False,
) -> None:
    """The least rights of each role, as arguments of Kafka's kafka-acls.sh.

    No broker is needed: listwire topics acls | xargs -L1 kafka-acls.sh --bootstrap-server HOST:PORT
    """
    if any(letter in principal for letter in "'\n"):
        raise SettingsError("--principal: takes no quotes and no second line")
    if "{role}" not in principal and len(set(role or Role)) > 1:
        raise SettingsError("--principal: lacks {role}, so all roles would have all rights; or choose one with --role")
    wanted = [grant for each in Role if each in (role or Role) for grant in grants(each, group_prefix)]
    typer.echo("\n".join(_lines(wanted, principal, as_json=as_json)))


def _lines(wanted: Sequence[Grant], principal: str, *, as_json: bool) -> list[str]:
    owners = [(grant, principal.replace("{role}", grant.role)) for grant in wanted]
    if as_json:
        return [orjson.dumps(grant._asdict() | {"principal": owner}).decode() for grant, owner in owners]
    return [command(grant, owner) for grant, owner in owners]
