"""Three days of real data: scikit-learn's breast cancer data set (Wisconsin diagnostic), split into deliveries.

Day 1 has 120 records, day 2 only 15 (a short delivery, which gives a worse model), day 3 the remaining 265; another 169
records are the holdout, which is never used for training.
"""

from __future__ import annotations

import csv
import io
import random

DELIVERIES = (("holdout", 169), ("day-1", 120), ("day-2", 15), ("day-3", 265))


def deliveries() -> dict[str, str]:
    """CSV text by delivery: header, features, label ``benign`` last."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    order = list(range(len(data.target)))
    random.Random(7).shuffle(order)
    header = [*(name.replace(" ", "_") for name in data.feature_names), "benign"]
    texts = {}
    start = 0
    for name, count in DELIVERIES:
        out = io.StringIO()
        rows = csv.writer(out)
        rows.writerow(header)
        rows.writerows([*data.data[index].tolist(), int(data.target[index])] for index in order[start : start + count])
        texts[name] = out.getvalue()
        start += count
    return texts
