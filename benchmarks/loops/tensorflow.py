"""TensorFlow: gradient tapes in one `tf.function`."""

import keras
import tensorflow as tf


def make_epoch(model, batch_size, ema_rate):
    """Makes the loop over an epoch; see `benchmarks.loops`."""
    generator, discriminator = model.generator, model.discriminator
    pairs = list(zip(generator.weights, model.ema_generator.weights, strict=True))
    adams = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in range(2)]
    for adam, network in zip(adams, (discriminator, generator), strict=True):
        adam.build(network.trainable_variables)

    def minimise(objective, network, adam):
        variables = network.trainable_variables
        values = [variable.value for variable in variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            loss = objective()
        adam.apply(tape.gradient(loss, values), variables)
        return loss

    def draw_fakes():
        latents = tf.random.normal((batch_size, model.latent_dim))
        return generator(latents, training=True)

    @tf.function(
        input_signature=[tf.TensorSpec((batch_size, *model.data_spec.shape), tf.uint8)]
    )
    def step(images):
        real = tf.cast(images, tf.float32) / 127.5 - 1.0
        fake = draw_fakes()

        def d_objective():
            real_loss = tf.nn.softplus(-discriminator(real, training=True))
            return tf.reduce_mean(
                real_loss + tf.nn.softplus(discriminator(fake, training=True))
            )

        def g_objective():
            logits = discriminator(draw_fakes(), training=True)
            return tf.reduce_mean(tf.nn.softplus(-logits))

        d_loss = minimise(d_objective, discriminator, adams[0])
        g_loss = minimise(g_objective, generator, adams[1])
        for weight, average in pairs:
            rate = ema_rate if weight.trainable else 1.0
            average.assign(average + rate * (weight - average))
        return d_loss, g_loss

    def epoch(batches):
        for images in batches:
            losses = step(images)
        return [float(loss) for loss in losses]

    return epoch


def make_sampler(generator):
    """Makes a function from latents to images; see `benchmarks.loops`."""
    generate = tf.function(lambda latents: generator(latents, training=False))
    return lambda latents: generate(tf.constant(latents)).numpy()
