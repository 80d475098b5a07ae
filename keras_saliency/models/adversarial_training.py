"""Training of a saliency model against a discriminator."""

from typing import Any

import keras
from keras import ops

from keras_saliency import targets
from keras_saliency._utils.types import Tensor
from keras_saliency.losses import BinaryCrossEntropy, PooledLoss
from keras_saliency.models import compiling
from keras_saliency.models.arguments import ConfiguredModel


@keras.saving.register_keras_serializable("keras_saliency.models")
class AdversarialTraining(ConfiguredModel, keras.Model):
    """A saliency model and its discriminator, trained in turns.

    One batch trains the discriminator, the next the generator, and so on:

        discriminator: BCE of true maps as 1 and of predicted maps as 0
        generator:     BCE of predicted maps as 1 + alpha * content loss

    The batches are those of the generator alone. `fit` and `evaluate` log the
    content loss as `loss`, and `generator_loss` and `discriminator_loss`, each
    on every batch before its update. `predict` returns the generator's maps;
    `trainer.generator.save(...)` saves the generator alone. A checkpoint of
    the whole (`ModelCheckpoint`, `BackupAndRestore`) holds both networks and
    the state of both optimizers.

    It runs on TensorFlow, JAX and PyTorch, on one device.

    Args:
        generator: A model from images `(batch, height, width, 3)` to maps in
            [0, 1] of the same height and width, such as `SalGAN`.
        discriminator: A model from `(batch, height, width, 4)`, map and
            image, to probabilities `(batch, 1)`, such as
            `SalGANDiscriminator`.
        alpha: Weight of the content loss: 1/20 in the authors' code; their
            paper prints 0.005.
        name: Name of the model.

    Raises:
        ValueError: If the sizes of the two models do not fit, or `alpha` is
            negative.

    References:
        Pan et al., SalGAN: visual saliency prediction with generative
        adversarial networks, 2017, sections 3.2.2 and 4. The terms of weight
        decay in the authors' code have no effect there and are left out.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        alpha: float = 1 / 20,
        name: str = "adversarial",
    ) -> None:
        wanted = (*generator.output_shape[:3], 4)
        if (
            generator.output_shape[:3] != generator.input_shape[:3]
            or discriminator.input_shape != wanted
        ):
            raise ValueError(
                "The generator must give maps of its images' size, and the "
                "discriminator take a map and an image of that size; received "
                f"a generator from {generator.input_shape} to "
                f"{generator.output_shape} and a discriminator of "
                f"{discriminator.input_shape}."
            )
        if not alpha >= 0:
            raise ValueError(f"alpha must not be negative, received {alpha}.")
        super().__init__(name=name)
        self.generator = generator
        self.discriminator = discriminator
        self.alpha = float(alpha)
        self.discriminator_optimizer: Any = None
        self.generator_loss = keras.metrics.Mean(name="generator_loss")
        self.discriminator_loss = keras.metrics.Mean(name="discriminator_loss")
        self.built = True

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Return the maps of the generator."""
        return self.generator(inputs, training=training)

    def compile(
        self,
        optimizer: Any = None,
        discriminator_optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
        *,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """Compile; every default is the original's.

        Args:
            optimizer: Optimizer of the generator; Adagrad at 3e-4 by default.
            discriminator_optimizer: Optimizer of the discriminator; Adagrad
                at 3e-4 by default.
            loss: Content loss; by default the cross-entropy of maps averaged
                over 4x4 pixels. See `SaliencyModel.compile`.
            metrics: Metrics of the generator's maps; see
                `SaliencyModel.compile`.
            loss_weights: See `SaliencyModel.compile`.
            weighted_metrics: See `SaliencyModel.compile`.
            **kwargs: See `keras.Model.compile`.

        Raises:
            ValueError: In float16, whose gradients need a scaled loss, and for
                a loss whose weights are learned.
        """
        if self.generator.compute_dtype == "float16":
            raise ValueError(
                "Adversarial training in mixed_float16 is not supported; "
                "mixed_bfloat16 is."
            )
        loss = compiling.loss_of(loss)
        if getattr(loss, "learned", None) is not None:
            raise ValueError(
                "Adversarial training learns no weights of terms: give "
                "CombinedLoss(weights=) without weighting."
            )
        super().compile(
            optimizer=optimizer or _adagrad(),
            loss=loss or PooledLoss(BinaryCrossEntropy(), pool_size=4),
            loss_weights=compiling.loss_weight_of(loss_weights),
            metrics=compiling.metrics_of(metrics),
            weighted_metrics=compiling.metrics_of(weighted_metrics),
            **kwargs,
        )
        self.discriminator_optimizer = keras.optimizers.get(
            discriminator_optimizer or _adagrad()
        )
        self.optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(
            self.discriminator.trainable_variables
        )

    @property
    def non_trainable_variables(self) -> list[keras.Variable]:
        """Variables of both networks and of the discriminator's optimizer.

        On JAX a training step returns the variables that Keras knows of: those
        of one optimizer, and the other's only if they are among these.
        """
        variables = super().non_trainable_variables
        if self.discriminator_optimizer is not None:
            variables = variables + self.discriminator_optimizer.variables
        return variables

    def compute_loss(
        self,
        x: Tensor = None,
        y: Tensor = None,
        y_pred: Tensor = None,
        sample_weight: Tensor = None,
        training: bool = True,
    ) -> Tensor:
        """Return the content loss, and update the metrics of both losses."""
        return self._objectives(x, y, y_pred, sample_weight, training)[0]

    def _objectives(self, x, y, y_pred, sample_weight, training):
        content = super().compute_loss(x, y, y_pred, sample_weight)
        true = self._judge(targets.density(y), x, training)
        predicted = self._judge(y_pred, x, training)
        generator = _cross_entropy(predicted, 1.0) + self.alpha * content
        discriminator = 0.5 * (
            _cross_entropy(true, 1.0) + _cross_entropy(predicted, 0.0)
        )
        self.generator_loss.update_state(generator)
        self.discriminator_loss.update_state(discriminator)
        return content, generator, discriminator

    def _judge(self, maps, images, training):
        pairs = [ops.cast(part, "float32") for part in (maps, images)]
        return self.discriminator(
            ops.concatenate(pairs, axis=-1), training=training
        )

    def _generators_turn(self):
        return ops.convert_to_tensor(
            self.discriminator_optimizer.iterations
        ) > ops.convert_to_tensor(self.optimizer.iterations)

    def train_step(self, *arguments: Any) -> Any:
        """Update one of the two networks."""
        step = getattr(self, f"_train_step_{keras.backend.backend()}")
        return step(*arguments)

    def _train_step_tensorflow(self, data):
        import tensorflow as tf

        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)

        def update(network, optimizer, objective):
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                losses = self._objectives(x, y, y_pred, sample_weight, True)
            variables = network.trainable_variables
            gradients = tape.gradient(losses[objective], variables)
            optimizer.apply(gradients, variables)
            return losses[0], y_pred

        content, y_pred = tf.cond(
            self._generators_turn(),
            lambda: update(self.generator, self.optimizer, 1),
            lambda: update(self.discriminator, self.discriminator_optimizer, 2),
        )
        return self._logs(x, y, y_pred, sample_weight, content)

    def _train_step_torch(self, data):
        import torch

        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if self._generators_turn():
            network, optimizer, objective = self.generator, self.optimizer, 1
        else:
            network = self.discriminator
            optimizer, objective = self.discriminator_optimizer, 2
        y_pred = self(x, training=True)
        losses = self._objectives(x, y, y_pred, sample_weight, True)
        variables = network.trainable_variables
        gradients = torch.autograd.grad(
            losses[objective], [v.value for v in variables]
        )
        with torch.no_grad():
            optimizer.apply(gradients, variables)
        return self._logs(x, y, y_pred, sample_weight, losses[0])

    def _train_step_jax(self, state, data):
        import jax

        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )

        def scope_of(state, variables=(), values=()):
            pairs = [
                pair
                for group, part in zip(groups, state, strict=True)
                for pair in zip(group, part, strict=True)
            ]
            # Where a variable is given twice, the later value counts.
            pairs += zip(variables, values, strict=True)
            return keras.StatelessScope(state_mapping=pairs)

        def state_in(scope):
            return tuple(
                [scope.get_current_value(v) for v in group] for group in groups
            )

        def update(network, optimizer, objective):
            variables = network.trainable_variables

            def loss_of(values):
                with scope_of(state, variables, values) as scope:
                    y_pred = self(x, training=True)
                    losses = self._objectives(x, y, y_pred, sample_weight, True)
                after = state_in(scope)
                return losses[objective], (after, losses[0], y_pred)

            with scope_of(state) as scope:
                values = [scope.get_current_value(v) for v in variables]
            gradients, (after, content, y_pred) = jax.grad(
                loss_of, has_aux=True
            )(values)
            with scope_of(after) as scope:
                optimizer.apply(gradients, variables)
            return state_in(scope), content, y_pred

        with scope_of(state):
            turn = self._generators_turn()
        state, content, y_pred = jax.lax.cond(
            turn,
            lambda: update(self.generator, self.optimizer, 1),
            lambda: update(self.discriminator, self.discriminator_optimizer, 2),
        )
        with scope_of(state) as scope:
            logs = self._logs(x, y, y_pred, sample_weight, content)
        return logs, state_in(scope)

    def _logs(self, x, y, y_pred, sample_weight, content):
        self._loss_tracker.update_state(
            content, sample_weight=ops.shape(y_pred)[0]
        )
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def get_compile_config(self) -> dict[str, Any]:
        """Return the arguments of `compile`; see `keras.Model`."""
        return {
            **super().get_compile_config(),
            "discriminator_optimizer": keras.saving.serialize_keras_object(
                self.discriminator_optimizer
            ),
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as saved; see `keras.Model.compile_from_config`."""
        self.compile(**keras.saving.deserialize_keras_object(config))


def _adagrad():
    """Return Adagrad as in the authors' framework: its sums start at 0."""
    return keras.optimizers.Adagrad(
        3e-4, initial_accumulator_value=0.0, epsilon=1e-6
    )


def _cross_entropy(probabilities, label):
    labels = ops.full_like(probabilities, label)
    return ops.mean(ops.binary_crossentropy(labels, probabilities))
