"""NumPy's side of `cargo run --profile bench -p gradsieve-bench --bin dvemb`, which starts this file and talks to it through pipes.

Reads six little-endian 64-bit integers (steps, batch, factor rows a step or 0, width, targets, and 0), the learning rate as f32, then the gradients, the
factors and the targets as f32; then answers each line, the name of a way, with its thread CPU time and the scores' digest.
"""

import sys
import time

import numpy as np

read = sys.stdin.buffer
steps, batch, factors, k, targets, _ = np.frombuffer(read.read(48), "<i8")
eta = np.frombuffer(read.read(4), "<f4")[0]


def array(*shape):
    return np.frombuffer(read.read(4 * int(np.prod(shape))), "<f4").reshape(shape).copy()


G, F, V = array(steps, batch, k), array(steps, factors, k), array(targets, k)
same = factors == 0
if same:
    F = G


def plain(G=G, F=F):
    """The recursion as it is written down."""
    M = np.zeros((k, k), G.dtype)
    E = np.empty_like(G)
    for s in range(steps - 1, -1, -1):
        E[s] = eta * (G[s] - G[s] @ M.T)
        U = E[s] if same else eta * (F[s] - F[s] @ M.T)
        M += U.T @ F[s]
    return E


def plain_double():
    """The same in NumPy's own precision."""
    return plain(G.astype(float), F.astype(float))


def careful():
    """The best that we know: blocks of steps, so that all products are large, and nothing is allocated in the loop."""
    rows = F.shape[1]
    block = max(1, 256 // rows)
    M, E, update = np.zeros((k, k), np.float32), np.empty_like(G), np.empty((k, k), np.float32)
    for end in range(steps, 0, -block):
        first = max(0, end - block)
        f = F[first:end].reshape(-1, k)
        u = f - f @ M.T
        gram = f @ f.T
        g = None if same else G[first:end].reshape(-1, k)
        e = u if same else g - g @ M.T
        across = gram if same else g @ f.T
        for s in range(end - 1, first - 1, -1):
            at, done = (s - first) * rows, (s - first + 1) * rows
            mine = slice(at, done)
            if not same:
                own = slice((s - first) * batch, (s - first + 1) * batch)
                e[own] -= across[own, done:] @ u[done:]
                e[own] *= eta
            u[mine] -= gram[mine, done:] @ u[done:]
            u[mine] *= eta
        E[first:end] = e.reshape(end - first, batch, k)
        np.matmul(u.T, f, out=update)
        M += update
    return E


def scores(embeddings):
    return lambda: embeddings() @ V.T


def adjoint():
    """The targets carried backwards, as ours does it."""
    w, found = V.T.copy(), np.empty((steps, batch, targets), np.float32)
    for s in range(steps - 1, -1, -1):
        found[s] = eta * (G[s] @ w)
        w -= F[s].T @ (found[s] if same else eta * (F[s] @ w))
    return found


ways = {
    "embeddings plain": plain,
    "embeddings plain double": plain_double,
    "embeddings careful": careful,
    "scores plain": scores(plain),
    "scores careful": scores(careful),
    "scores adjoint": adjoint,
}
for line in sys.stdin.buffer:
    start = time.thread_time()
    found = ways[line.decode().strip()]()
    seconds = time.thread_time() - start
    flat = found.ravel().astype(float)
    weights = np.arange(flat.size) % 251 + 1.0
    print(seconds, flat @ weights, np.abs(flat) @ weights, flush=True)
