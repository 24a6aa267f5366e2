"""What the page computes without a browser: permalink, words, jobs put together to scenarios."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sim.service import JobStatus
from twin.store import Status
from viewer.dash.jobs import advances, card_states, choices
from viewer.dash.link import parse
from viewer.dash.scenarios import find_scenario, scenarios_of
from viewer.dash.words import clock, duration


def test_a_permalink_says_everything() -> None:
    link = parse("?lang=en&run=abc&t=1500&cam=1,2,3,4,5,6&layers=roads:0,water:0.5&color=height&sel=b12")
    assert (link.lang, link.run, link.time, link.colour) == ("en", "abc", 1500, "height")
    assert link.camera == {"position": [1, 2, 3], "target": [4, 5, 6]}
    assert link.layers == {"roads": {"visible": False, "opacity": 1.0}, "water": {"visible": True, "opacity": 0.5}}
    assert link.selection == {"feature": 12}
    assert parse("?sel=-3.25,8").selection == {"x": -3.25, "y": 8}
    assert parse("?sel=evacuation.shelters:3").selection == {"overlay": "evacuation.shelters", "number": 3}


@given(st.text(max_size=60))
def test_no_address_breaks_the_page(text: str) -> None:
    parse(f"?{text}")
    parse(f"?lang={text}&t={text}&cam={text}&layers={text}&sel={text}&color={text}")


def test_what_an_address_says_wrongly_is_ignored() -> None:
    link = parse("?lang=fr&t=soon&cam=1,2&layers=a:b&sel=bx&color=red&t=nan")
    assert (link.lang, link.time, link.camera, link.layers, link.selection, link.colour) == (None,) * 3 + (
        {},
        None,
        None,
    )


def test_times_in_words() -> None:
    assert duration("en", 40) == "40 s"
    assert duration("ja", 7500) == "2時間05分"
    assert clock(5370) == "1:30"


def _job(key: str, stage: str, siblings: dict[str, str], status: Status = Status.DONE, **parts: Any) -> JobStatus:
    values: dict[str, Any] = {
        "key": key, "name": "test", "title": {"ja": "試験", "en": "Test"}, "stage": stage, "status": status,
        "progress": 1.0 if status is Status.DONE else 0.5, "seconds_left": None, "reason": "", "started": 1.0,
        "wall_s": 2.0, "outputs_done": 1, "outputs": 2, "siblings": siblings,
    }  # fmt: skip
    return JobStatus(**{**values, **parts})


FIRST = {"flood": "f", "evacuation": "e1"}
SECOND = {"flood": "f", "evacuation": "e2"}


def test_stages_of_a_scenario_are_one_entry_with_the_water_first() -> None:
    jobs = [_job("e1", "evacuation", FIRST), _job("f", "flood", FIRST)]
    (one,) = scenarios_of(jobs)
    assert [job.stage for job in one.jobs] == ["flood", "evacuation"]
    assert one.key == "f"


def test_a_flood_that_two_scenarios_share_stands_in_both_and_each_leads_to_its_own() -> None:
    jobs = [_job("e2", "evacuation", SECOND, started=9.0), _job("e1", "evacuation", FIRST), _job("f", "flood", FIRST)]
    second, first = scenarios_of(jobs)
    assert [job.key for job in second.jobs] == ["f", "e2"]
    assert (second.key, first.key) == ("e2", "f")
    found = find_scenario(jobs, ["f", "e1"])
    assert found is not None
    assert found.key == "f"


def test_a_flood_alone_becomes_a_part_of_the_scenario_that_grew_from_it() -> None:
    jobs = [_job("f", "flood", {"flood": "f"}), _job("e1", "evacuation", FIRST)]
    (one,) = scenarios_of(jobs)
    assert [job.key for job in one.jobs] == ["f", "e1"]
    assert one.key == "e1", "the manifest of the flood does not know the evacuation"


def test_a_scenario_is_what_its_least_advanced_stage_is() -> None:
    jobs = [_job("f", "flood", FIRST), _job("e1", "evacuation", FIRST, Status.RUNNING)]
    (one,) = scenarios_of(jobs)
    assert one.status is Status.RUNNING
    assert choices("en", [one], None) == [{"value": "f", "label": "Test (Running)"}]
    assert list(advances("en", [one])) == ["e1"]


def test_progress_does_not_redraw_the_cards_and_a_new_status_does() -> None:
    def states(status: Status, progress: float) -> list[str]:
        return card_states("en", scenarios_of([_job("e1", "evacuation", FIRST, status, progress=progress)]))

    assert states(Status.RUNNING, 0.2) == states(Status.RUNNING, 0.6)
    assert states(Status.RUNNING, 0.6) != states(Status.DONE, 1.0)
