"""Where each job is executed from its file as rendered, in fresh clones: by act for GitHub, and by
gitlab-ci-local for GitLab. Each of these tests runs for batch and for online serving; what is dear
is slow.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from types import ModuleType

import pytest

from . import test_jobs as on_github
from . import test_pipelines as on_gitlab
from .test_forges import TWINS

# A job, by its workflow on GitHub: what proves it there, and on GitLab.
PROOFS: dict[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]] = {
    ("ci", "code"): (
        (
            "test_the_first_push_is_green_though_the_log_is_elsewhere",
            "test_a_bad_change_fails_with_the_reason_on_its_page",
        ),
        (
            "test_a_good_change_passes_and_has_one_comment",
            "test_a_bad_change_fails_with_the_reason_in_its_comment",
        ),
    ),
    ("ci", "pipeline"): (
        (
            "test_the_first_push_is_green_though_the_log_is_elsewhere",
            "test_a_bad_change_fails_with_the_reason_on_its_page",
        ),
        (
            "test_a_good_change_passes_and_has_one_comment",
            "test_a_broken_contract_fails_with_the_reason_on_the_page",
        ),
    ),
    ("report", "report"): (
        ("test_what_ci_has_seen_becomes_one_comment",),
        (
            "test_a_good_change_passes_and_has_one_comment",
            "test_a_bad_change_fails_with_the_reason_in_its_comment",
        ),
    ),
    ("monitor", "monitor"): (
        (
            "test_a_merged_record_becomes_a_tag_and_the_monitor_watches_it",
            "test_a_log_that_is_away_is_red_and_has_an_issue",
            "test_without_issues_the_page_and_the_status_are_there_all_the_same",
            "test_an_alarm_calls_for_a_retraining",
        ),
        (
            "test_the_monitor_keeps_one_issue_and_leaves_a_foreign_one_alone",
            "test_an_alarm_opens_one_issue_and_calls_for_a_retraining",
        ),
    ),
    ("retrain", "retrain"): (
        ("test_a_new_model_becomes_one_request",),
        ("test_a_new_model_becomes_one_request",),
    ),
    ("batch", "batch"): (
        ("test_what_is_new_is_scored_once",),
        ("test_what_is_new_is_scored_once",),
    ),
    ("rot", "checks"): (
        (
            "test_the_newest_packages_that_do_not_fit_open_one_issue",
            "test_the_issue_is_closed_when_they_fit",
        ),
        ("test_rot_opens_one_issue_and_closes_it",),
    ),
    ("rot", "issue"): (
        (
            "test_the_newest_packages_that_do_not_fit_open_one_issue",
            "test_the_issue_is_closed_when_they_fit",
        ),
        ("test_rot_opens_one_issue_and_closes_it",),
    ),
    ("promote", "promote"): (
        ("test_a_merged_record_becomes_a_tag_and_the_monitor_watches_it",),
        (
            "test_a_merged_record_becomes_a_tag_and_a_release",
            "test_tags_that_may_not_be_pushed_are_left_as_an_artifact",
        ),
    ),
    ("release", "release"): (
        ("test_what_a_record_put_on_a_stage_is_released",),
        (
            "test_a_release_builds_its_versions_image_and_runs_the_script",
            "test_a_loose_tag_and_an_approval_by_the_author_are_not_released",
        ),
    ),
    ("template", "template"): (
        (
            "test_a_version_of_the_template_is_proposed_once",
            "test_a_conflict_with_the_template_is_a_draft",
        ),
        (
            "test_a_version_of_the_template_is_proposed_once",
            "test_a_conflict_with_the_template_is_a_draft",
        ),
    ),
}


def source(module: ModuleType, names: tuple[str, ...]) -> str:
    """The text of tests, each of which takes a factory of either serving."""
    tests: list[Callable[..., None]] = [getattr(module, name) for name in names]
    return "\n".join(inspect.getsource(test) for test in tests)


def test_each_job_has_a_proof_on_both() -> None:
    assert PROOFS.keys() == TWINS.keys()


@pytest.mark.parametrize(("file", "job"), PROOFS)
def test_it_runs_that_job(file: str, job: str) -> None:
    there, own = PROOFS[file, job]
    assert re.search(rf'run\(\s*"{file}"', source(on_github, there))
    text = source(on_gitlab, own)
    assert [twin for twin in TWINS[file, job] if f'"{twin}"' not in text] == []
