"""Build: a center out of its parts. Nothing here decides anything; it only says who is handed to whom."""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suanli.adapters.clock import SystemClock
from suanli.adapters.database import open_store
from suanli.adapters.devices.machine import MachineDevices
from suanli.adapters.devices.models_known import catalogued
from suanli.adapters.devices.partitions_known import templates_of
from suanli.adapters.engines.local.cgroups import find_cgroups
from suanli.adapters.engines.local.devices import Bitstreams
from suanli.adapters.engines.local.engine import LocalEngine, LocalSettings
from suanli.adapters.engines.local.isolation import find_isolation
from suanli.adapters.identity.accounts import MappedAccounts
from suanli.adapters.identity.secrets import SystemSecrets
from suanli.adapters.notify.by_address import ByAddress
from suanli.adapters.notify.none import NoNotifier
from suanli.adapters.notify.smtp import MailServer, SmtpNotifier
from suanli.adapters.notify.webhook import WebhookNotifier
from suanli.kernel.lifecycle import fold
from suanli.kernel.scheduling.fair_share import ShareWeights
from suanli.kernel.scheduling.plan import Policy
from suanli.loops.launch import Launch
from suanli.loops.loop import Loop
from suanli.loops.notify import Notify
from suanli.loops.observe import Observe
from suanli.loops.schedule import Schedule
from suanli.loops.upkeep import Upkeep
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import EngineName
from suanli.ports.admission import AdmissionCheck
from suanli.ports.clock import Clock
from suanli.ports.engine import Engine
from suanli.ports.notify import Notifier
from suanli.ports.store import Store
from suanli.services.accounting import Accounting
from suanli.services.deadlines import DeadlineCheck
from suanli.services.features import FeatureAdmission
from suanli.services.inventory import Inventory
from suanli.services.notifications import Notifications
from suanli.services.power import Power
from suanli.services.qualities import QosCheck, Qualities
from suanli.services.quotas import QuotaCheck, Quotas
from suanli.services.rates import Rates
from suanli.services.requests import Requests
from suanli.services.reservations import ReservationAdmission, Reservations
from suanli.services.scheduling import Scheduling
from suanli.services.tariffs import TariffCheck, Tariffs
from suanli.services.tenants import Tenants
from suanli.services.workloads import Runs, Workloads
from suanli.wiring.compiled import keep_compiled, use_linked
from suanli.wiring.settings import DevicesChoice, IsolationChoice, Settings

if TYPE_CHECKING:
    from suanli.services.scheduling.planner import Planner

_JOIN_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Center:
    """A center put together and not yet turning."""

    store: Store
    clock: Clock
    engines: dict[EngineName, Engine]
    requests: Requests
    workloads: Workloads
    runs: Runs
    tenants: Tenants
    inventory: Inventory
    reservations: Reservations
    notifier: Notifier
    scheduling: Scheduling
    quotas: Quotas
    power: Power
    rates: Rates
    tariffs: Tariffs
    qualities: Qualities
    accounting: Accounting
    ending: ExitStack

    def close(self) -> None:
        """Let go of engines and store; runs go on."""
        self.ending.close()


def make_home(home: Path) -> None:
    """Make the home folder where it is missing.

    Nobody else may look into it. Where root serves, the accounts that run work may pass through to their own folders.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    try:
        home.mkdir(mode=0o700)
    except FileExistsError:
        return
    if os.geteuid() == 0:
        home.chmod(0o711)


def build_store(settings: Settings) -> Store:
    """Open the center's store, making or upgrading its tables where needed."""
    make_home(settings.home)
    return open_store(settings.database_url, fold=fold, clock=SystemClock())


def build_center(settings: Settings) -> Center:
    """Put a center together from its settings.

    Raises:
        InvalidRequestError: a setting cannot be.
    """
    notifier = _notifier(settings)
    store = build_store(settings)
    clock = SystemClock()
    engine = _simulated(clock, settings.simulated_nodes) if settings.simulated_nodes else _local(clock, settings)
    engines: dict[EngineName, Engine] = {engine.name: engine}
    ending = ExitStack()
    ending.callback(store.close)
    if isinstance(engine, LocalEngine):
        ending.callback(engine.close)
    return Center(
        store=store,
        clock=clock,
        engines=engines,
        requests=Requests(store),
        workloads=Workloads(store, engines, _checks(clock), notifier),
        runs=Runs(store),
        tenants=Tenants(store, clock, SystemSecrets()),
        inventory=Inventory(store, engines),
        reservations=Reservations(store, clock),
        notifier=notifier,
        scheduling=Scheduling(store, lambda: _planner(store, clock, settings)),
        quotas=Quotas(store),
        power=Power(store),
        rates=Rates(store),
        tariffs=Tariffs(store, clock),
        qualities=Qualities(store),
        accounting=Accounting(store, clock),
        ending=ending,
    )


