"""Model servers on loopback that speak the two protocols for real, to the real SDKs.

What a server does with its next request is a function of the handler; without one it says something harmless. Every
request is kept, byte for byte.
"""

import json
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from microgpt.tutor.voices.claude import Claude
from microgpt.tutor.voices.compatible import Compatible
from microgpt.tutor.voices.cost import CLAUDE, Meter

SECRET = "sk-test-5ecre7"
HARMLESS = "Numbers first, words later."


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append(body)
        self.server.headers.append(dict(self.headers))
        act = self.server.script.popleft() if self.server.script else self.server.otherwise
        act(self)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass

    # ---- what an answer is made of

    def begin(self, kind: str = "text/event-stream") -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.send_header("connection", "close")
        self.end_headers()

    def chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def events(self, text: str, calls: list, tokens: dict, *, finished: bool = True) -> list[str]:
        return (_claude if self.server.protocol == "claude" else _compatible)(text, calls, tokens, finished)


class ModelServer(ThreadingHTTPServer):
    """A server of a model.

    Attributes:
        requests, headers: as they came, in order.
        script: what to do with the next requests.
        otherwise: what to do after that.
        over: set when the test is; a server that says nothing waits for it.
    """

    daemon_threads = True

    def __init__(self, protocol: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.protocol = protocol
        self.requests, self.headers, self.script = [], [], deque()
        self.otherwise, self.over = say(HARMLESS), threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}" + ("/v1" if self.protocol == "compatible" else "")

    def wire(self, *, model: str = CLAUDE, most: float | None = None, timeout_s: float = 20.0, key: str = SECRET):
        make = Claude if self.protocol == "claude" else Compatible
        return make(key=key, base_url=self.url, meter=Meter(model, most), timeout_s=timeout_s)

    def told(self, n: int = -1) -> dict:
        """Return what a request held in its last message, as `prompt.facts` wrote it."""
        message = json.loads(self.requests[n])["messages"][-1]
        content = message["content"]
        return json.loads(content if isinstance(content, str) else content[0]["text"])

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that hung up


def _sse(name: str, body: dict) -> str:
    return f"event: {name}\ndata: {json.dumps({'type': name, **body})}\n\n"


def _claude(text: str, calls: list, tokens: dict, finished: bool) -> list[str]:
    used = {"input_tokens": tokens.get("fresh", 100), "output_tokens": 1}
    used |= {
        "cache_creation_input_tokens": tokens.get("written", 0),
        "cache_read_input_tokens": tokens.get("cached", 0),
    }
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": CLAUDE}
    events = [
        _sse("message_start", {"message": {**message, "stop_reason": None, "stop_sequence": None, "usage": used}})
    ]
    blocks = (
        [({"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces(text)])]
        if text
        else []
    )
    for n, (name, arguments) in enumerate(calls):
        start = {"type": "tool_use", "id": f"toolu_{n}", "name": name, "input": {}}
        raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
        blocks.append((start, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(raw)]))
    for index, (start, deltas) in enumerate(blocks):
        events.append(_sse("content_block_start", {"index": index, "content_block": start}))
        events += [_sse("content_block_delta", {"index": index, "delta": delta}) for delta in deltas]
        events.append(_sse("content_block_stop", {"index": index}))
    if finished:
        stop = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
        events.append(_sse("message_delta", {"delta": stop, "usage": {"output_tokens": tokens.get("out", 20)}}))
        events.append(_sse("message_stop", {}))
    return events


def _compatible(text: str, calls: list, tokens: dict, finished: bool) -> list[str]:
    def chunk(delta: dict, reason: str | None = None, **more: object) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
        return f"data: {json.dumps(body)}\n\n"

    events = [chunk({"role": "assistant", "content": piece}) for piece in pieces(text)]
    for n, (name, arguments) in enumerate(calls):
        raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
        first = {"index": n, "id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": ""}}
        events.append(chunk({"tool_calls": [first]}))
        events += [chunk({"tool_calls": [{"index": n, "function": {"arguments": piece}}]}) for piece in pieces(raw)]
    if finished:
        read = tokens.get("fresh", 100) + tokens.get("cached", 0)
        used = {"prompt_tokens": read, "completion_tokens": tokens.get("out", 20)}
        used |= {"total_tokens": 0, "prompt_tokens_details": {"cached_tokens": tokens.get("cached", 0)}}
        events += [chunk({}, "tool_calls" if calls else "stop"), chunk({}, choices=[], usage=used), "data: [DONE]\n\n"]
    return events


def pieces(text: str, size: int = 7) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def say(text: str, *calls: tuple[str, object], **tokens: int) -> Callable[[Handler], None]:
    def act(handler: Handler) -> None:
        handler.begin()
        for event in handler.events(text, list(calls), tokens):
            handler.chunk(event)
        handler.end()

    return act


def refuse(status: int, body: str = "{}", **headers: str) -> Callable[[Handler], None]:
    def act(handler: Handler) -> None:
        data = body.encode()
        handler.send_response(status)
        for name, value in {
            "content-type": "application/json",
            "content-length": str(len(data)),
            "connection": "close",
            **headers,
        }.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return act


def break_off(*, politely: bool) -> Callable[[Handler], None]:
    """Stop in the middle of an answer: the connection closed as if all were said, or simply gone."""

    def act(handler: Handler) -> None:
        handler.begin()
        for event in handler.events("Half of what there is to say", [], {}, finished=False)[:3]:
            handler.chunk(event)
        if politely:
            handler.end()

    return act


def send(*texts: str, kind: str = "text/event-stream") -> Callable[[Handler], None]:
    def act(handler: Handler) -> None:
        handler.begin(kind)
        for text in texts:
            handler.chunk(text)
        handler.end()

    return act


def say_nothing(handler: Handler) -> None:
    handler.server.over.wait(30)


def dribble(head: str, again: str) -> Callable[[Handler], None]:
    """Never be silent and never be done: these bytes, and then others, again and again, until the client hangs up."""

    def act(handler: Handler) -> None:
        handler.wfile.write(head.encode())
        while not handler.server.over.wait(0.02):
            handler.wfile.write(again.encode())
            handler.wfile.flush()

    return act


def never_stop(handler: Handler) -> None:
    events = handler.events("word " * 50, [], {}, finished=False)
    handler.begin()
    handler.chunk("".join(events[:2]) if handler.server.protocol == "claude" else events[0])
    for _ in range(100_000):
        handler.chunk(events[3])
