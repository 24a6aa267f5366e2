"""The printed report of a scenario: one document, written as Markdown and as PDF."""

from viewer.document.folder import require_free, write_ensemble
from viewer.document.report import report_document, write_report

__all__ = ["report_document", "require_free", "write_ensemble", "write_report"]
