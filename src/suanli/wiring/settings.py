"""Settings of a server: from the command line, ``SUANLI_*`` variables, or the defaults for one machine."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from suanli.adapters.notify.smtp import Security
from suanli.model.spec import MAX_TIME_LIMIT_S

MAX_PROMISES = 1_000_000
"""As good as one for everybody that waits."""


def default_home() -> Path:
    """Where a center keeps its state unless told otherwise: root's where the accounts that run work can pass."""
    data = os.environ.get("XDG_DATA_HOME", "")
    own = Path("/var/lib") if os.geteuid() == 0 else Path.home() / ".local" / "share"
    return (Path(data) if data.startswith("/") else own) / "suanli"


class IsolationChoice(StrEnum):
    """AUTO isolates runs with namespaces where the kernel lets us make them, NONE never does."""

    AUTO = "auto"
    NONE = "none"


class DevicesChoice(StrEnum):
    """AUTO offers the accelerators that the machine is found to have, NONE keeps them from work."""

    AUTO = "auto"
    NONE = "none"


class Settings(BaseSettings):
    """Everything that can be set, each with its unit in the name."""

    model_config = SettingsConfigDict(env_prefix="SUANLI_", extra="ignore", frozen=True)

    home: Path = Field(default_factory=default_home, description="folder of the center's state, created private")
    listen: str = Field(default="127.0.0.1:0", description="address and port; port 0 picks a free one")
    database: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in the home folder")
    local_cpus: int = Field(default=0, ge=0, description="cpus the local node offers; 0: as many as it has")
    local_memory_bytes: int = Field(default=0, ge=0, description="memory the local node offers; 0: all it has")
    local_disk_bytes: int = Field(default=0, ge=0, description="disk the local node offers; 0: all of its file system")
    local_bitstreams: Path | None = Field(default=None, description="folder of bitstreams that FPGAs may be given")
    local_reconfigure_s: int = Field(default=0, ge=0, description="how long giving one takes; 0: not known")
    local_isolation: IsolationChoice = IsolationChoice.AUTO
    local_devices: DevicesChoice = DevicesChoice.AUTO
    simulated_nodes: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="so many made-up nodes in place of this machine, for a center to be shown: work does nothing",
    )
    output_cap_bytes: int = Field(default=1 << 30, gt=0, description="most that is kept of each output stream of a run")
    mail_server: str = Field(default="", description="HOST:PORT that takes mail for delivery; empty: none is sent")
    mail_security: Security = Field(default=Security.STARTTLS, description="none, starttls or tls")
    mail_sender: str = Field(default="", description="mail address in whose name the center writes")
    mail_user: str = Field(default="", description="whom the mail server knows the center as; empty: no login")
    mail_password_file: Path | None = Field(default=None, description="file that holds the password of that user")
    webhook_hosts: str = Field(default="", description="HOST or HOST:PORT, commas between: https services to tell")
    notify_language: Literal["en", "zh"] = Field(default="en", description="language of what people are told")
    share_project_s: int = Field(
        default=7 * 86_400, ge=0, le=MAX_TIME_LIMIT_S, description="waiting that a project's unused share is worth"
    )
    share_member_s: int = Field(
        default=86_400, ge=0, le=MAX_TIME_LIMIT_S, description="the same of a member within the project"
    )
    size_s: int = Field(
        default=0, ge=0, le=MAX_TIME_LIMIT_S, description="waiting that asking for the whole center is worth"
    )
    deadline_s: int = Field(
        default=0, ge=0, le=MAX_TIME_LIMIT_S, description="waiting that having to start now to be in time is worth"
    )
    reservations: int = Field(
        default=1, ge=1, le=MAX_PROMISES, description="how many that cannot start are kept a place; 1 is EASY"
    )
    share_half_life_s: int = Field(
        default=7 * 86_400, gt=0, le=MAX_TIME_LIMIT_S, description="after which what was held counts half"
    )
    score: str = Field(
        default="best_fit",
        description="what speaks for a node: a policy, or criteria with weights (packing=1,best_fit=0.2)",
    )
    retention_s: int = Field(default=7 * 86_400, gt=0, description="how long scratch folders outlive their runs")

    @property
    def database_url(self) -> str:
        """The store to open."""
        return self.database or f"sqlite:///{self.home / 'center.db'}"
