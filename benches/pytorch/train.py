"""Vitrine's session encoder in PyTorch: the same model, data, batches and loss, for one pass.

    python train.py DATA RECIPE.json        (DATA is a folder that `vitrine prepare` wrote)

Prints JSON: sessions per second, the mean loss in nats, and the number of sessions. The GRU is
torch.nn.GRU, attention is scaled_dot_product_attention, the item table a sparse embedding under
SparseAdam: what one would write in PyTorch.
"""

import json
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import torch
from torch import nn
from torch.nn import functional as F

ACTIONS = 3
SORTED_TOGETHER = 32


def read(folder):
    """The sessions that `vitrine train` fits on while it validates, as (rows, actions), and N."""
    table = pq.read_table(f"{folder}/events.parquet", columns=["session_id", "item_id", "action", "split"])
    split = np.asarray(table["split"])
    items = np.unique(np.asarray(table["item_id"])[split == "train"].astype(str))
    keep = split == "train"
    session = table["session_id"].to_numpy()[keep]
    row = np.searchsorted(items, np.asarray(table["item_id"])[keep].astype(str))
    action = table["action"].to_numpy()[keep]
    cuts = np.flatnonzero(np.diff(session)) + 1
    sessions = list(zip(np.split(row, cuts), np.split(action, cuts)))
    return sessions[: max(len(sessions) * 9 // 10, 1)], len(items)


def pieces(sessions, length):
    """Sessions of at most length + 1 events; one event is shared where a session is cut."""
    found = []
    for rows, actions in sessions:
        end = len(rows)
        while end >= 2:
            start = max(0, end - length - 1)
            found.append((rows[start:end], actions[start:end]))
            if start == 0:
                break
            end = start + 1
    return found


def order(found, batch, rng):
    """Batches of places, sorted by length within groups of batches."""
    places = rng.permutation(len(found))
    lengths = np.array([len(piece[0]) for piece in found])
    groups = np.split(places, range(batch * SORTED_TOGETHER, len(places), batch * SORTED_TOGETHER))
    flat = np.concatenate([group[np.argsort(lengths[group], kind="stable")] for group in groups])
    batches = np.split(flat, range(batch, len(flat), batch))
    rng.shuffle(batches)
    return batches


class Gru(nn.Module):
    """States of a gated recurrent unit."""

    def __init__(self, width, hidden):
        super().__init__()
        self.gru = nn.GRU(width, hidden)
        nn.init.zeros_(self.gru.bias_ih_l0)
        nn.init.zeros_(self.gru.bias_hh_l0)

    def forward(self, session):
        """[T, B, W] → [T, B, H]."""
        return self.gru(session)[0]


class Block(nn.Module):
    """Attention with a slope for each head, then two affine layers, each added to its input."""

    def __init__(self, hidden, heads):
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.parts = nn.Linear(hidden, 3 * hidden)
        self.slopes = nn.Parameter(2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads))
        self.mixes = nn.Linear(hidden, hidden)
        self.widens, self.narrows = nn.Linear(hidden, 2 * hidden), nn.Linear(2 * hidden, hidden)

    def forward(self, states, places, past):
        """[B, T, H] → [B, T, H]."""
        size = states.shape
        parts = self.parts(self.before(states)).view(*size[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        bias = (places * self.slopes[:, None, None]).masked_fill(~past, -1e9)
        mixed = F.scaled_dot_product_attention(*parts, attn_mask=bias)
        states = states + self.mixes(mixed.transpose(1, 2).reshape(size))
        return states + self.narrows(F.relu(self.widens(self.between(states))))


class Attention(nn.Module):
    """SASRec's blocks, normalised before each part."""

    def __init__(self, width, hidden, layers, heads):
        super().__init__()
        self.input = nn.Linear(width, hidden)
        self.blocks = nn.ModuleList(Block(hidden, heads) for _ in range(layers))
        self.last = nn.LayerNorm(hidden)

    def forward(self, session):
        """[T, B, W] → [T, B, H]."""
        states = self.input(session).transpose(0, 1)
        steps = len(session)
        places, past = torch.arange(float(steps)), torch.ones(steps, steps, dtype=torch.bool).tril()
        for block in self.blocks:
            states = block(states, places, past)
        return self.last(states).transpose(0, 1)


class SessionEncoder(nn.Module):
    """A backbone, and a head that weighs the session's own vectors."""

    def __init__(self, recipe):
        super().__init__()
        dim, hidden = recipe["dim"], recipe["hidden"]
        self.dim, self.scale = dim, 1 / recipe["temperature"]
        if recipe["backbone"] == "gru":
            self.backbone = Gru(dim + ACTIONS, hidden)
        else:
            self.backbone = Attention(dim + ACTIONS, hidden, recipe["layers"], recipe["heads"])
        bound = hidden**-0.5
        self.asks = nn.Parameter(torch.empty(hidden, dim).uniform_(-bound, bound))
        self.answers = nn.Parameter(torch.empty(hidden, dim).uniform_(-bound, bound))
        self.projection = nn.Parameter(torch.zeros(hidden, dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, session):
        """[T, B, D + 3] → [T, B, D]."""
        states = self.backbone(session)
        asks = (states @ self.asks).transpose(0, 1)
        answers = (states @ self.answers).transpose(0, 1)
        vectors = session[:, :, : self.dim].transpose(0, 1)
        pooled = F.scaled_dot_product_attention(asks, answers, vectors, is_causal=True)
        answer = pooled.transpose(0, 1) + states @ self.projection + self.bias
        return F.normalize(answer, dim=2) * self.scale


def main():
    folder, recipe = sys.argv[1], json.load(open(sys.argv[2]))
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    sessions, items = read(folder)
    found = pieces(sessions, recipe["length"])
    counts = np.bincount(np.concatenate([rows for rows, _ in sessions]), minlength=items).astype(float)
    share = (counts + 1) ** recipe["negative_power"]
    share /= share.sum()
    cumulated = np.cumsum(share)
    label_share = counts / counts.sum()
    dim, negatives = recipe["dim"], recipe["negatives"]
    table = nn.Embedding(items, dim, sparse=True)
    nn.init.uniform_(table.weight, -(dim**-0.5), dim**-0.5)
    encoder = SessionEncoder(recipe)
    rate = recipe["learning_rate"]
    optimizers = [torch.optim.AdamW(encoder.parameters(), rate, weight_decay=0), torch.optim.SparseAdam(list(table.parameters()), rate)]
    keep = 1 - recipe["dropout"]
    total, labels_seen = 0.0, 0
    began = time.perf_counter()
    for places in order(found, recipe["batch"], rng):
        batch = [found[place] for place in places]
        steps = max(len(rows) for rows, _ in batch) - 1
        inputs = np.zeros((steps, len(batch)), np.int64)
        actions = np.zeros((steps, len(batch), ACTIONS), np.float32)
        labelled = np.zeros((steps, len(batch)), bool)
        targets = np.zeros((steps, len(batch)), np.int64)
        for at, (rows, kinds) in enumerate(batch):
            n = len(rows) - 1
            inputs[:n, at] = rows[:-1]
            actions[np.arange(n), at, kinds[:-1]] = 1
            labelled[:n, at] = True
            targets[:n, at] = rows[1:]
        labels = targets[labelled]
        drawn = np.minimum(np.searchsorted(cumulated, rng.random(negatives)), items - 1)
        candidates = np.unique(np.concatenate([labels, drawn]))
        rows = np.unique(np.concatenate([candidates, inputs.ravel()]))
        missed = (1 - share[candidates]) ** negatives * (1 - label_share[candidates]) ** len(labels)
        expected = torch.from_numpy(np.log(np.maximum(1 - missed, 1e-12)).astype(np.float32))
        unit = F.normalize(table(torch.from_numpy(rows)), dim=1)
        place = torch.from_numpy(np.searchsorted(rows, inputs))
        vectors = F.dropout(F.embedding(place, unit), 1 - keep)
        session = torch.cat([vectors, torch.from_numpy(actions)], 2)
        queries = encoder(session)[torch.from_numpy(labelled)]
        others = F.embedding(torch.from_numpy(np.searchsorted(rows, candidates)), unit)
        logits = queries @ others.T - expected
        loss = F.cross_entropy(logits, torch.from_numpy(np.searchsorted(candidates, labels)))
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        total += loss.item() * len(labels)
        labels_seen += len(labels)
    seconds = time.perf_counter() - began
    print(json.dumps({"sessions_per_second": len(found) / seconds, "loss": total / labels_seen, "sessions": len(found), "torch": torch.__version__, "threads": torch.get_num_threads()}))


main()
