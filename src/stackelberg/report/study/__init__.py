"""The page of a study, from saved numbers only: figures, tables, text."""

from stackelberg.report.study.data import StudyData
from stackelberg.report.study.figures import draw_study_figures
from stackelberg.report.study.part import study_part

__all__ = ["StudyData", "draw_study_figures", "study_part"]
