"""Wrong changes of one line in the study lens."""

# By file: (the text as it is, what it becomes, what that means). Lines stay together, so not formatted.
# fmt: off
CHANGES: dict[str, list[tuple[str, str, str]]] = {
    "core/training/record.py": [
        ("error_KN.scatter_add_(0, labels_N[None],", "error_KN.scatter_add_(0, log_p_KN.argmax(dim=0)[None],",
         "how sure a network is, not how wrong"),
    ],
    "studies/lens/scores.py": [
        ("each_MN[1::2].mean(axis=0)", "each_MN[::2].mean(axis=0)", "agreement with itself"),
        ("roc_auc_score(wrong_N, score_N)", "roc_auc_score(~wrong_N, score_N)", "AUC of right labels"),
    ],
    "studies/lens/groups.py": [
        ('result[np.argsort(score_N, kind="stable")] = np.arange(len(score_N))',
         'result[np.argsort(-score_N, kind="stable")] = np.arange(len(score_N))', "the hardest come first"),
        ("return ranks(score_N) * count // len(score_N)", "return ranks(score_N) % count", "groups mix all scores"),
        ('{"changed": np.abs, "worsened": np.positive', '{"changed": np.positive, "worsened": np.positive',
         "changed means worsened"),
        ("return share / (2 - share)", "return share / 2", "another chance"),
        ("int((a_N & b_N).sum()) / either", "int((a_N & b_N).sum()) / a_N.size", "a share of all, not Jaccard's"),
    ],
    "studies/lens/parts/choice.py": [
        ("np.flatnonzero(seen.predicted_N == seen.given_N)", "np.flatnonzero(seen.predicted_N != seen.given_N)",
         "trained on what is misclassified"),
        ('np.flatnonzero(~groups.affected(seen.difference, settings.share, "improved"))',
         'np.flatnonzero(~groups.affected(seen.difference, settings.share, "worsened"))', "the worsened are left out"),
        ("return np.sort(np.concatenate([base, instead]))", "return np.sort(base)", "fewer beside the worsened"),
        ('"beside_worsened": "worsened"}', '"beside_worsened": "leave out"}', "the two small parts share little"),
        ("return self.loss_N - self.dense_loss_N", "return self.dense_loss_N - self.loss_N", "improved is worsened"),
    ],
    "studies/lens/parts/retrain.py": [
        ("rates = schedule.for_part(trained.original_schedule(task), trained.steps(part))",
         "rates = trained.original_schedule(part)", "as many epochs, so fewer updates"),
        ("start = task.fresh(number, purpose) if purpose else task.fresh(0)", "start = task.fresh(0)",
         "again begins as the dense one"),
        ("loss_N, _ = evaluate.outcomes(log_p_KN, task.split.given_N)",
         "loss_N, _ = evaluate.outcomes(log_p_KN, task.split.original_N)", "loss on the true labels"),
    ],
    "studies/lens/optimum.py": [
        ("best = regimes.highest(validation_R if validated else test_R)", "best = regimes.highest(test_R)",
         "the optimum by test accuracy"),
        ("better = [r for r in range(1, len(test_R)) if test_R[r] > test_R[0]]",
         "better = [r for r in range(1, len(test_R)) if test_R[r] >= test_R[0]]", "as good counts as better"),
    ],
    "studies/lens/gallery.py": [
        ('"improved": np.negative, "least": np.abs}[kind](difference_RN)',
         '"improved": np.positive, "least": np.abs}[kind](difference_RN)', "the improved are the worsened"),
        ("if test_R[r] >= test_R[0] - NEAR]", "]", "rounds that are far worse choose too"),
    ],
    "studies/lens/measured.py": [
        ("return Places(crossfit.chosen(right, lambda curve: [regimes.highest(curve)], held_out)[:, :, 0])",
         "return Places(crossfit.chosen(right, lambda curve: [regimes.highest(curve)])[:, :, 0])",
         "the optimum by test accuracy, though there is a split"),
        ("others = ~np.eye(count, dtype=bool) if count > 1", "others = np.eye(count, dtype=bool) if count > 1",
         "a replicate chooses its own round"),
    ],
    "studies/lens/summary.py": [
        ('"differs" if abs(differences_S.mean()) >= differences_S.std(ddof=1)',
         '"differs" if abs(differences_S.mean()) >= differences_S.std()', "another deviation in the paper's rule"),
    ],
    "studies/lens/claims.py": [
        ('change["concentration"] / null_S - 1', 'change["concentration"] - 1', "held against nothing"),
        ('found["worsened_wrong"] - run.wrong_S', 'found["worsened_wrong"]', "any wrong label counts"),
        ("closes = run.gap - run.gap[-1]", "closes = run.gap - run.gap[0]", "the gap closes if it opens"),
    ],
    "comparison/similarity.py": [
        ("a[permuted], b[permuted]", "a[~permuted], b[~permuted]", "within the others"),
    ],
}
# fmt: on
