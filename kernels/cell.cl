/* The cell's equations, once, for every strategy.
 *
 *   i = sigmoid(p_i)   f = sigmoid(p_f)   g = tanh(p_g)   o = sigmoid(p_o)
 *   c' = f c + i g     h' = o tanh(c')
 *
 * where p = x W_ih^T + h W_hh^T + b_ih + b_hh are the pre-activations of one batch row, VW units at a time.
 * Source: Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000, in the form of PyTorch's nn.LSTM.
 *
 * SPDX-License-Identifier: MIT
 */

/* exp overflows to infinity for x below -88, and 1 / infinity is the 0 that is wanted. */
static inline floatv sigmoid(floatv x) {
  return 1.0f / (1.0f + exp(-x));
}

/* p[4]: pre-activations of i, f, g, o. *c: in c of the step before, out c of this one. Returns h. */
static inline floatv lstm_cell(const floatv p[4], floatv *c) {
  floatv i = sigmoid(p[0]);
  floatv f = sigmoid(p[1]);
  floatv g = tanh(p[2]);
  floatv o = sigmoid(p[3]);
  *c = FMA(f, *c, i * g);
  return o * tanh(*c);
}
