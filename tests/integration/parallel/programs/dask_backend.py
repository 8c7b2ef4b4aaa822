"""joblib's loops on a cluster of distributed, by the backend that joblib registers for it."""

import joblib
from dask.distributed import Client, LocalCluster
from joblib import Parallel, delayed
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from witness import tell


def square(x):
    return x * x


def main():
    X, y = make_classification(200, 6, random_state=0)
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        squares = Parallel()(delayed(square)(x) for x in range(40))
        search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, cv=3).fit(X, y)
    tell({"squares": squares, "best": search.best_params_, "scores": search.cv_results_["mean_test_score"].tolist()})


if __name__ == "__main__":
    main()
