"""The same model in torch: on a processor, on a graphics card, or on several; its gradients are torch's own.

Read `microgpt.reference` first: `GPT.forward` is its `gpt`, for B documents side by side. What is chosen for a device
(numbers, kernels, compiling) changes the speed and the last digits, never the function. Axes are those of `config`.
"""

# torch leaves parts of its own types open, and pyright would tell us of each:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import atexit
import os
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import cast

import numpy as np

# Read when torch is loaded: threads that wait for one another sleep. They would spin, and on a machine that has other
# work too keep from its processors the one that they wait for: a step then takes forty times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812  (its customary name)
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from microgpt.config import ComputeConfig, GPTConfig, parameter_shapes
from microgpt.engines.base import BETAS, EPS, Array, State, Tokens, parts, predictions
from microgpt.errors import ConfigError

LARGE = 1_000_000  # parameters: above, a graphics card is busy computing; below, it waits for the next kernel to start
IGNORED = -100  # a target that counts nothing: padding

# Dense operations a second, from the maker's data sheets, by the whole name: an H100 in another case is slower.
PEAK_FLOPS = {
    "NVIDIA H100 80GB HBM3": {"bfloat16": 989e12, "float32": 67e12},
    "NVIDIA H200": {"bfloat16": 989e12, "float32": 67e12},
    "NVIDIA A100-SXM4-40GB": {"bfloat16": 312e12, "float32": 19.5e12},
    "NVIDIA A100-SXM4-80GB": {"bfloat16": 312e12, "float32": 19.5e12},
}


class GPT(nn.Module):
    """The model. Its parameters have the reference's names, with `_` for the dot that torch does not allow.

    Args:
        weights: by name, each (outputs, inputs).
        fused: whether one kernel does scores, shares and mixing.
    """

    def __init__(self, config: GPTConfig, weights: dict[str, Tensor], *, fused: bool) -> None:
        super().__init__()
        self.config, self.fused = config, fused
        self.w = nn.ParameterDict({name.replace(".", "_"): nn.Parameter(weight) for name, weight in weights.items()})

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits, (B, T) -> (B, T, V)."""
        w = cast("dict[str, Tensor]", self.w)
        x = rmsnorm(F.embedding(ids, w["wte"]) + w["wpe"][: ids.shape[1]])  # (B, T, C)
        for i in range(self.config.n_layer):
            wq, wk, wv, wo, fc1, fc2 = (w[f"layer{i}_{name}"] for name in ("wq", "wk", "wv", "wo", "fc1", "fc2"))
            a = rmsnorm(x)
            x = x + F.linear(self.attention(F.linear(a, wq), F.linear(a, wk), F.linear(a, wv)), wo)
            x = x + F.linear(F.relu(F.linear(rmsnorm(x), fc1)), fc2)
        return F.linear(rmsnorm(x) if self.config.final_norm else x, w["lm_head"])

    def attention(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Let every token gather from the values up to its own, head by head; (B, T, C) three times -> (B, T, C)."""
        heads = (self.config.n_head, self.config.head_dim)
        q, k, v = (x.unflatten(2, heads).transpose(1, 2) for x in (q, k, v))  # (B, H, T, D)
        if self.fused:
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # over root D, as it does by itself
        else:
            scores = q @ k.transpose(2, 3) * self.config.head_dim**-0.5  # (B, H, T, T)
            future = torch.ones_like(scores, dtype=torch.bool).triu(1)
            mixed = F.softmax(scores.masked_fill(future, -torch.inf), dim=-1) @ v
        return mixed.transpose(1, 2).flatten(2)


def rmsnorm(x: Tensor) -> Tensor:
    """Scale each row to a mean square of 1."""
    return F.rms_norm(x, (x.shape[-1],), eps=1e-5)


