"""The wire to any server that speaks OpenAI's chat protocol, local or far: the only home of `openai`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from microgpt.errors import LessonError, MicroGPTError, MissingExtra
from microgpt.tutor.voices.cost import Meter, Usage
from microgpt.tutor.voices.deadline import within
from microgpt.tutor.voices.model import LONGEST_S, MOST_CHARACTERS, MOST_TOKENS, ROUNDS
from microgpt.tutor.voices.prompt import Message
from microgpt.tutor.voices.trouble import Trouble, explained, turned_down, unread
from microgpt.tutor.voices.witness import ToolBox, definitions

if TYPE_CHECKING:
    from openai import Stream
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionToolUnionParam

KEY = "OPENAI_API_KEY"
ADDRESS = "OPENAI_BASE_URL"  # the variable that names another server, for the SDK and so for us
OWN_HOST = "api.openai.com"  # there, the older name for the longest answer is refused; elsewhere, only it is known


@dataclass
class Call:
    """One tool call, as its pieces arrive."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass
class Answer:
    """One answer of a model, as its pieces arrive."""

    text: str = ""
    calls: dict[int, Call] = field(default_factory=dict[int, Call])
    finished: bool = False
    usage: Usage | None = None

    def add(self, chunk: "ChatCompletionChunk") -> str:
        """Take in the next piece; return the words in it."""
        words = ""
        if chunk.usage is not None:
            self.usage = _usage(chunk.usage)
        for choice in (chunk.choices or ())[:1]:
            self.finished = self.finished or choice.finish_reason is not None
            words = choice.delta.content or ""
            self.text += words
            for piece in choice.delta.tool_calls or ():
                call = self.calls.setdefault(piece.index, Call())
                call.id = call.id or piece.id or f"call_{piece.index}"
                if piece.function is not None:
                    call.name += piece.function.name or ""
                    call.arguments += piece.function.arguments or ""
        return words

    @property
    def size(self) -> int:
        return len(self.text) + sum(len(call.arguments) + len(call.name) for call in self.calls.values())

    def to_message(self) -> "ChatCompletionMessageParam":
        """Return the answer as it stands in the conversation that is sent back."""
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in self.calls.values()
        ]
        return {"role": "assistant", "content": self.text or None, "tool_calls": calls}  # pyright: ignore


class Compatible:
    """A connection that speaks OpenAI's chat protocol.

    Args:
        key: the API key; anything for a local server.
        base_url: of the server, up to and with ``/v1``; empty for OpenAI's own.
        meter: counts what it costs; its model is the one that is asked.
        timeout_s: the longest silence of a server.

    Raises:
        MissingExtra: the SDK is not installed.
    """

    def __init__(self, *, key: str, meter: Meter, base_url: str = "", timeout_s: float = 30.0) -> None:
        try:
            import openai
        except ImportError as error:
            raise MissingExtra("openai", "openai", "The compatible voice") from error
        self.meter, self.model = meter, meter.model
        self._connected = lambda: openai.OpenAI(
            api_key=key,
            base_url=base_url or f"https://{OWN_HOST}/v1",
            timeout=timeout_s,
            max_retries=0,  # `ModelVoice` waits, within reason
            http_client=openai.DefaultHttpxClient(
                follow_redirects=False, timeout=timeout_s, event_hooks={"response": [unread]}
            ),
        )
        self._client = self._connected()
        self.host = self._client.base_url.host

    def converse(
        self, system: Sequence[str], messages: Sequence[Message], tools: ToolBox, take: Callable[[str], None]
    ) -> str:
        """Return what the model says in the end; see `Wire.converse`."""
        if self._client.is_closed():  # the time of the message before was over
            self._client = self._connected()
        with within(LONGEST_S, self._client.close, model=self.model):
            try:
                return self._rounds(system, messages, tools, take)
            except MicroGPTError:
                raise
            # Whatever a server sends, or the SDK makes of it, is no mistake of the learner's.
            except Exception as error:
                if turned_down(error):
                    self.meter.refused()
                raise self._explained(error, begun=False) from error

    def _rounds(
        self, system: Sequence[str], messages: Sequence[Message], tools: ToolBox, take: Callable[[str], None]
    ) -> str:
        said: list[ChatCompletionMessageParam] = [{"role": "system", "content": "\n\n".join(system)}]
        for message in messages:
            said.append({"role": message.role, "content": message.text})  # pyright: ignore
        for _ in range(ROUNDS):
            answer = self._ask(said, take)
            if not answer.calls:
                return answer.text
            said.append(answer.to_message())
            for call in answer.calls.values():
                said.append({"role": "tool", "tool_call_id": call.id, "content": _result(call, tools)})
            take("\n\n")  # what comes after it is another paragraph
            tools.check()
            if tools.proposal is not None:
                return ""
        return ""  # it never came to an end

    def _ask(self, said: "Sequence[ChatCompletionMessageParam]", take: Callable[[str], None]) -> Answer:
        """Send the conversation, and read one answer to its end, unless it has none."""
        tools = _tools()
        self.meter.before(json.dumps([said, tools]).encode(), MOST_TOKENS)
        longest = {"max_completion_tokens" if self.host == OWN_HOST else "max_tokens": MOST_TOKENS}
        stream = self._client.chat.completions.create(
            model=self.model,
            messages=said,
            tools=tools,
            stream=True,
            stream_options={"include_usage": True},
            extra_body=longest,
        )
        with stream:
            try:
                answer = self._read(stream, take)
            except MicroGPTError:
                raise
            except Exception as error:
                raise self._explained(error, begun=True) from error
        self.meter.after(answer.usage)
        return answer

    def _explained(self, error: Exception, *, begun: bool) -> Trouble:
        return explained(error, host=self.host, model=self.model, key=KEY, begun=begun)

    def _read(self, stream: "Stream[ChatCompletionChunk]", take: Callable[[str], None]) -> Answer:
        answer = Answer()
        for chunk in stream:
            take(answer.add(chunk))
            if answer.size > MOST_CHARACTERS:
                raise Trouble(f"{self.model} did not come to an end")
        if not answer.finished:
            raise Trouble(f"the answer of {self.host} broke off")
        return answer


def _result(call: Call, tools: ToolBox) -> str:
    """Run a call and return what the model is to read of it, a refusal included."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError:
        return f"Error: the arguments of {call.name} are no JSON."
    try:
        return tools.call(call.name, arguments)
    except LessonError as refusal:
        return f"Error: {refusal}"


def _tools() -> "list[ChatCompletionToolUnionParam]":
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
        }
        for tool in definitions()
    ]


def _usage(counted: "CompletionUsage") -> Usage:
    details = counted.prompt_tokens_details
    cached = (details.cached_tokens or 0) if details else 0
    return Usage(fresh=counted.prompt_tokens - cached, cached=cached, out=counted.completion_tokens)
