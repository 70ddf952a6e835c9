"""The comparison as a page that can be published: data first, then twin templates."""

from mien.experiments.report.build import build_report
from mien.experiments.report.contents import ReportData
from mien.experiments.report.schema import SCHEMA_ID, check_results, read_results
from mien.experiments.report.write import write_pages, write_report

__all__ = [
    "SCHEMA_ID",
    "ReportData",
    "build_report",
    "check_results",
    "read_results",
    "write_pages",
    "write_report",
]
