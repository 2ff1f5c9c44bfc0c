"""Wrong changes of one line in the study theory."""

# By file: (the text as it is, what it becomes, what that means). Lines stay together, so not formatted.
# fmt: off
CHANGES: dict[str, list[tuple[str, str, str]]] = {
    "studies/theory/network/data.py": [
        ('streams.generator(seed, "theory mask")', 'streams.generator(seed, "theory weights")',
         "masks follow the weights"),
        ("argsort(descending=True, stable=True)", "argsort(descending=False, stable=True)",
         "the smallest weights stay"),
        ("    return on > 0\n", "    return on != 0\n", "filters on the wrong side count as live"),
        ("given[which] = torch.randint", "true[which] = torch.randint", "label noise changes the signal"),
    ],
    "studies/theory/network/descent.py": [
        ("found[:, : self._task.classes] += self._task.signal * pull.signal.T", "pass",
         "no gradient from the signal (dense)"),
        ("found *= self._kept", "found *= 1", "pruned weights get a gradient"),
        ("found[self._on] += self._task.signal * pull.signal[columns, rows]", "pass",
         "no gradient from the signal (sparse)"),
        ("by_output = (self.outputs(products).softmax(dim=1) - self._is) / len(self._is)",
         "by_output = self.outputs(products).softmax(dim=1) - self._is", "the gradient of the sum, not the mean"),
        ("right = outputs.gather(1, self._task.given[:, None])", "right = outputs.gather(1, self._task.true[:, None])",
         "the loss is on true labels"),
        ("self._holds.T @ by_output", "self._is.T @ by_output", "the signal's gradient goes by the label given"),
        ("slope = self._power * products.clamp(min=0).pow(self._power - 1)",
         "slope = self._power * products.pow(self._power - 1)", "filters below zero learn"),
        ("min(2 * last, rule.step * products.largest() / reach)", "rule.step * products.largest() / reach * 2",
         "products move by twice the step"),
        ("while rule.kind == FLOW and not then <= now and eta > 0:", "while False:", "the loss may rise"),
    ],
    "studies/theory/network/measures.py": [
        ('_given(products.noise, task).amax(dim=1).mean()', '_given(products.noise, task).amax(dim=1).amax()',
         "Upsilon is the largest, not the mean"),
        ("torch.where(whole > 0, from_signal / whole, 0.0)", "torch.where(whole > 0, from_noise / whole, 0.0)",
         "share of noise"),
        ("outputs.scatter(1, task.fresh[:, None], -torch.inf).amax(dim=1)", "outputs.amax(dim=1)",
         "the margin to the largest of all"),
        ("dead = ~can.any(dim=1)", "dead = ~can.all(dim=1)", "one filter that is not live makes a class dead"),
    ],
    "studies/theory/network/sweep.py": [
        ("rank = data.by_magnitude(trained)", "rank = data.by_magnitude(start)", "magnitude before training"),
    ],
    "studies/theory/predictions.py": [
        ("ratio = (theory.examples / theory.classes) ** (2 / theory.power)",
         "ratio = (theory.examples / theory.classes) ** (1 / theory.power)", "another power of n/K"),
        ("return float((1 - kept / 2) ** filters)", "return float((1 - kept) ** filters)",
         "half of the filters start on the wrong side: forgotten"),
        ("return (1 - 1 / theory.classes) * dead_share", "return dead_share", "a guess is always wrong"),
    ],
    "studies/theory/claims.py": [
        ("others = ~np.eye(count, dtype=bool) if", "others = np.ones((count, count), dtype=bool) if",
         "the best is chosen with the own replicate"),
        ('guessed = (1 - 1 / run.theory.classes) * run.curve["dead"]', 'guessed = run.curve["dead"] * 0',
         "error against nothing"),
        ("NEAR_CHANCE - above", "above - NEAR_CHANCE", "far from chance is as claimed"),
        ("ranges = [slice(good, None) for good in last]", "ranges = [slice(0, None) for good in last]",
         "trends from dense on"),
    ],
    "studies/theory/summary.py": [
        ("part = (values[i - 1] - level) / (values[i - 1] - values[i])", "part = 0.0", "a curve turns at a grid point"),
    ],
}
# fmt: on
