"""Wrong changes of one line in the study stability, in what filters are, and in correlations within replicates."""

# By file: (the text as it is, what it becomes, what that means). Lines stay together, so not formatted.
# fmt: off
CHANGES: dict[str, list[tuple[str, str, str]]] = {
    "core/pruning/filters.py": [
        ("ceil((1 - fraction) * count - ROUNDING)", "ceil((1 - fraction) * count)", "a filter too many for rounding"),
        ("(events - done) / events", "(events - done + 1) / events", "one event behind"),
        ('rows += [f"{norm}.weight", f"{norm}.bias"]', 'rows += [f"{norm}.weight"]', "a pruned filter keeps its shift"),
        ('rows += [f"{path}.downsample', 'rows = rows or [f"{path}.downsample', "its shortcut stays"),
        ("register_forward_hook(self._hook(layer.name))", "register_forward_hook(lambda *some: None)",
         "a shortcut without weights passes a pruned filter by"),
        ("if blocks else used[:-1]", "if blocks else used", "the output layer is pruned"),
    ],
    "core/pruning/rectified.py": [
        ("deviation * density + mean", "density + mean", "the density counts once, whatever the scale"),
        ("mean.clamp_min(0), deviation", "mean, deviation", "a constant below zero counts as it is"),
    ],
    "scores/batchnorm.py": [("rectified_mean(shift, scale.abs())", "rectified_mean(shift, scale)",
         "as the signed one")],
    "studies/stability/arms/schedule.py": [
        ("range(start, end + 1, period)", "range(start, end, period)", "the end is left out"),
        ("return list(layers[-settings.layers :])", "return list(layers[: settings.layers])", "the first layers"),
    ],
    "studies/stability/arms/select.py": [
        ('if target == "smallest" else -values', 'if target == "largest" else -values', "the other end"),
        ("places = left_U.nonzero()[:, 0]", "places = torch.ones_like(left_U).nonzero()[:, 0]", "targeted twice"),
    ],
    "studies/stability/arms/schemes.py": [
        ("masked_fill_(mask.to(weight.device), 0.0)", "mul_(~mask.to(weight.device) * 0.5 + 0.5)",
         "halved, not zeroed"),
        ("(masks, left - 1) for masks, left in self._held if left > 1", "(masks, left) for masks, left in self._held",
         "zero for ever"),
        ("sqrt(scene.burst)", "scene.burst", "the burst as large as all draws in one direction"),
        ("of_weights({name: ~units for name, units in scene.gone.items()})", "of_weights(scene.gone)",
         "noise as large as of targeted filters"),
        ("(*one.affine, *one.running), self", "one.affine, self", "running statistics do not come back"),
        ("        self._end()\n        for name, mask", "        for name, mask",
         "what was zero is kept as what it was"),
        ("scene.optimizer.remask(scene.structure.masks(scene.gone))",
         "scene.optimizer.remask(scene.structure.masks(new))",
         "what was pruned before comes back"),
    ],
    "studies/stability/arms/dropout.py": [
        ("/ (1 - probability))", ")", "left out, and not made up for"),
        ("if not module.training:", "if module.training:", "dropout while testing"),
    ],
    "studies/stability/arms/maps.py": [
        ("iteration % EVERY == 0", "True", "every batch counts"),
        ("number = int(layer.name[-1])", "number = 1", "a block's first map for all"),
    ],
    "studies/stability/arms/arm.py": [
        ("max(epochs - LAST, end + 1)", "max(epochs - LAST, end)", "the last event is in the mean"),
        ("left_U = ~scene.gone[one.layer]", "left_U = scene.gone[one.layer] | True", "targeted again"),
    ],
    "studies/stability/gather.py": [
        ("return (before - after) / before", "return before - after", "points, not a share"),
        ('found["gap"] = found["train"] - found["test"]', 'found["gap"] = found["test"] - found["train"]', "its sign"),
        ('"gap_best": best["train_accuracy"]', '"gap_best": rows[-1]["train_accuracy"]', "another epoch's"),
        ("last = rows[first_of_last(len(rows), self.end) :]", "last = rows[-1:]", "the last epoch alone"),
    ],
    "studies/stability/claims.py": [
        ('run.related(run.three, "stability", "test", -1)])', 'run.related(run.three, "stability", "test", 1)])',
         "more stable is claimed to be better"),
        ("between = np.array([run.run.right[arm] for arm in arms[1:-1]])",
         "between = np.array([run.run.right[arm] for arm in arms])", "the ends are in between"),


        ('[(table["stability_first"], table["test_second"])', '[(table["stability_first"], table["test_first"])',
         "the same half for both"),
        ("if not fits or min(fits) >= GUARD:", "if not fits or max(fits) >= GUARD:", "one arm that fits is enough"),
    ],
    "studies/stability/claims_beyond.py": [
        ("margin - max(abs(low), abs(high)), margin - nearest", "margin - nearest, margin - nearest", "one side only"),
        ("cost - of_none", "cost", "no control"),
        ('"epsilon": -1, "log trace": 1}', '"epsilon": 1, "log trace": 1}', "the step's sign"),
    ],
    "studies/stability/flatness/measure.py": [
        ("> HIGHER for v", "< HIGHER for v", "the first step below"),
        ("for sign in (1, -1)", "for sign in (1,)", "one way only"),
        ("return Objective(network, x, y, torch.arange(some", "return Objective(network, x, y, torch.arange(len(x)",
         "all examples"),
    ],
    "judging/within.py": [
        ("values - values.sum(axis=0) / np.maximum(there.sum(axis=0), 1)", "values - values.sum() / there.sum()",
         "pooled"),
        ("np.sqrt((count - 1) / count *", "np.sqrt(1 / count *", "a jackknife's error without its factor"),
    ],
}
# fmt: on
