"""Libraries that run their loops and keep their results by joblib: imbalanced-learn, hdbscan, mlxtend, nilearn."""

import tempfile
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
from estimators import exact
from hdbscan import HDBSCAN
from imblearn.combine import SMOTEENN
from imblearn.ensemble import BalancedBaggingClassifier, BalancedRandomForestClassifier, EasyEnsembleClassifier
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from mlxtend.feature_selection import ExhaustiveFeatureSelector, SequentialFeatureSelector
from mlxtend.frequent_patterns import apriori
from nilearn.decomposition import CanICA
from nilearn.maskers import MultiNiftiMasker, NiftiMasker
from nilearn.mass_univariate import permuted_ols
from sklearn.datasets import make_blobs, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from witness import tell

N_JOBS = 2
X, y = make_classification(500, 8, n_informative=4, weights=[0.9], random_state=0)


def imbalanced_learn():
    forest = BalancedRandomForestClassifier(20, n_jobs=N_JOBS, random_state=0).fit(X, y)
    easy = EasyEnsembleClassifier(4, n_jobs=N_JOBS, random_state=0).fit(X, y)
    bagged = BalancedBaggingClassifier(n_estimators=6, n_jobs=N_JOBS, random_state=0).fit(X, y)
    combined, labels = SMOTEENN(n_jobs=N_JOBS, random_state=0).fit_resample(X, y)
    pipeline = make_pipeline(SMOTE(random_state=0), LogisticRegression(), memory=tempfile.mkdtemp(dir="."))
    scores = [cross_val_score(pipeline, X, y, n_jobs=N_JOBS, scoring="f1") for _ in range(2)]
    probabilities = [model.predict_proba(X) for model in (forest, easy, bagged)]
    return exact(*probabilities, combined, labels, *scores)


def hdbscan():
    points, _ = make_blobs(800, 5, centers=6, random_state=0)
    memory = tempfile.mkdtemp(dir=".")
    found = [
        HDBSCAN(min_cluster_size=10, core_dist_n_jobs=N_JOBS, memory=memory, branch_detection_data=True).fit(points)
        for _ in range(2)
    ]
    entries = len(list(Path(memory).rglob("output.pkl")))
    return exact(*(model.labels_ for model in found), *(model.probabilities_ for model in found)), entries


def mlxtend():
    forward = SequentialFeatureSelector(KNeighborsClassifier(3), k_features=3, cv=3, n_jobs=N_JOBS, verbose=0).fit(X, y)
    every = ExhaustiveFeatureSelector(
        LogisticRegression(), min_features=1, max_features=2, cv=3, n_jobs=N_JOBS, print_progress=False
    ).fit(X[:, :4], y)
    baskets = pd.DataFrame(X > 0, columns=list("abcdefgh"))
    return (
        forward.k_feature_idx_,
        forward.k_score_,
        every.best_idx_,
        every.best_score_,
        apriori(baskets, min_support=0.2, use_colnames=True)["support"].tolist(),
    )


def nilearn():
    """Images made here, masked with a cache, decomposed; and a permutation test."""
    random = np.random.default_rng(0)
    shape, affine = (8, 8, 8), np.eye(4)
    mask = nibabel.Nifti1Image(np.ones(shape, np.int8), affine)
    images = [nibabel.Nifti1Image(random.normal(size=(*shape, 20)), affine) for _ in range(4)]
    folder = tempfile.mkdtemp(dir=".")
    masked = [
        NiftiMasker(mask, standardize="zscore_sample", memory=folder, memory_level=1, verbose=0).fit_transform(image)
        for image in [images[0], images[0], images[1]]
    ]
    several = MultiNiftiMasker(mask, n_jobs=N_JOBS, memory=folder, verbose=0).fit_transform(images)
    components = CanICA(
        n_components=3, mask=mask, n_jobs=N_JOBS, random_state=0, n_init=2, memory=folder, verbose=0
    ).fit(images)
    design, data = random.normal(size=(30, 2)), random.normal(size=(30, 15))
    permuted = permuted_ols(design, data, n_perm=50, n_jobs=N_JOBS, random_state=0)
    entries = len(list(Path(folder).rglob("output.pkl")))
    return exact(*masked, *several, components.components_, permuted["t"], permuted["logp_max_t"]), entries > 0


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    tell({part.__name__: part() for part in (imbalanced_learn, hdbscan, mlxtend, nilearn)})
