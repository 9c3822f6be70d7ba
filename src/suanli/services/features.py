"""What work may ask of its nodes by name."""

from __future__ import annotations

from collections.abc import Sequence

from suanli.model.errors import AdmissionRefusedError
from suanli.model.spec import MAX_FEATURES_ASKED, WorkloadSpec
from suanli.model.tenancy import User
from suanli.ports.store import Reading


class FeatureAdmission:
    """Admits work whose features there are, as many at a time as the planner tells apart (port ``AdmissionCheck``)."""

    def check(self, owner: User, specs: Sequence[WorkloadSpec], tables: Reading) -> None:  # noqa: ARG002
        """Refuse work that names what no node has; it is most often misspelled.

        Raises:
            AdmissionRefusedError: no node has a feature, or queued work names too many others already.
        """
        asked = {name for spec in specs for name in spec.features_named}
        if not asked:
            return
        there = {name for node in tables.nodes() for name in node.features}
        for name in sorted({name for spec in specs for name in spec.features} - there):
            raise AdmissionRefusedError(
                "feature_unknown", f"no node of this center has feature {name}", "see `suanli nodes`"
            )
        if len(there) > MAX_FEATURES_ASKED:
            asked.update(*(submission.spec.features_named for _, submission in tables.queued()))
            if len(asked) > MAX_FEATURES_ASKED:
                detail = f"waiting work names {MAX_FEATURES_ASKED} features of nodes, as many as can be told apart"
                raise AdmissionRefusedError("features_too_many", detail, "try again when some of it has started")
