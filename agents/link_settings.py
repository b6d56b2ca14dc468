"""Settings -> link, and every reason not to make one. What is refused here is refused before a byte is sent."""

from __future__ import annotations

from agents.credentials import CredentialError
from agents.link import SCRAM, Link, Sasl, Tls, client_options
from agents.messages import addresses
from agents.settings import PREFIX, Settings
from streams.errors import SettingsError

ALLOWANCE = "broker_allow_plaintext"
_NEEDS = {
    "broker_ca_file": "broker_security",
    "broker_cert_file": "broker_security",
    "broker_key_file": "broker_cert_file",
    "broker_key_password_file": "broker_cert_file",
    "broker_sasl_mechanism": "broker_credentials_file",
    "broker_credentials_file": "broker",
    "broker_security": "broker",
}
"""What means nothing without another setting; a protection that is ignored in silence is none."""


def link_of(settings: Settings) -> Link:
    """How the broker of the settings is spoken to; the files they name are there and can be used.

    Raises SettingsError, one line with what to set, also for plaintext to a host that is not allowed it.
    """
    require_consistent(settings)
    if settings.broker is None:
        raise SettingsError("no broker: set LISTWIRE_BROKER, or let `listwire up` bring one")
    link = Link(
        settings.broker, _tls(settings), _sasl(settings), frozenset(map(str.lower, settings.broker_allow_plaintext))
    )
    for host, _ in addresses(link.bootstrap):
        if not link.may_reach(host):
            raise SettingsError(plaintext_refused(host))
    try:
        client_options(link)
    except CredentialError as error:
        raise SettingsError(str(error)) from None
    return link


def require_consistent(settings: Settings) -> None:
    """Raises SettingsError where a setting of the link is given that another one leaves without effect."""
    default = Settings.model_construct()
    for name, needed in _NEEDS.items():
        if getattr(settings, name) != getattr(default, name) and getattr(settings, needed) == getattr(default, needed):
            wanted = f"{_variable(needed)}=tls" if needed == "broker_security" else _variable(needed)
            raise SettingsError(f"{_variable(name)} has no effect without {wanted}: set that too")
    if settings.broker_sasl_mechanism == "PLAIN" and settings.broker_security != "tls":
        raise SettingsError(
            f"{_variable('broker_sasl_mechanism')}=PLAIN would send the password in the clear: set "
            f"{_variable('broker_security')}=tls, or take a SCRAM mechanism"
        )


def plaintext_refused(host: str) -> str:
    """Why nothing is sent to the host, and what to do."""
    return (
        f"refusing to speak plaintext to the broker at {host}, which is not this machine: set "
        f"{_variable('broker_security')}=tls, or {_variable(ALLOWANCE)}={host} if nobody can listen in between"
    )


def _tls(settings: Settings) -> Tls | None:
    if settings.broker_security != "tls":
        return None
    return Tls(
        settings.broker_ca_file,
        settings.broker_cert_file,
        settings.broker_key_file,
        settings.broker_key_password_file,
    )


def _sasl(settings: Settings) -> Sasl | None:
    file = settings.broker_credentials_file
    return None if file is None else Sasl(file, settings.broker_sasl_mechanism or SCRAM)


def _variable(setting: str) -> str:
    return f"{PREFIX}{setting.upper()}"