class TorchEngine:
    """An `Engine` on the device that was chosen, or the best there is.

    Under ``torchrun`` every process is given the whole batch and computes its share; the gradients are those of the
    whole (DistributedDataParallel adds them up). A Ctrl-C that nobody catches may come while Adam has moved some
    weights and not others.

    Raises:
        ConfigError: if the machine has not the device, or the device not the numbers.
    """

    def __init__(self, config: GPTConfig, state: State, compute: ComputeConfig) -> None:
        self.rank, self.world = _join_others(compute)
        self.device = _device(compute.device, self.rank)
        on_card = self.device.type == "cuda"
        large = config.n_params >= LARGE
        dtype = _dtype(compute.dtype, self.device, large=large)
        self.amp = dtype == "bfloat16"  # multiplies in it; the weights and Adam keep 32 bits
        self.kept = torch.float64 if dtype == "float64" else torch.float32
        compiled, graphs = _on(compute.compile, auto=on_card and large), _on(compute.graphs, auto=on_card and not large)
        if graphs and not on_card:
            raise ConfigError("graphs=on needs a CUDA device, as only CUDA records them. Try --graphs auto.")
        self.block_size = config.block_size if compiled or graphs else 0  # one shape for all batches: compiled once
        self.micro_batch = compute.micro_batch
        self.described = f"torch on {_device_name(self.device)}, {dtype}"
        if self.world > 1:
            self.described += f", {self.world} processes"
        self.peak_flops = peak_flops(_device_name(self.device), dtype, self.world)

        self.names = list(parameter_shapes(config))
        weights = {name: self._tensor(state.weights[name]) for name in self.names}
        self.model = GPT(config, weights, fused=compute.attention != "plain").to(self.device)
        self.parameters = {name: cast(nn.Parameter, self.model.w[name.replace(".", "_")]) for name in self.names}
        self.optimizer = torch.optim.Adam(
            self.parameters.values(), betas=BETAS, eps=EPS, fused=_on(compute.fused, auto=self.device.type != "mps")
        )
        for name, parameter in self.parameters.items():
            mean, square = (self._tensor(group[name]) for group in (state.mean, state.square))
            self.optimizer.state[parameter] = {
                "step": torch.tensor(float(state.step), device=self.device if on_card else None),
                "exp_avg": mean, "exp_avg_sq": square,
            }  # fmt: skip
        self.graphs = graphs
        if graphs:  # a recorded kernel writes to the same place each time: gradients that are added up need their own
            for parameter in self.parameters.values():
                parameter.grad = torch.zeros_like(parameter)
        self.steps = state.step
        trained: nn.Module = DistributedDataParallel(self.model) if self.world > 1 else self.model
        mode = "reduce-overhead" if graphs else None  # which records CUDA graphs
        self.trained = cast(nn.Module, torch.compile(trained, mode=mode)) if compiled or graphs else trained
        if self.world > 1:
            atexit.register(self._leave_others)

    def step(self, batch: Sequence[Tokens], lr: float) -> float:
        loss = self._backward(batch)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        with memory_error():
            self.optimizer.step()
        self.steps += 1
        return loss

    def loss_and_gradients(self, batch: Sequence[Tokens]) -> tuple[float, dict[str, Array]]:
        loss = self._backward(batch)
        return loss, {name: _array(cast(Tensor, p.grad)) for name, p in self.parameters.items()}  # every one is used

    def loss(self, batch: Sequence[Tokens]) -> float:
        with torch.no_grad(), memory_error():
            surprises = [self._surprise(self.model, part) for part in parts(batch, self.micro_batch)]
        return float(sum(surprises)) / predictions(batch)

    def logits(self, tokens: Tokens) -> Array:
        with torch.no_grad(), memory_error(), self._autocast():
            return _array(self.model(torch.tensor([list(tokens)], device=self.device))[0].to(self.kept))

    def state(self) -> State:
        adam = [self.optimizer.state[parameter] for parameter in self.parameters.values()]
        return State(
            weights={name: _array(parameter) for name, parameter in self.parameters.items()},
            mean={name: _array(held["exp_avg"]) for name, held in zip(self.names, adam, strict=True)},
            square={name: _array(held["exp_avg_sq"]) for name, held in zip(self.names, adam, strict=True)},
            step=self.steps,
        )

    def _backward(self, batch: Sequence[Tokens]) -> float:
        """Leave the batch's gradient in the parameters, and return its loss, in nats a token."""
        if len(batch) < self.world:
            raise ConfigError(
                f"batch={len(batch)} is too small for {self.world} processes: each needs a document. "
                f"Try --batch {self.world}."
            )
        own, n = parts(batch[self.rank :: self.world], self.micro_batch), predictions(batch)
        surprise = torch.zeros((), dtype=self.kept, device=self.device)
        self.optimizer.zero_grad(set_to_none=not self.graphs)
        for part in own:
            last = part is own[-1]
            with memory_error(), self._unsynced(last):
                loss = self._surprise(self.trained, part)
                (loss * self.world / n).backward()  # times the processes: their mean is taken
            surprise += loss.detach()
        if self.world > 1:
            dist.all_reduce(surprise)
        return surprise.item() / n

    def _unsynced(self, last: bool) -> AbstractContextManager[None]:
        """Let only the last part of a batch send its gradients to the other processes."""
        if self.world > 1 and not last:
            return cast(DistributedDataParallel, self.trained).no_sync()
        return nullcontext()

    def _leave_others(self) -> None:
        """Drop all that holds the group, then the group: its threads end here, as one alive later aborts the exit."""
        self.trained = self.model
        if dist.is_initialized():
            dist.destroy_process_group()

    def _surprise(self, model: nn.Module, documents: Sequence[Tokens]) -> Tensor:
        """Return the surprise at every target, added up, in nats."""
        ids, targets = self._padded(documents)
        with self._autocast():
            logits = cast(Tensor, model(ids))  # (B, T, V)
        logits = logits.to(self.kept)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum")

    def _padded(self, documents: Sequence[Tokens]) -> tuple[Tensor, Tensor]:
        """Return ids and targets, (B, T), padded at the end: attention looks back only, and the loss leaves it out."""
        length = self.block_size or max(len(tokens) for tokens in documents) - 1
        rows = np.full((2, len(documents), length), IGNORED, dtype=np.int64)
        rows[0] = 0
        for i, tokens in enumerate(documents):
            rows[0, i, : len(tokens) - 1], rows[1, i, : len(tokens) - 1] = tokens[:-1], tokens[1:]
        both = torch.from_numpy(rows).to(self.device)
        return both[0], both[1]

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.amp)

    def _tensor(self, array: Array) -> Tensor:
        with memory_error():
            return torch.tensor(array, dtype=self.kept, device=self.device)


