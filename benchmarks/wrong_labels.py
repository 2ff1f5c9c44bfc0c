"""Wrong changes of one line in the study labels and in what it shares with lens: the early ensemble."""

# By file: (the text as it is, what it becomes, what that means). Lines stay together, so not formatted.
# fmt: off
CHANGES: dict[str, list[tuple[str, str, str]]] = {
    "core/training/record.py": [
        ("return of_label_1N[0] - others_KN.amax(dim=0)", "return of_label_1N[0] - others_KN.mean(dim=0)",
         "the margin over an average class"),
        ("others_KN = logits_KN.scatter(0, labels_N[None], -torch.inf)", "others_KN = logits_KN",
         "margins are never positive"),
        ("self._sums[0] -= log_p_KN", "self._sums[0] += log_p_KN", "losses are negative"),
        ("(self._sums / self._epochs)", "self._sums", "sums, not means"),
        ("self._epoch_KN[:, positions_B] = logits_KB", "self._epoch_KN[:, : len(positions_B)] = logits_KB",
         "a batch's outputs are noted of other examples"),
    ],
    "core/rounds/early.py": [
        ("start = task.fresh(number, purpose)", "start = task.fresh(0)", "all networks begin as the dense one"),
        ("[: epochs * trained.steps(task)]", "[: epochs]", "trained for a few steps"),
        ("own=(number,), purpose=purpose)", "own=(0,), purpose=purpose)", "all networks see the same order"),
        ("probability_KN += seen.probabilities() / networks", "probability_KN += seen.probabilities()",
         "probabilities of more than one"),
    ],
    "core/split.py": [
        ('np.zeros_like(labels["validation"]) if everything', 'labels["validation"] if everything',
         "what is held out is in no ensemble"),
    ],
    "corruption.py": [
        ("np.argsort(of_true - p_NK[rows, wrong]", "np.argsort(p_NK[rows, wrong] - of_true",
         "the least confident mistakes"),
    ],
    "studies/labels/ranking.py": [
        ("np.argsort(-score_N[known], kind=\"stable\")", "np.argsort(score_N[known], kind=\"stable\")",
         "the least suspect come first"),
        ("others_KN[given_N, np.arange(len(given_N))] = -1", "others_KN[given_N, np.arange(len(given_N))] *= 1",
         "the given label is suggested"),
    ],
    "studies/labels/evaluation.py": [
        ("budget = int(wrong.sum())", "budget = len(wrong) // 2", "another budget"),
        ("hits_N / max(1, int(wrong_N.sum()))", "hits_N / len(wrong_N)", "found, of all examples"),
    ],
    "studies/labels/estimate.py": [
        ("(if_right_B - agreed_B) / np", "(1 - agreed_B) / np", "every disagreement is a wrong label"),
        ("distance_B = if_right_B - if_wrong_B", "distance_B = if_right_B", "wrong labels are never agreed with"),
        ("np.percentile(found[np.isfinite(found)], [2.5, 97.5])", "np.percentile(found[np.isfinite(found)], [40, 60])",
         "an interval of 20%"),
        ("hidden_BKK = joint_BKK * off + off", "hidden_BKK = off + off", "labels are taken to hide all classes alike"),
        ("if not distance > LEAST", "if False", "decided by a network that knows nothing"),
    ],
    "studies/labels/gather.py": [
        ('together.setdefault(found["given"].tobytes(), [])', 'together.setdefault(b"", [])',
         "replicates with other labels are pooled"),
        ('found[row, ~held_out[seed]] = _mean(', 'found[row, ~held_out[seed]] = -_mean(',
         "the chain's ranking upside down"),
        ("total / np.maximum(trained.sum(axis=0), 1)", "total / len(seeds)", "an example held out once counts less"),
    ],
    "studies/labels/crossfit.py": [
        ("rows = without_lone(np.flatnonzero(train_N != fold)", "rows = without_lone(np.flatnonzero(train_N >= 0)",
         "networks have seen what they are asked"),
    ],
    "studies/labels/tables.py": [
        ("(group.error_N) + ranking.ranks(group.chain_N)", "(group.error_N) - ranking.ranks(group.chain_N)",
         "both rankings against each other"),
        ("return group.probability_KN.argmax(axis=0) != group.given_N",
         "return group.probability_KN.argmax(axis=0) == group.given_N", "agreement is disagreement"),
    ],
    "studies/labels/sheet.py": [
        ("sorted(first, key=lambda row: row[\"rank\"])", "sorted(first, key=lambda row: row[\"index\"])",
         "pictures in another order than the list"),
    ],
}
