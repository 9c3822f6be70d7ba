"""What work asks of devices, as it travels."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from suanli.api.schemas.fields import BitstreamName, Body, MemoryBytes, PartitionName, Rate
from suanli.api.schemas.work import kept
from suanli.model import devices as nouns
from suanli.model.devices import MAX_DEVICES, DeviceClass, Interconnect, Precision
from suanli.model.quantities import BILLION, WHOLE_DEVICE

_LISTED_NAMES = {"type": "array", "items": {"type": "string", "pattern": "^[^\\x00-\\x1f\\x7f|]+$"}, "minItems": 1}
_NAMES = r"^[^\x00-\x1f\x7f]*$"


def _joined(value: Any) -> Any:
    """Names in a list as the one text that is kept; anything else as it is."""
    return "|".join(value) if isinstance(value, list) and value and all(map(_is_name, value)) else value


def _is_name(value: object) -> bool:
    return isinstance(value, str) and "|" not in value


ModelNames = Annotated[
    str,
    StringConstraints(pattern=_NAMES, max_length=256),
    BeforeValidator(_joined),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": _NAMES, "maxLength": 256}, _LISTED_NAMES],
            "examples": ["A100", ["A100", "H800", "910B"], "910B1..910B3"],
        }
    ),
]
"""A name or a range, several with ``|`` between them or as a list; what they mean: `suanli.model.device_names`."""


class DeviceRequest(Body):
    """Accelerators for one task: ``count`` whole ones, or partitions, or a ``share`` of one."""

    model_config = ConfigDict(validate_by_alias=True, validate_by_name=True)

    device_class: DeviceClass = Field(default=DeviceClass.ANY, alias="class")
    """Kind of accelerator."""
    count: int = Field(default=1, ge=1, le=MAX_DEVICES)
    """How many; 1 where a share is asked for."""
    share: float = Field(default=1.0, ge=0.001, le=1.0)
    """The part of the device, exact to a thousandth."""
    model: ModelNames = ""
    """Models that will do, each named by some of its words; empty accepts every model."""
    min_memory: MemoryBytes = 0
    """Least memory of the device; of a partition, its own."""
    precision: Precision | None = None
    """Arithmetic the device must do natively."""
    at_least: Rate = 0
    """Operations a second that each whole device must do at the precision; one of which that is not known does not."""
    interconnect: Interconnect | None = None
    """How near each other the devices of one task must be, or nearer; of one device it says nothing."""
    partition: PartitionName = ""
    """Of what template each is a partition, such as ``1g.10gb``; empty for devices that are not parted."""
    bitstream: BitstreamName = ""
    """The configuration that each FPGA must have when the work begins, by its name; it is loaded where it must be."""

    def noun(self) -> nouns.DeviceRequest:
        """What is asked, in the center's own units."""
        return nouns.DeviceRequest(
            device_class=self.device_class,
            count=self.count,
            share=round(self.share * WHOLE_DEVICE),
            model=self.model,
            min_memory_bytes=self.min_memory,
            precision=self.precision,
            at_least=kept(self.at_least, BILLION),
            interconnect=self.interconnect,
            partition=self.partition,
            bitstream=self.bitstream,
        )

    @classmethod
    def of(cls, noun: nouns.DeviceRequest) -> Self:
        """The canonical form of what is asked."""
        return cls(
            device_class=noun.device_class,
            count=noun.count,
            share=noun.share / WHOLE_DEVICE,
            model=noun.model,
            min_memory=noun.min_memory_bytes,
            precision=noun.precision,
            at_least=noun.at_least * BILLION,
            interconnect=noun.interconnect,
            partition=noun.partition,
            bitstream=noun.bitstream,
        )
