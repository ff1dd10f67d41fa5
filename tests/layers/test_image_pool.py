import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend
from keras_gans.utils import random

SHAPE = (2, 3, 1)


def numpy(x):
    with backend.no_gradients():
        return np.array(ops.convert_to_numpy(x))


def numbered(first, count, shape=SHAPE):
    """Images that each consist of their number."""
    numbers = np.arange(first, first + count, dtype="float32")
    return np.broadcast_to(numbers.reshape(-1, 1, 1, 1), (count, *shape)).copy()


def numbers(images):
    """The number of each image, which must be whole."""
    images = numpy(images)
    images = images.reshape(len(images), -1)
    assert (images == images[:, :1]).all()
    return images[:, 0].astype(int).tolist()


def check_exchange(before, count, given, after, returned, size):
    """One call against the rules, image by image, given what it decided.

    Returns:
        How many images of a full pool were given, and how many exchanged.
    """
    expected, exchanged, offered, taken = list(before), 0, 0, set()
    for image, back in zip(given, returned, strict=True):
        if count < size:
            assert back == image
            expected[count] = image
            taken.add(count)
            count += 1
            continue
        offered += 1
        if back != image:  # an earlier one, whose place it takes
            place = before.index(back)
            assert place not in taken, "two images for one place"
            taken.add(place)
            expected[place] = image
            exchanged += 1
    assert after == expected
    return offered, exchanged


@pytest.mark.parametrize(("size", "batch"), [(5, 1), (5, 2), (6, 6), (7, 3)])
def test_follows_the_rules(size, batch):
    """7 and 3, 5 and 2: one batch fills the pool and is exchanged as well."""
    pool = kg.layers.ImagePool(size, shape=SHAPE, seed=1)
    offered = exchanged = 0
    for step in range(12):
        before, count = numbers(pool.images), int(pool.count.value)
        given = list(range(1 + step * batch, 1 + (step + 1) * batch))
        returned = numbers(pool(numbered(given[0], batch)))
        assert int(pool.count.value) == min(count + batch, size)
        after = numbers(pool.images)
        found = check_exchange(before, count, given, after, returned, size)
        offered, exchanged = offered + found[0], exchanged + found[1]
    assert offered == 12 * batch - size
    assert 0 < exchanged < offered


@pytest.mark.parametrize("filled", [0, 20])
def test_parts_of_a_batch_exchange_as_the_whole(filled):
    """Of a pool that is full, and of one that they do not fill."""
    whole, parts = (kg.layers.ImagePool(20, shape=SHAPE) for _ in range(2))
    for pool in (whole, parts):
        if filled:
            pool(numbered(0, filled))
    given, states = numbered(100, 12), []
    returned = numbers(whole(given, seed=keras.random.SeedGenerator(3)))
    together = np.zeros(12, int)
    for index in range(3):
        seed = keras.random.SeedGenerator(3)  # as a step starts each part with it
        with random.part(index, 3):
            together[index::3] = numbers(parts(given[index::3], seed=seed))
        states.append(numpy(seed.state).tolist())
    assert together.tolist() == returned
    assert sorted(numbers(parts.images)) == sorted(numbers(whole.images))
    assert states[0] == states[1] == states[2]
    if filled:
        assert numbers(parts.images) == numbers(whole.images)
        assert 0 < sum(number >= 100 for number in returned) < 12
    with random.part(0, 3), pytest.raises(ValueError, match="holds, 20. Received: 21"):
        parts(given[:7])


def test_half_are_exchanged_and_places_are_random():
    pool = kg.layers.ImagePool(50, seed=0)
    pool(numbered(0, 50))
    places, exchanged = np.zeros(50, int), 0
    for step in range(1, 21):
        before = numbers(pool.images)
        returned = numbers(pool(numbered(50 * step, 50)))
        old = [number for number in returned if number < 50 * step]
        exchanged += len(old)
        places[[before.index(number) for number in old]] += 1
    # Of 1,000, with a deviation of 16; 10 a place, with one of 2.2.
    assert 450 < exchanged < 550
    assert places.min() >= 2 and places.max() <= 18


