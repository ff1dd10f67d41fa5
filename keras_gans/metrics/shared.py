"""One extraction of features for all metrics that want the same ones."""

import numpy as np

from keras_gans.metrics import cache

CHUNK = 512
"""Images extracted at a time: memory for maps of one chunk, not of all images."""


class SharedExtraction:
    """Feeds several metrics, running each extractor once per image.

    Args:
        metrics: List of `GenerativeMetric`.

    Example:

    ```python
    shared = SharedExtraction([FrechetDistance(), KernelDistance()])
    shared.update(real_images, gan.generate(1000, seed=0))
    ```
    """

    def __init__(self, metrics):
        self.metrics = list(metrics)
        self._groups = {}  # fingerprint -> extractor, metrics
        self._on_images = []
        for metric in self.metrics:
            if metric.extractor is None:
                self._on_images.append(metric)
                continue
            print_ = metric.extractor.fingerprint
            self._groups.setdefault(print_, (metric.extractor, []))[1].append(metric)

    def update(
        self, real_images=None, fake_images=None, labels=None, fits=lambda metric: True
    ):
        """Takes a batch of real images, of generated ones, or of both.

        Args:
            real_images: Optional `(B, H, W, C)`.
            fake_images: Optional `(B', H, W, C)`.
            labels: Optional ints, the classes of both, for metrics that use them.
            fits: Which of the metrics take it, a function of the metric.
        """
        for kind, images in (("real", real_images), ("fake", fake_images)):
            if images is None or not len(images):
                continue
            for metric in self._on_images:
                if fits(metric):
                    given = {f"{kind}_images": images}
                    if metric.uses_labels:
                        given[f"{kind}_labels"] = labels
                    metric.update_state(**given)
            for extractor, members in self._groups.values():
                members = [m for m in members if fits(m)]
                if kind == "real":
                    members = [m for m in members if m.uses_real]
                if members:
                    self._update(extractor, members, kind, images, labels)

    @staticmethod
    def _update(extractor, members, kind, images, labels):
        for metric in members:
            metric.check_images(images, kind)
        outputs = tuple(sorted({metric.output for metric in members}))
        found = extractor.extract(np.asarray(images), outputs=outputs)
        for metric in members:
            given = {kind: found[metric.output]}
            if metric.uses_labels:
                given[f"{kind}_labels"] = labels
            metric.update_features(**given)

    def load_real(self, images, labels=None, progress=None):
        """Gives all metrics the features of real images, from the cache if there.

        Each metric gets a choice of its `num_samples`, drawn with its `seed`.

        Args:
            images: `(N, H, W, C)`.
            labels: Optional ints `(N,)`, for metrics that use them (not cached).
            progress: Optional callable, told the number of images after each chunk.
        """
        images = np.asarray(images)
        for metric in self.metrics:
            if metric.uses_labels:
                metric.forget_real()
                rows = choose(np.arange(len(images)), metric.num_samples, metric.seed)
                metric.update_state(
                    images[rows],
                    real_labels=None if labels is None else np.asarray(labels)[rows],
                )
                metric.set_real(metric.real)
        wanted = [m for m in self.metrics if m.uses_real and not m.uses_labels]
        choices = {}  # metrics that take the same images; all of them, if few
        for metric in wanted:
            is_all = len(images) <= metric.num_samples
            choice = None if is_all else (metric.num_samples, metric.seed)
            choices.setdefault(choice, []).append(metric)
        for choice, members in choices.items():
            chosen = images if choice is None else choose(images, *choice)
            self._load(members, chosen, progress)

    def _load(self, metrics, images, progress):
        for metric in metrics:
            metric.check_images(images)
            if metric in self._on_images:
                real = metric.accumulator()
                real.update(images)
                metric.set_real(real)
        content = cache.hash_array(images)
        for fingerprint, (extractor, members) in self._groups.items():
            members = [metric for metric in members if metric in metrics]
            keys = {
                (m.output, m.accumulator): cache.key(
                    content, fingerprint, len(images), m.output, m.accumulator.kind
                )
                for m in members
            }
            cached = extractor.is_reproducible
            found = {}
            for kept, key in keys.items():
                arrays = cache.load(key) if cached else None
                if arrays is not None:
                    found[kept] = kept[1].from_arrays(arrays)
            missing = [kept for kept in keys if kept not in found]
            if missing:
                made = self._extract(extractor, images, missing, progress)
                for kept, real in made.items():
                    found[kept] = real
                    if cached:
                        cache.store(keys[kept], real.arrays())
            for metric in members:
                metric.set_real(found[metric.output, metric.accumulator])

    @staticmethod
    def _extract(extractor, images, kept, progress):
        made = {(output, accumulator): accumulator() for output, accumulator in kept}
        outputs = tuple(sorted({output for output, _ in kept}))
        for start in range(0, len(images), CHUNK):
            chunk = images[start : start + CHUNK]
            arrays = extractor.extract(chunk, outputs=outputs)
            for (output, _), real in made.items():
                real.update(arrays[output])
            if progress is not None:
                progress(len(chunk))
        return made


def choose(images, num_samples, seed):
    """`num_samples` of the images, a seeded choice in their order; or all."""
    if len(images) <= num_samples:
        return images
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(images), num_samples, replace=False))
    return images[rows]
