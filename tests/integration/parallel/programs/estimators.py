"""scikit-learn's estimators and tools with n_jobs=2: every number that they give, to the last bit.

Arrays are given as a digest of their bytes and their sum; where the work ran is counted, too.
"""

import hashlib
import os
import sys

import numpy as np
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification, make_regression
from sklearn.decomposition import DictionaryLearning
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LassoCV, LogisticRegression
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, learning_curve
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from witness import tell

N_JOBS = 2
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
X, y = make_classification(600, 12, n_informative=6, n_classes=3, random_state=SEED)
A, b = make_regression(400, 10, n_informative=5, noise=1.0, random_state=SEED)


def exact(*arrays):
    """One line that changes with any bit."""
    arrays = [np.ascontiguousarray(array) for array in arrays]
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]
    return [digest, [list(array.shape) for array in arrays], float(sum(array.sum() for array in arrays))]


def random_forest():
    forest = RandomForestClassifier(60, n_jobs=N_JOBS, oob_score=True, random_state=SEED).fit(X, y)
    regressor = RandomForestRegressor(30, n_jobs=N_JOBS, random_state=SEED).fit(A, b)
    trees = ExtraTreesRegressor(30, n_jobs=N_JOBS, random_state=SEED).fit(A, b)
    return exact(
        forest.apply(X),
        forest.feature_importances_,
        forest.oob_decision_function_,
        *(alone(model).predict(data) for model, data in [(forest, X), (regressor, A), (trees, A)]),
        alone(forest).predict_proba(X),
    )


def alone(forest):
    """The forest in one thread: several add up their trees in the order in which they end, which moves the last bit."""
    return forest.set_params(n_jobs=1)


def grid_search():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    grid = {"logisticregression__C": [0.01, 0.1, 1, 10], "logisticregression__fit_intercept": [True, False]}
    search = GridSearchCV(pipeline, grid, n_jobs=N_JOBS, cv=4, return_train_score=True).fit(X, y)
    found = search.cv_results_
    return [
        search.best_params_,
        exact(*(found[key] for key in sorted(found) if "score" in key and "time" not in key), search.predict_proba(X)),
    ]


def grid_search_over_a_forest():
    """Processes outside, threads within."""
    search = GridSearchCV(
        RandomForestClassifier(20, n_jobs=N_JOBS, random_state=SEED), {"max_depth": [2, 4]}, n_jobs=N_JOBS, cv=3
    )
    scores = search.fit(X, y).cv_results_["mean_test_score"]
    return exact(scores, alone(search.best_estimator_).predict_proba(X))


def cross_validation():
    scores = cross_val_score(HistGradientBoostingClassifier(max_iter=15, random_state=SEED), X, y, n_jobs=N_JOBS)
    predicted = cross_val_predict(LogisticRegression(max_iter=300), X, y, n_jobs=N_JOBS, method="predict_proba")
    sizes, *curves = learning_curve(LogisticRegression(max_iter=300), X, y, n_jobs=N_JOBS, shuffle=True, random_state=1)
    return exact(scores, predicted, sizes, *curves)


def column_transformer():
    transformer = ColumnTransformer(
        [
            ("scaled", StandardScaler(), slice(0, 6)),
            ("squared", FunctionTransformer(np.square), slice(6, 9)),
            ("kept", "passthrough", [9, 10]),
        ],
        n_jobs=N_JOBS,
    )
    return exact(transformer.fit_transform(X), transformer.transform(X[:7]))


def permutation():
    model = LogisticRegression(max_iter=300).fit(X, y)
    found = permutation_importance(model, X, y, n_repeats=8, n_jobs=N_JOBS, random_state=SEED)
    return exact(found.importances, found.importances_mean, found.importances_std)


def distances():
    kinds = ["euclidean", "manhattan", "cosine", "correlation", "chebyshev"]
    return exact(
        *(pairwise_distances(X, X[:50], metric=kind, n_jobs=N_JOBS) for kind in kinds),
        pairwise_distances(X[:60], metric=_own_metric, n_jobs=N_JOBS),
    )


def _own_metric(a, b):
    return float(np.abs(a - b).max())


def others():
    voting = VotingClassifier(
        [("a", LogisticRegression(max_iter=300)), ("b", KNeighborsClassifier(n_jobs=N_JOBS))],
        voting="soft",
        n_jobs=N_JOBS,
    ).fit(X, y)
    bagged = BaggingClassifier(KNeighborsClassifier(), 8, n_jobs=N_JOBS, random_state=SEED).fit(X, y)
    isolation = IsolationForest(n_estimators=40, n_jobs=N_JOBS, random_state=SEED).fit(X)
    rest = OneVsRestClassifier(LogisticRegression(max_iter=300), n_jobs=N_JOBS).fit(X, y)
    lasso = LassoCV(n_jobs=N_JOBS, cv=4, random_state=SEED).fit(A, b)
    words = DictionaryLearning(5, n_jobs=N_JOBS, max_iter=10, random_state=SEED).fit(X[:80])
    return exact(
        voting.predict_proba(X),
        bagged.predict_proba(X),
        isolation.score_samples(X),
        rest.predict_proba(X),
        lasso.coef_,
        lasso.mse_path_,
        words.components_,
    )


def threads_beside():
    """Estimators with OpenMP threads of their own, alone and below a loop of processes."""
    from joblib import Parallel, delayed

    alone = KMeans(4, n_init=3, random_state=SEED).fit(X)
    below = Parallel(n_jobs=N_JOBS)(delayed(_clusters)(seed) for seed in range(4))
    boosted = HistGradientBoostingClassifier(max_iter=15, random_state=SEED).fit(X, y)
    return exact(alone.cluster_centers_, *(centers for centers, _ in below), boosted.predict_proba(X)), all(
        pid != os.getpid() for _, pid in below
    )


def _clusters(seed):
    return KMeans(4, n_init=2, random_state=seed).fit(X).cluster_centers_, os.getpid()


PARTS = [
    random_forest,
    grid_search,
    grid_search_over_a_forest,
    cross_validation,
    column_transformer,
    permutation,
    distances,
    others,
    threads_beside,
]

if __name__ == "__main__":
    tell({part.__name__: part() for part in PARTS})