def test_no_pool():
    x = numbered(0, 4)
    pool = kg.layers.ImagePool(0, shape=SHAPE)
    assert pool.weights == []
    for _ in range(2):
        np.testing.assert_array_equal(numpy(pool(x)), x)


def test_given_seed_decides():
    pools = [kg.layers.ImagePool(3, shape=SHAPE, seed=i) for i in (1, 2)]
    seeds = [keras.random.SeedGenerator(7) for _ in pools]
    for step in range(4):
        first, second = (
            numbers(pool(numbered(3 * step, 3), seed=seed))
            for pool, seed in zip(pools, seeds, strict=True)
        )
        assert first == second
    own = [pool.seed_generator.state for pool in pools]
    assert [numpy(state)[1] for state in own] == [0, 0]


def test_state_is_saved(tmp_path):
    def make():
        inputs = keras.Input(SHAPE)
        return keras.Model(inputs, kg.layers.ImagePool(4, seed=3, name="pool")(inputs))

    models = make(), make()
    for step in range(3):
        models[0](numbered(3 * step, 3))
    path = tmp_path / "pool.weights.h5"
    models[0].save_weights(path)
    models[1].load_weights(path)
    pools = [model.get_layer("pool") for model in models]
    assert numbers(pools[1].images) == numbers(pools[0].images)
    assert int(pools[1].count.value) == 4
    # Random numbers go on once their state, which a GAN saves, is the same.
    pools[1].seed_generator.state.assign(pools[0].seed_generator.state)
    returned = [numbers(model(numbered(20, 3))) for model in models]
    assert returned[0] == returned[1]
    assert numbers(pools[1].images) == numbers(pools[0].images)
    config = pools[0].get_config()
    assert kg.layers.ImagePool.from_config(config).get_config() == config


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_dtype_and_precision_stay(dtype):
    pool = kg.layers.ImagePool(2, dtype="mixed_bfloat16")
    x = ops.cast(np.full((2, *SHAPE), 1 + 1 / 512), dtype)
    for _ in range(2):
        y = pool(x)
    assert pool.images.dtype == "float32"
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    np.testing.assert_array_equal(
        numpy(ops.cast(y, "float32")), numpy(ops.cast(x, "float32"))
    )


class Pooling(backend.TrainStep, keras.Model):
    """As a GAN's step has it: within the compiled step, inside of a derivative."""

    def __init__(self, size):
        super().__init__()
        self.pool = kg.layers.ImagePool(size, shape=SHAPE, seed=1)
        self.seen = self.add_weight(
            shape=(4, *SHAPE), trainable=False, initializer="zeros", name="seen"
        )
        self.weight = self.add_weight(shape=(), initializer="ones", name="weight")
        self.total = keras.metrics.Mean(name="total")
        self.built = True

    def alternating_step(self, x, y):
        def loss():
            pooled = self.pool(self.weight * x)
            return ops.sum(pooled) + self.weight * 0.0, pooled

        (_, pooled), (gradient,) = backend.value_and_grad(loss, [self.weight])
        self.seen.assign(pooled)
        self.total.update_state(gradient)
        return {"gradient": self.total.result()}


@pytest.mark.parametrize("eager", [False, True])
def test_runs_in_a_training_step(eager):
    model = Pooling(6)
    model.compile(optimizer="sgd", run_eagerly=eager)
    x = numbered(1, 20)
    twin = kg.layers.ImagePool(6, shape=SHAPE, seed=1)
    for step in range(0, 20, 4):
        batch = x[step : step + 4]
        logs = model.fit(batch, batch_size=4, shuffle=False, verbose=0).history
        assert logs["gradient"] == [0.0], "nothing flows through the pool"
        assert numbers(model.seen) == numbers(twin(batch))
        assert numbers(model.pool.images) == numbers(twin.images)
    assert int(model.pool.count.value) == 6


def test_wrong_arguments():
    for size in (-1, 2.0, None):
        with pytest.raises(ValueError, match="`size` as an int of at least 0"):
            kg.layers.ImagePool(size)
    with pytest.raises(ValueError, match="the pool holds, 3. Received: 4"):
        kg.layers.ImagePool(3)(numbered(0, 4))
