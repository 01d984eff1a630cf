"""The wire to Claude, and to every server that speaks its protocol: the only home of `anthropic`.

The SDK's tool runner runs the tools. Everything is streamed, and sent whole each time (`thread=False`): a gateway or a
local server keeps nothing for us. The head of a request is marked for the server's cache, and so is its end.
"""

import json
import logging
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from microgpt.errors import LessonError, MicroGPTError, MissingExtra
from microgpt.tutor.voices.cost import Meter, Usage
from microgpt.tutor.voices.deadline import within
from microgpt.tutor.voices.model import LONGEST_S, MOST_CHARACTERS, MOST_TOKENS, ROUNDS
from microgpt.tutor.voices.prompt import Message
from microgpt.tutor.voices.trouble import Trouble, explained, turned_down, unread
from microgpt.tutor.voices.witness import ToolBox, ToolDefinition, definitions

if TYPE_CHECKING:
    from anthropic import APIRequest, APIResponse, CallNext
    from anthropic.lib.streaming import BetaMessageStream
    from anthropic.lib.tools import BetaFunctionTool
    from anthropic.types.beta import BetaMessage, BetaMessageParam, BetaTextBlockParam

KEY = "ANTHROPIC_API_KEY"
ADDRESS = "ANTHROPIC_BASE_URL"  # the variable that names another server, for the SDK and so for us
OWN = "https://api.anthropic.com"


class Claude:
    """A connection that speaks the Anthropic protocol.

    Args:
        key: the API key; anything for a local server.
        base_url: of a gateway or a local server; empty for Anthropic's own.
        meter: counts what it costs; its model is the one that is asked.
        timeout_s: the longest silence of a server.

    Raises:
        MissingExtra: the SDK is not installed.
    """

    def __init__(self, *, key: str, meter: Meter, base_url: str = "", timeout_s: float = 30.0) -> None:
        try:
            import anthropic
        except ImportError as error:
            raise MissingExtra("anthropic", "claude", "The voice of Claude") from error
        from anthropic.lib.tools import ToolError

        logging.getLogger("anthropic").addHandler(logging.NullHandler())  # a model's bad call is not for the screen
        self._sdk, self._refusal, self.meter, self.model = anthropic, ToolError, meter, meter.model
        self._connected = lambda: anthropic.Anthropic(
            api_key=key,
            base_url=base_url or OWN,
            timeout=timeout_s,
            max_retries=0,  # `ModelVoice` waits, within reason; the SDK would wait as long as a server says
            http_client=anthropic.DefaultHttpxClient(
                follow_redirects=False, timeout=timeout_s, event_hooks={"response": [unread]}
            ),
            middleware=[self._before],
        )
        self._client = self._connected()
        self.host = self._client.base_url.host

    def converse(
        self, system: Sequence[str], messages: Sequence[Message], tools: ToolBox, take: Callable[[str], None]
    ) -> str:
        """Return what the model says in the end; see `Wire.converse`."""
        if self._client.is_closed():  # the time of the message before was over
            self._client = self._connected()
        with warnings.catch_warnings(), within(LONGEST_S, self._client.close, model=self.model):
            warnings.filterwarnings("ignore", message="Tool '")  # of a tool that there is not; the model is told
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
        effort = self.meter.price is not None and self.meter.price.effort
        runner = self._client.beta.messages.tool_runner(
            model=self.model,
            max_tokens=MOST_TOKENS,
            system=_system(system),
            messages=[_message(message) for message in messages],
            tools=[self._tool(definition, tools) for definition in definitions()],
            cache_control={"type": "ephemeral"},
            output_config={"effort": "low"} if effort else self._sdk.omit,
            max_iterations=ROUNDS,
            stream=True,
            thread=False,
        )
        with closing(runner):
            for stream in runner:
                answer = self._read(stream, take)
                if answer.stop_reason != "tool_use":
                    return "".join(block.text for block in answer.content if block.type == "text")
                runner.generate_tool_call_response()  # now, so that what a tool decided ends the rounds
                take("\n\n")  # what comes after it is another paragraph
                tools.check()
                if tools.proposal is not None:
                    return ""
        return ""  # it never came to an end

    def _read(self, stream: "BetaMessageStream[None]", take: Callable[[str], None]) -> "BetaMessage":
        """Read one answer to its end, unless it has none."""
        size = 0
        try:
            for event in stream:
                if event.type != "content_block_delta":
                    continue
                if event.delta.type == "text_delta":
                    take(event.delta.text)
                size += len(event.delta.to_json())
                if size > 4 * MOST_CHARACTERS:
                    raise Trouble(f"{self.model} did not come to an end")
            answer = stream.get_final_message()
        except MicroGPTError:
            raise
        except Exception as error:
            raise self._explained(error, begun=True) from error
        if answer.stop_reason is None:
            raise Trouble(f"the answer of {self.host} broke off")
        used = answer.usage
        self.meter.after(
            Usage(
                fresh=used.input_tokens,
                written=used.cache_creation_input_tokens or 0,
                cached=used.cache_read_input_tokens or 0,
                out=used.output_tokens,
            )
        )
        return answer

    def _explained(self, error: Exception, *, begun: bool) -> Trouble:
        return explained(error, host=self.host, model=self.model, key=KEY, begun=begun)

    def _before(self, request: "APIRequest", call_next: "CallNext") -> "APIResponse[Any]":
        """Ask the meter before a request leaves; the SDK calls this once for each, with all that it sends."""
        self.meter.before(json.dumps(request.json).encode(), MOST_TOKENS)
        return call_next(request)

    def _tool(self, definition: ToolDefinition, tools: ToolBox) -> "BetaFunctionTool[Callable[..., str]]":
        def call(**arguments: object) -> str:
            try:
                return tools.call(definition.name, arguments)
            except LessonError as refusal:
                raise self._refusal(str(refusal)) from refusal

        tool = self._sdk.beta_tool
        schema = dict(definition.parameters)
        return tool(call, name=definition.name, description=definition.description, input_schema=schema)  # pyright: ignore


def _message(message: Message) -> "BetaMessageParam":
    return {"role": message.role, "content": message.text}  # pyright: ignore


def _system(texts: Sequence[str]) -> "list[BetaTextBlockParam]":
    """Return the head of a request; the mark at its end is where a server's cache of it ends, tools included."""
    *most, last = texts
    blocks: list[BetaTextBlockParam] = [{"type": "text", "text": text} for text in most]
    return [*blocks, {"type": "text", "text": last, "cache_control": {"type": "ephemeral"}}]
