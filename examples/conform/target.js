// A port of the model to be checked: reads a test vector on stdin, writes its answer on stdout.
//
//     microgpt conform "node examples/conform/target.js"
//
// Whole rows at a time, its gradients worked out by hand: `backward` is `forward`, from the last line to the first.
// A matrix is a list of rows; weights are outputs x inputs. T tokens, C channels, H heads, D = C / H channels a head.

const zeros = (rows, columns) => Array.from({ length: rows }, () => new Array(columns).fill(0));
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const plus = (a, b) => a.map((row, t) => row.map((x, i) => x + b[t][i]));
const columns = (a) => a[0].map((_, i) => a.map((row) => row[i]));
const linear = (x, w) => x.map((row) => w.map((outputs) => dot(outputs, row)));

// The way back of linear: to its input, and added to the gradient of its weights.
function linearBackward(grad, x, w, gradW) {
  grad.forEach((g, t) => g.forEach((gi, o) => x[t].forEach((xi, i) => (gradW[o][i] += gi * xi))));
  return linear(grad, columns(w));
}

function rmsnorm(x) {
  const scale = x.map((row) => (dot(row, row) / row.length + 1e-5) ** -0.5);
  return { out: x.map((row, t) => row.map((a) => a * scale[t])), scale };
}

function rmsnormBackward(grad, { out, scale }) {
  return grad.map((g, t) => {
    const mean = dot(g, out[t]) / g.length;
    return g.map((gi, i) => scale[t] * (gi - out[t][i] * mean));
  });
}

function softmax(scores) {
  const top = Math.max(...scores);
  const exps = scores.map((score) => Math.exp(score - top));
  const total = exps.reduce((sum, e) => sum + e, 0);
  return exps.map((e) => e / total);
}

const matrices = (w, i) => ["wq", "wk", "wv", "wo", "fc1", "fc2"].map((name) => w[`layer${i}.${name}`]);
const heads = (config) => Array.from({ length: config.n_head }, (_, h) => h * (config.n_embd / config.n_head));

function attention(q, k, v, config) {
  const D = config.n_embd / config.n_head;
  const shares = heads(config).map((lo) =>
    q.map((query, t) =>
      softmax(k.slice(0, t + 1).map((key) => dot(query.slice(lo, lo + D), key.slice(lo, lo + D)) / Math.sqrt(D)))));
  const out = q.map((_, t) => v[0].map((_, c) =>
    shares[Math.floor(c / D)][t].reduce((sum, share, s) => sum + share * v[s][c], 0)));
  return { out, shares };
}

function attentionBackward(grad, q, k, v, shares, config) {
  const [gq, gk, gv] = [q, k, v].map((a) => zeros(a.length, a[0].length));
  const D = config.n_embd / config.n_head;
  heads(config).forEach((lo, h) => shares[h].forEach((row, t) => {
    const toShares = row.map((_, s) => dot(grad[t].slice(lo, lo + D), v[s].slice(lo, lo + D)));
    const mean = dot(row, toShares);
    row.forEach((share, s) => {
      const toScore = (share * (toShares[s] - mean)) / Math.sqrt(D);
      for (let c = lo; c < lo + D; c++) {
        gv[s][c] += share * grad[t][c];
        gq[t][c] += toScore * k[s][c];
        gk[s][c] += toScore * q[t][c];
      }
    });
  }));
  return [gq, gk, gv];
}

function forward(tokens, w, config) {
  const first = rmsnorm(tokens.map((token, t) => w.wte[token].map((a, c) => a + w.wpe[t][c])));
  let x = first.out;
  const layers = [];
  for (let i = 0; i < config.n_layer; i++) {
    const [wq, wk, wv, wo, fc1, fc2] = matrices(w, i);
    const normed = rmsnorm(x);
    const [q, k, v] = [wq, wk, wv].map((matrix) => linear(normed.out, matrix));
    const mixed = attention(q, k, v, config);
    x = plus(x, linear(mixed.out, wo));
    const mlpNormed = rmsnorm(x);
    const hidden = linear(mlpNormed.out, fc1).map((row) => row.map((a) => Math.max(a, 0)));
    x = plus(x, linear(hidden, fc2));
    layers.push({ normed, q, k, v, mixed, mlpNormed, hidden });
  }
  return { first, layers, x, logits: linear(x, w.lm_head) };
}

function backward(tokens, w, config, { first, layers, x, logits }) {
  const grads = Object.fromEntries(Object.entries(w).map(([name, rows]) => [name, zeros(rows.length, rows[0].length)]));
  const T = logits.length;
  const toLogits = logits.map((row, t) => softmax(row).map((p, i) => (p - (i === tokens[t + 1] ? 1 : 0)) / T));
  let g = linearBackward(toLogits, x, w.lm_head, grads.lm_head); // from here on of the residual stream
  for (let i = config.n_layer - 1; i >= 0; i--) {
    const [wq, wk, wv, wo, fc1, fc2] = matrices(w, i);
    const [gwq, gwk, gwv, gwo, gfc1, gfc2] = matrices(grads, i);
    const { normed, q, k, v, mixed, mlpNormed, hidden } = layers[i];
    const toHidden = linearBackward(g, hidden, fc2, gfc2);
    const open = toHidden.map((row, t) => row.map((a, c) => (hidden[t][c] > 0 ? a : 0)));
    g = plus(g, rmsnormBackward(linearBackward(open, mlpNormed.out, fc1, gfc1), mlpNormed));
    const [gq, gk, gv] = attentionBackward(linearBackward(g, mixed.out, wo, gwo), q, k, v, mixed.shares, config);
    const toNormed = [[gq, wq, gwq], [gk, wk, gwk], [gv, wv, gwv]]
      .map(([grad, matrix, gradW]) => linearBackward(grad, normed.out, matrix, gradW))
      .reduce(plus);
    g = plus(g, rmsnormBackward(toNormed, normed));
  }
  g = rmsnormBackward(g, first);
  g.forEach((row, t) => row.forEach((a, c) => {
    grads.wte[tokens[t]][c] += a;
    grads.wpe[t][c] += a;
  }));
  return grads;
}

function adam(w, { step, lr, gradients, mean, square }, name) {
  return w.map((row, r) => row.map((a, c) => {
    const g = gradients[name][r][c];
    const m = (0.85 * mean[name][r][c] + 0.15 * g) / (1 - 0.85 ** step);
    const v = (0.99 * square[name][r][c] + 0.01 * g * g) / (1 - 0.99 ** step);
    return a - (lr * m) / (Math.sqrt(v) + 1e-8);
  }));
}

const { config, tokens, weights, adam: at } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const run = forward(tokens.slice(0, -1), weights, config);
const surprises = run.logits.map((row, t) => -Math.log(softmax(row)[tokens[t + 1]]));
process.stdout.write(JSON.stringify({
  logits: run.logits,
  loss: surprises.reduce((sum, s) => sum + s, 0) / surprises.length,
  gradients: backward(tokens, weights, config, run),
  weights: Object.fromEntries(Object.entries(weights).map(([name, w]) => [name, adam(w, at, name)])),
}));
