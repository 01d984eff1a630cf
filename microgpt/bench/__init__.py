"""How fast, how large and how quick to start each engine is on this machine, as `microgpt bench` reports it.

Read `yardstick`, what speeds are compared with; `probe`, what one fresh process does; `measure`, who asks it for
rounds; then `budgets`, `machine` and `report`.
"""