def _array(tensor: Tensor) -> Array:
    """Return a copy that later steps leave alone."""
    return tensor.detach().cpu().numpy().copy()


def _on(choice: str, *, auto: bool) -> bool:
    return auto if choice == "auto" else choice == "on"


def _device(name: str, rank: int) -> torch.device:
    found = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(device for device in ("cuda", "mps", "cpu") if found[device])
    if not found[name]:
        here = ", ".join(device for device, there in found.items() if there)
        raise ConfigError(f"device={name}: torch finds none on this machine, only {here}. Try --device auto.")
    return torch.device(name, rank % torch.cuda.device_count()) if name == "cuda" else torch.device(name)


def _dtype(name: str, device: torch.device, *, large: bool) -> str:
    if name == "auto":
        return "bfloat16" if device.type == "cuda" and large else "float32"
    if name == "float64" and device.type == "mps":
        raise ConfigError("dtype=float64: mps computes in 32 bits at most. Try --dtype float32, or --device cpu.")
    return name


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def peak_flops(card: str, dtype: str, world: int) -> float | None:
    """Return what so many cards of that name could do; None where no data sheet says it.

    >>> peak_flops("NVIDIA H100 80GB HBM3", "bfloat16", 2), peak_flops("NVIDIA H100 PCIe", "bfloat16", 2)
    (1978000000000000.0, None)
    """
    peak = PEAK_FLOPS.get(card, {}).get(dtype)
    return peak and peak * world


def _join_others(compute: ComputeConfig) -> tuple[int, int]:
    """Return which of how many processes this is, and connect them; 0 of 1 where torchrun did not start it."""
    if not dist.is_available() or not dist.is_torchelastic_launched():
        return 0, 1
    if not dist.is_initialized():
        on_cards = compute.device in ("auto", "cuda") and torch.cuda.is_available()
        dist.init_process_group("nccl" if on_cards else "gloo")
    return dist.get_rank(), dist.get_world_size()


@contextmanager
def memory_error() -> Generator[None]:
    """Turn what torch says of a lack of memory into Python's own error."""
    try:
        yield
    except RuntimeError as error:  # on a processor and on MPS it has no type of its own
        if any(words in str(error) for words in ("out of memory", "can't allocate memory")):
            raise MemoryError from error
        raise
