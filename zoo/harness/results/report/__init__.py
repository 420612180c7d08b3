"""``report.html``: a results folder to look at, in one file that needs nothing else."""

from zoo.harness.results.report.page import write_report

__all__ = ["write_report"]
