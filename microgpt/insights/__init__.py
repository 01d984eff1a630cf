"""What to teach: the educator's files, read without running anything, and the lock of computed answers.

Read in this order: `insight` (one file), `course` (a folder of them), `mutant` (a belief as an edit of the code),
`lock` (every answer, computed once in the sandbox), `grading` (a learner's words against a key), `lint`.
"""