def _local(clock: Clock, settings: Settings) -> LocalEngine:
    """This machine."""
    return LocalEngine(
        LocalSettings(
            root=settings.home / "local",
            hidden=settings.home,
            sandbox=find_isolation(namespaces=settings.local_isolation is not IsolationChoice.NONE),
            cgroups=find_cgroups(_control_group(settings.home)),
            cpus=settings.local_cpus,
            memory_bytes=settings.local_memory_bytes,
            disk_bytes=settings.local_disk_bytes,
            output_cap_bytes=settings.output_cap_bytes,
            bitstreams=Bitstreams(settings.local_bitstreams, settings.local_reconfigure_s),
        ),
        clock,
        MachineDevices(vendors=None if settings.local_devices is DevicesChoice.AUTO else ()),
    )


def _simulated(clock: Clock, count: int) -> Engine:
    """A center that is made up, for who wants to see one; it says of itself everywhere that it is."""
    from suanli.testing.fake_center import simulated_nodes  # noqa: PLC0415  a real center need not pay for it
    from suanli.testing.simulated_engine import SimulatedEngine  # noqa: PLC0415

    return SimulatedEngine(simulated_nodes(count, catalogued, templates_of), clock)


def _checks(clock: Clock) -> list[AdmissionCheck]:
    """Everybody who has a say on what may be submitted."""
    checks: list[AdmissionCheck] = [
        QuotaCheck(clock),
        ReservationAdmission(clock),
        DeadlineCheck(clock),
        TariffCheck(clock),
        QosCheck(),
        FeatureAdmission(),
    ]
    if os.geteuid() == 0:
        checks.append(MappedAccounts())
    return checks


def _notifier(settings: Settings) -> Notifier:
    """How people are reached, as far as the administrator said.

    Raises:
        InvalidRequestError: mail is set up in part, or what was said cannot be.
    """
    nobody = NoNotifier()
    if not settings.mail_server and not settings.webhook_hosts:
        return nobody
    mail = SmtpNotifier(_mail_server(settings)) if settings.mail_server else nobody
    hosts = [host.strip() for host in settings.webhook_hosts.split(",") if host.strip()]
    return ByAddress(mail=mail, web=WebhookNotifier(hosts) if hosts else nobody)


def _mail_server(settings: Settings) -> MailServer:
    host, _, port = settings.mail_server.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise InvalidRequestError("mail_server", f"{settings.mail_server!r} is not HOST:PORT", "such as localhost:25")
    if not settings.mail_sender:
        raise InvalidRequestError("mail_sender", "a center that sends mail needs an address to write from")
    server = MailServer(
        host=host,
        port=int(port),
        security=settings.mail_security,
        sender=settings.mail_sender,
        user=settings.mail_user,
        password_file=settings.mail_password_file,
    )
    SmtpNotifier(server).check(server.sender)
    return server


def _planner(store: Store, clock: Clock, settings: Settings) -> Planner:
    """Load the kernel's machine code, and make a planner that decides with it.

    Raises:
        NotFoundError: the settings name a score that does not exist.
        InvalidRequestError: they weigh it by what is no weight.
    """
    use_linked(keep_compiled(settings.home / "cache"))
    from suanli.kernel.scheduling.scoring import scoring  # noqa: PLC0415  not before there is something to plan
    from suanli.services.scheduling.planner import Planner  # noqa: PLC0415

    scoring(settings.score)
    shares = ShareWeights(
        project_s=settings.share_project_s,
        member_s=settings.share_member_s,
        half_life_s=settings.share_half_life_s,
        size_s=settings.size_s,
        deadline_s=settings.deadline_s,
    )
    return Planner(store, clock, Policy(score=settings.score, shares=shares, reservations=settings.reservations))


def _control_group(home: Path) -> str:
    """A name that two centers on one machine do not share: their runs have equal ids."""
    return f"suanli-{hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]}"


class Turning:
    """The loops of a center. Started in the order in which each needs what the earlier did."""

    def __init__(self, center: Center, settings: Settings) -> None:
        self._upkeep = [
            Upkeep(center.inventory, engine, center.clock, settings.retention_s) for engine in center.engines.values()
        ]
        self.loops = [Loop("schedule", Schedule(center.store, center.scheduling).turn)]
        if not isinstance(center.notifier, NoNotifier):
            told = Notifications(center.store, settings.notify_language)
            self.loops.append(Loop("notify", Notify(center.store, told, center.notifier).turn))
        for engine, upkeep in zip(center.engines.values(), self._upkeep, strict=True):
            observe = Observe(center.runs, engine)
            observe.survey()
            self.loops += [
                Loop(f"launch-{engine.name}", Launch(center.store, center.runs, engine).turn),
                Loop(f"observe-{engine.name}", observe.turn),
                Loop(f"upkeep-{engine.name}", upkeep.turn),
            ]

    def start(self) -> None:
        """Start every loop."""
        for loop in self.loops:
            loop.start()

    def stop(self) -> None:
        """Let every loop finish its turn, and wait for that."""
        for loop in self.loops:
            loop.stop()
        for upkeep in self._upkeep:
            upkeep.wake()
        for loop in self.loops:
            loop.join(_JOIN_S)
