"""How a test attacks the sandbox: with a neighbour that must get its answer, and once without walls."""

from microgpt.sandbox import Job, Json, Limits, Outcome, Program, run_jobs

LIMITS = Limits(wall_s=2, cpu_s=1, memory_mb=200, output_kb=64)


def attack(source: str, expression: str = "attack()", **inputs: Json) -> Outcome:
    """Run an attack between two harmless jobs, which must get their answers, and return what came of it."""
    program = Program(files=(("attack", source),))
    harmless = Job(program=program, expression="'fine'", inputs={})
    alien = Job(program=Program(files=()), expression="'fine'", inputs={})
    jobs = [harmless, Job(program=program, expression=expression, inputs=inputs), harmless, alien]
    first, outcome, *others = run_jobs(jobs, limits=LIMITS)
    assert [other.value for other in (first, *others)] == ["fine"] * 3
    return outcome


def outside(source: str, **inputs: Json) -> object:
    """Run the attack here, to see that it is one."""
    namespace: dict[str, object] = {}
    exec(source, namespace)
    return eval("attack({})".format(", ".join(f"{name}={value!r}" for name, value in inputs.items())), namespace)
