"""Listwire's worker with Faust as it comes: `python stock_worker.py worker ...`, for comparison only."""

from functools import partial

from agents import worker
from agents.__main__ import main
from agents.app import build_app

worker.build_app = partial(build_app, tuned=False)
main()
