"""Simulated learners: a teaching script tried on thousands of lessons, before it is tried on people.

Read in this order: `assumptions`, every number about learners; `mind`, what one holds and how it changes; `learner`,
how one answers; `lesson`, a learner in the real session; `teachers`, who else could have taught, and the `oracle` among
them; `school`, all learners with all teachers; `compare` and `report`, what came of it; `simulation`, all in one call.
"""
