"""What work asks of accelerators: classes of them, precisions, how near each other they are, and the request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from suanli.model.device_names import parse_names
from suanli.model.errors import InvalidRequestError
from suanli.model.partitions import THOUSANDTHS
from suanli.model.quantities import MAX_MEMORY_BYTES, WHOLE_DEVICE, check_bounds

MAX_DEVICES = 10_000
MAX_RATE = 10**9
"""In 10^9 operations a second of a device."""

_BITSTREAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


class DeviceClass(StrEnum):
    """Kinds of accelerator; ANY matches every one of them."""

    GPU = "gpu"
    NPU = "npu"
    FPGA = "fpga"
    ANY = "any"


class Precision(StrEnum):
    """Arithmetic a device can do natively."""

    FP64 = "fp64"
    FP32 = "fp32"
    TF32 = "tf32"
    BF16 = "bf16"
    FP16 = "fp16"
    FP8 = "fp8"
    INT8 = "int8"


class Interconnect(StrEnum):
    """How near each other devices of a node may be asked to be, nearest first; each will do with what is nearer.

    LINK: over links of their own (NVLink, HCCS, Xe Link). SWITCH: over one PCIe switch. BRIDGE: over several, and not
    over the host bridge. HOST: over one PCIe host bridge. NODE: at the memory of one processor.
    """

    LINK = "link"
    SWITCH = "switch"
    BRIDGE = "bridge"
    HOST = "host"
    NODE = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRequest:
    """Accelerators for one task: ``count`` whole ones or parts, or one shared with ``share`` thousandths (count 1)."""

    device_class: DeviceClass = DeviceClass.ANY
    count: int = 1
    share: int = WHOLE_DEVICE
    model: str = ""
    """Names of models, ``|`` between those that will do (`suanli.model.device_names`); empty accepts every model."""
    min_memory_bytes: int = 0
    precision: Precision | None = None
    at_least: int = 0
    """Least rate of each whole device at the precision, in 10^9 operations a second; 0 for any, known or not."""
    interconnect: Interconnect | None = None
    """How near each other the devices of one task must be; of one device it says nothing."""
    partition: str = ""
    """Of what template each is a part; empty for devices that are not parted."""
    bitstream: str = ""
    """The name of the configuration that each FPGA must have when the work begins; empty for whatever it has."""

    @property
    def thousandths(self) -> int:
        """What each counts for of a device."""
        return THOUSANDTHS[self.partition] if self.partition else self.share


def check_devices(request: DeviceRequest) -> None:
    """Let pass what can be asked of devices.

    Raises:
        InvalidRequestError: it cannot.
    """
    check_bounds("resources.devices.count", request.count, 1, MAX_DEVICES)
    check_bounds("resources.devices.share", request.share, 1, WHOLE_DEVICE)
    check_bounds("resources.devices.min_memory", request.min_memory_bytes, 0, MAX_MEMORY_BYTES)
    if request.share < WHOLE_DEVICE and request.count != 1:
        raise InvalidRequestError("resources.devices.count", "a shared device is asked for one at a time")
    check_bounds("resources.devices.at_least", request.at_least, 0, MAX_RATE)
    if request.at_least and request.precision is None:
        raise InvalidRequestError("resources.devices.at_least", "a rate is one of a precision", "name the precision")
    if request.model:
        parse_names(request.model)
    if request.bitstream:
        _check_bitstream(request)


def is_bitstream(name: str) -> bool:
    """Whether a bitstream can have this name, which is never a path."""
    return _BITSTREAM.fullmatch(name) is not None


def _check_bitstream(request: DeviceRequest) -> None:
    where = "resources.devices.bitstream"
    if not is_bitstream(request.bitstream):
        raise InvalidRequestError(where, f"{request.bitstream!r} cannot name a bitstream", "see `suanli devices`")
    if request.device_class is not DeviceClass.FPGA:
        raise InvalidRequestError(where, "only FPGAs are configured by a bitstream", "ask for the class fpga")
    if request.share < WHOLE_DEVICE or request.partition:
        raise InvalidRequestError(where, "a bitstream is of a whole device", "leave the share and the partition out")
    if request.precision is not None:
        raise InvalidRequestError(where, "what an FPGA computes is up to its bitstream", "leave the precision out")
