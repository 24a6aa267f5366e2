"""Walk a crowd with JuPedSim's collision-free speed model and print a JSON line.

Runs in the environment that make.py makes. Standard input: JSON with `walkable` (WKT), `exit` (corners of a polygon),
`xy`, `speed`, `radius`, `time_gap`, `strength`, `range`, `wall_strength`, `wall_range`, `dt`, `warm` and `steps`.
"""

from __future__ import annotations

import json
import sys
import time

import jupedsim as jps


def main() -> None:
    given = json.load(sys.stdin)
    simulation = jps.Simulation(
        model=jps.CollisionFreeSpeedModel(
            strength_neighbor_repulsion=given["strength"],
            range_neighbor_repulsion=given["range"],
            strength_geometry_repulsion=given["wall_strength"],
            range_geometry_repulsion=given["wall_range"],
        ),
        geometry=given["walkable"],
        dt=given["dt"],
    )
    stage = simulation.add_exit_stage(given["exit"])
    journey = simulation.add_journey(jps.JourneyDescription([stage]))
    for place, speed in zip(given["xy"], given["speed"], strict=True):
        simulation.add_agent(
            jps.CollisionFreeSpeedModelAgentParameters(
                position=tuple(place),
                journey_id=journey,
                stage_id=stage,
                desired_speed=speed,
                radius=given["radius"],
                time_gap=given["time_gap"],
            )
        )
    simulation.iterate(given["warm"])
    walked, cpu, wall = 0, time.process_time(), time.perf_counter()
    for _ in range(given["steps"]):
        walked += simulation.agent_count()
        simulation.iterate(1)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(
        json.dumps(
            {"agent_steps": walked, "cpu": cpu, "wall": wall, "left": len(given["xy"]) - simulation.agent_count()}
        )
    )


if __name__ == "__main__":
    main()
