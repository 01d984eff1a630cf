"""The runner: a script of rules, a policy that follows it, a session that keeps the record, and the lesson tools.

Read `turns` (what is said and asked), then `state`, `script`, `policy`, `render`, `session`, `tools`.
"""
