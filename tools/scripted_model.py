"""A server of a model on loopback, which speaks OpenAI's chat protocol and says what it is told to say: for screens."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from microgpt.tutor.voices.compatible import Compatible
from microgpt.tutor.voices.cost import Meter

MODEL = "scripted"
END = "\0"  # of an answer that is whole
PIECE = 5  # characters that come at once


@contextmanager
def scripted_model(say: Callable[[str], str]) -> Generator[Compatible]:
    """Give a wire to a model.

    Args:
        say: gets the last message to the model, as `prompt.facts` wrote it; what it returns without `END` breaks off.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            said = say(str(request["messages"][-1]["content"]))
            said, end, _ = said.partition(END)
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            for at in range(0, len(said), PIECE):
                self._send({"role": "assistant", "content": said[at : at + PIECE]})
            if end:
                self._send({}, reason="stop")
            self.close_connection = True

        def _send(self, delta: dict[str, str], reason: str | None = None) -> None:
            choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
            body = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": choices}
            self.wfile.write(f"data: {json.dumps(body)}\n\n".encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Compatible(key="none", base_url=f"http://127.0.0.1:{server.server_port}/v1", meter=Meter(MODEL))
        finally:
            server.shutdown()
            thread.join()
