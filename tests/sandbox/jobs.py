"""How a test runs jobs: one program, some expressions."""

from microgpt.sandbox import Job, Json, Limits, Outcome, Program, run_jobs

QUICK = Limits(cpu_s=2)


def program(source: str, *more: str) -> Program:
    return Program(files=(("subject", source), *((f"helpers{n}", text) for n, text in enumerate(more))))


def ask(source: str, *expressions: str, limits: Limits = QUICK, **inputs: Json) -> list[Outcome]:
    return run_jobs([Job(program=program(source), expression=e, inputs=inputs) for e in expressions], limits=limits)


def ask_one(source: str, expression: str, limits: Limits = QUICK) -> Outcome:
    return ask(source, expression, limits=limits)[0]
