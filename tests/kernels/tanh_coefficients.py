#!/usr/bin/env python3
"""Computes the coefficients of kernels/activation.cl. SPDX-License-Identifier: MIT

tanh_coefficients.py          needs mpmath and numpy, and a minute

For f(z) = 1 + O(z), the quotient (1 + P1 z + .. + Pm z^m) / (1 + Q1 z + .. + Qn z^n) of least relative error on 0 .. end, by
Remez's second algorithm: at m + n + 1 points the error is made +E, -E, +E, .. (Newton's method, because E multiplies the
unknown Q), then the points move to where the error is largest, until they stay. An interval that is too long to begin with is
reached from a short one, a seventh at a time.

  tanh   f(z) = tanh(sqrt z) / sqrt z, degrees 4 / 4, 0 .. TANH_END^2. The end: with fewer than 8 the step from the last value
         to the limit 1 is too high.
  atanh  f(z) = atanh(sqrt z) / sqrt z, degree 4, 0 .. 1/9.

Rounding the coefficients to float32 moves the error of tanh more than the quotient's own: what the kernel has is the best of many
neighbours, some units in the last place away, as evaluated in float32 with one rounding a multiplication and addition and
with two.
"""
import mpmath as mp
import numpy as np

GRID = 1200
END = np.float32(8.23)
POINTS, TRIALS = 150_000, 3000


def alternate(f, m, n, points, error):
    """P, Q and E of the quotient with errors +-E at the points; E begins at `error`."""
    size = m + n + 1
    values = [f(z) for z in points]
    q_at = [mp.mpf(1)] * size
    for _ in range(40):
        matrix, right = mp.matrix(size, size), mp.matrix(size, 1)
        for k, (z, value) in enumerate(zip(points, values)):
            sign = (-1) ** (size - 1 - k)
            for j in range(1, m + 1):
                matrix[k, j - 1] = z**j / value
            for j in range(1, n + 1):
                matrix[k, m + j - 1] = -(1 + sign * error) * z**j
            matrix[k, size - 1] = -sign * q_at[k]
            right[k] = 1 + sign * error - 1 / value
        solution = list(mp.lu_solve(matrix, right))
        p, q, change = [mp.mpf(1)] + solution[:m], [mp.mpf(1)] + solution[m : m + n], solution[-1]
        error += change
        q_at = [mp.polyval(q[::-1], z) for z in points]
        if abs(change) < abs(error) * mp.mpf(10) ** -12:
            break
    return p, q, error


def extrema(errors):
    """Where the error is largest between two changes of its sign."""
    found = []
    for k, error in enumerate(errors):
        if not found or (error > 0) != (errors[found[-1]] > 0):
            found.append(k)
        elif abs(error) > abs(errors[found[-1]]):
            found[-1] = k
    return found


def exchange(f, m, n, end, points, error):
    """The best quotient on 0 .. end^2, its points and its error."""
    grid = [(end * (1 - mp.cos(mp.pi * k / GRID)) / 2) ** 2 for k in range(1, GRID + 1)]
    values = [f(z) for z in grid]
    for _ in range(25):
        p, q, error = alternate(f, m, n, points, error)
        errors = [mp.polyval(p[::-1], z) / mp.polyval(q[::-1], z) / value - 1 for z, value in zip(grid, values)]
        found = extrema(errors)
        while len(found) > m + n + 1:
            found.pop(0 if abs(errors[found[0]]) < abs(errors[found[-1]]) else -1)
        assert len(found) == m + n + 1, "an extremum is lost: longer steps of the interval than it bears"
        points = [grid[k] for k in found]
        largest = max(map(abs, errors))
        if largest < abs(error) * mp.mpf("1.001"):
            break
    return p, q, points, error, largest


def best(f, m, n, end):
    end = mp.mpf(end)
    reach, error, size = min(end, mp.mpf(1)), mp.mpf(0), m + n + 1
    points = [(reach * (1 - mp.cos(mp.pi * (k + mp.mpf(1) / 2) / size)) / 2) ** 2 for k in range(size)]
    while True:
        p, q, points, error, largest = exchange(f, m, n, reach, points, error)
        if reach == end:
            return p, q, largest
        longer = min(reach * mp.mpf("1.15"), end)
        points = [z * (longer / reach) ** 2 for z in points]
        reach = longer


def fma(a, b, c, fused):
    if fused:  # the product of two float32 is exact in float64
        return (np.float64(a) * np.float64(b) + np.float64(c)).astype(np.float32)
    return a * b + c


def evaluate(c, x, fused):
    """tanh as kernels/activation.cl evaluates it in float32. c: P1 .. P4, Q1 .. Q4."""
    one = np.float32(1)
    z = np.minimum(x * x, END * END)
    top, bottom = fma(z, c[3], c[2], fused), fma(z, c[7], c[6], fused)
    for k in (1, 0):
        top, bottom = fma(top, z, c[k], fused), fma(bottom, z, c[4 + k], fused)
    return np.minimum(x * fma(top, z, one, fused) / fma(bottom, z, one, fused), one)


def polished(p, q):
    """The best neighbour of the rounded coefficients. Errors are largest where tanh is nearly 1."""
    c = np.array([float(v) for v in p[1:] + q[1:]], np.float32)
    first, last = np.array([1.8, 8.5], np.float32).view(np.uint32)
    x = np.linspace(first, last, POINTS).astype(np.uint32).view(np.float32)
    exact = np.tanh(x.astype(np.float64))

    def error(candidate):
        fused, rounded = (abs(evaluate(candidate, x, way) - exact).max() for way in (True, False))
        return max(fused, 0.9 * rounded)

    random = np.random.default_rng(1)
    least = error(c)
    for _ in range(TRIALS):
        steps = random.integers(-4, 5, 8) * (random.random(8) < 0.25)
        candidate = (c.view(np.uint32).astype(np.int64) + steps).astype(np.uint32).view(np.float32)
        if (found := error(candidate)) < least:
            c, least = candidate, found
    return c


def show(name, p, q, largest):
    print(f"{name}: relative error {mp.nstr(largest, 3)}")
    for letter, values in (("P", p), ("Q", q)):
        for k, value in enumerate(values[1:], 1):
            print(f"  {letter}{k} {mp.nstr(value, 14)}")


if __name__ == "__main__":
    mp.mp.dps = 30
    p, q, largest = best(lambda z: mp.tanh(mp.sqrt(z)) / mp.sqrt(z), 4, 4, float(END))
    show("tanh", p, q, largest)
    print("tanh in float32, P1 .. Q4:", *(f"{value:.9g}f" for value in polished(p, q)))
    show("atanh", *best(lambda z: mp.atanh(mp.sqrt(z)) / mp.sqrt(z), 4, 0, mp.mpf(1) / 3))
