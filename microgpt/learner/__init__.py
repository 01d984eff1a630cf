"""The learner's record: what happened (`evidence`), what is known by it (`mastery`), what to repeat (`review`).

Start with `evidence.py`. The record is kept by `store.py`.
"""
