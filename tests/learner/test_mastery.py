"""What moves mastery, and what never does; the formula agrees with an enumeration of every hidden path."""

import json
from functools import reduce
from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.learner.mastery import CEILING, GUESS, LEARN, MASTERED, PRIOR, SLIP, Knowledge, mastered, observe, update
from tests.learner.test_evidence import EVIDENCE
