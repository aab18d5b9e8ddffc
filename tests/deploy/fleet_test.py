"""That a fleet is rolled out, and its secrets are rotated, without anybody noticing, and that the simulation of larger
fleets keeps to what is known of queues."""

import dataclasses
import math
import sys
import tempfile
import unittest
from pathlib import Path

from places import BINARY, ROOT

sys.path.append(str(ROOT / "bench/fleet"))

from edge import RETRY, Way, health_check, recommended  # noqa: E402
from laws import laws  # noqa: E402
from replica import SECRET  # noqa: E402
from rollout import Setting, rollout  # noqa: E402
from rotation import APPLICATION, GATE, NEW, RIGHT_ORDER, rotate  # noqa: E402
from simulation import Plan, run  # noqa: E402

RATE = 40
# As recommended but for its times: a health check, and what it may take, fit into a drain_delay of one second, and a
# machine that is busy with other tests is not taken for a replica that fails.
SOON = {"base_interval": "0.010s", "max_interval": "1s"}
PATIENT = {"timeout": "4s", "retry_policy": {**RETRY["retry_policy"], "retry_back_off": SOON}}


def patient(name: str, endpoints: str = "endpoints") -> Way:
    way = recommended(name, endpoints)
    return dataclasses.replace(way, cluster={**way.cluster, **health_check("0.3s", "0.5s")}, service=PATIENT)


class FleetTest(unittest.TestCase):
    def test_a_rollout_loses_nothing_though_the_proxy_hears_late_of_what_is_gone(self):
        bare = Way("bare", service={"timeout": "4s"}, endpoints="late-3")
        ways = [patient("at once"), patient("late", "late-3"), bare]
        with tempfile.TemporaryDirectory() as place:
            rolled = rollout(BINARY, Path(place), ways, Setting(0, drain_delay=1), RATE, apart=0.8, quiet=0.8)
        *kept, lost = rolled
        for way in kept:
            self.assertEqual((way.failed, way.wrong), (0, 0), way)
            self.assertGreater(way.requests, 5 * RATE, way)
        # Who neither asks for health nor tries again notices: without it nothing would have been shown.
        self.assertGreater(lost.failed, 0, lost)
        self.assertEqual(lost.wrong, 0, lost)

    def test_secrets_in_the_right_order_refuse_nobody(self):
        # In the end the gate goes back to a secret that the application no longer signs with: that has to be seen.
        steps = [*RIGHT_ORDER, ("the wrong secret", GATE, (SECRET,))]
        with tempfile.TemporaryDirectory() as place:
            *right, wrong = rotate(
                BINARY, Path(place), "right", steps, RATE, way=patient("patient"), apart=0.2, still=0.5
            )
        self.assertEqual([step.name for step in right], [name for name, *_ in RIGHT_ORDER])
        for step in right:
            self.assertEqual((step.refused, step.failed), (0, 0), step)
        # Both kinds of session were asked about while both had to pass.
        changes = next(at for at, (_, who, first) in enumerate(steps) if (who, first[0]) == (APPLICATION, NEW))
        for step in right[changes : changes + 2]:
            self.assertGreater(step.by_a_later_secret, 0, step)
        self.assertGreater(wrong.refused, 0, wrong)


class SimulationTest(unittest.TestCase):
    def test_it_agrees_with_erlang(self):
        for law in laws():
            self.assertAlmostEqual(law.simulated / law.theory, 1, delta=0.05, msg=law)

    def test_the_same_seed_is_the_same_fleet_and_another_one_is_not(self):
        plan = Plan(6, 300, 1e-3, lost_at=1.0, stopped=True)
        self.assertEqual(run(plan, 3, seed=1), run(plan, 3, seed=1))
        self.assertNotEqual(run(plan, 3, seed=1).took, run(plan, 3, seed=2).took)

    def test_every_request_ends_once_and_in_time(self):
        nothing = {"retries": 0, "outliers": False, "health_interval": 0}
        for more in ({}, {"stopped": True}, nothing, {"least_request": True}):
            found = run(Plan(6, 500, 1e-3, lost_at=1.0, **more), 3)
            self.assertEqual(len(found.at), len(set(found.at)))
            self.assertLess(abs(len(found.at) - 1500), 5 * math.sqrt(1500), more)
            self.assertLessEqual(max(found.took), 0.25 + 0.1, more)

    def test_a_lost_zone_costs_its_share_of_the_requests_where_nothing_is_done(self):
        plan = Plan(6, 500, 1e-4, lost_at=0.0, retries=0, outliers=False, health_interval=0)
        found = run(plan, 4)
        self.assertAlmostEqual(found.failures() / len(found.at), 1 / 3, delta=0.02)
        self.assertEqual(run(dataclasses.replace(plan, lost_at=math.inf), 4).failures(), 0)


if __name__ == "__main__":
    unittest.main()
