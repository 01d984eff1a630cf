"""The learner's record: what happened (evidence), what is known (mastery), what to repeat (review), where it is kept (store)."""
