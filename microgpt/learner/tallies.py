"""What is counted of a lesson's answers as they come, so that looking back costs the same after 100,000 events.

Two tables of the record (`database.py`), derived from its events by SQLite itself, within the transaction that adds
one: `heard`, how many answers there were to an insight, and `mistakes`, which beliefs they pointed at. Neither holds a
word of a learner's.
"""

# Written once, as what an answer does that is inserted into `counted`. A new answer is, and, where an answer was taken
# back or an older file is brought up to date, all that stand are again, in order. A void attempt is none, an exercise
# or a question that only measures counts for no insight, and a right answer rules out what has had a sign before.
STATEMENTS = (
    """
    CREATE TABLE heard (
        lesson TEXT NOT NULL, insight TEXT NOT NULL,
        witnessed INTEGER NOT NULL, reported INTEGER NOT NULL, wrong INTEGER NOT NULL,
        PRIMARY KEY (lesson, insight)
    ) WITHOUT ROWID""",
    # The last three signs are numbers of events; 0 for none.
    """
    CREATE TABLE mistakes (
        lesson TEXT NOT NULL, insight TEXT NOT NULL, misconception TEXT NOT NULL,
        signs INTEGER NOT NULL, ruled_out INTEGER NOT NULL,
        last INTEGER NOT NULL, last_but_one INTEGER NOT NULL, last_but_two INTEGER NOT NULL,
        PRIMARY KEY (lesson, insight, misconception)
    ) WITHOUT ROWID""",
    """
    CREATE VIEW counted AS
    SELECT lesson, seq, json_extract(body, '$.insight') AS insight, body FROM events
    WHERE kind = 'evidence' AND (lesson, ask_id) NOT IN (SELECT lesson, ask_id FROM events WHERE kind = 'void')""",
    """
    CREATE TRIGGER an_answer_is_counted INSTEAD OF INSERT ON counted
    BEGIN
        INSERT INTO heard
        SELECT NEW.lesson, NEW.insight, witnessed, NOT witnessed, wrong FROM (
            SELECT json_extract(NEW.body, '$.witnessed') AS witnessed,
                json_extract(NEW.body, '$.outcome') = 'wrong' AS wrong
            WHERE json_extract(NEW.body, '$.outcome') <> 'recorded'
                AND coalesce(json_extract(NEW.body, '$.exercise'), '') = ''
        ) WHERE TRUE
        ON CONFLICT DO UPDATE SET witnessed = witnessed + excluded.witnessed,
            reported = reported + excluded.reported, wrong = wrong + excluded.wrong;
        INSERT INTO mistakes
        SELECT NEW.lesson, NEW.insight, value, 1, 0, NEW.seq, 0, 0
        FROM json_each(NEW.body, '$.misconceptions') WHERE TRUE
        ON CONFLICT DO UPDATE SET signs = signs + 1, ruled_out = 0,
            last = excluded.last, last_but_one = last, last_but_two = last_but_one;
        UPDATE mistakes SET ruled_out = ruled_out + 1
        WHERE lesson = NEW.lesson AND insight = NEW.insight
            AND misconception IN (SELECT value FROM json_each(NEW.body, '$.refutes'));
    END""",
    """
    CREATE TRIGGER a_new_answer_is_counted AFTER INSERT ON events WHEN NEW.kind = 'evidence'
    BEGIN
        INSERT INTO counted VALUES (NEW.lesson, NEW.seq, json_extract(NEW.body, '$.insight'), NEW.body);
    END""",
    """
    CREATE TRIGGER without_a_void_answer_the_rest_is_counted_again AFTER INSERT ON events WHEN NEW.kind = 'void'
    BEGIN
        DELETE FROM heard WHERE lesson = NEW.lesson;
        DELETE FROM mistakes WHERE lesson = NEW.lesson;
        INSERT INTO counted SELECT * FROM counted WHERE lesson = NEW.lesson ORDER BY seq;
    END""",
    "INSERT INTO counted SELECT * FROM counted ORDER BY lesson, seq",
)

MISTAKES = """
    SELECT insight, misconception, signs, ruled_out, last_but_two, last_but_one, last FROM mistakes
    WHERE lesson = ? ORDER BY ruled_out > 0, signs DESC, last DESC"""
HEARD = "SELECT insight, witnessed, reported, wrong FROM heard WHERE lesson = ?"
