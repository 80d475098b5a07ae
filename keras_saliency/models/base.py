"""What all models of the package share."""

from contextlib import nullcontext
from typing import Any

import keras

from keras_saliency import inference
from keras_saliency._utils.types import Array, ArrayLike, Size
from keras_saliency.losses import CombinedLoss
from keras_saliency.losses.weighting import LearnedWeights
from keras_saliency.metrics import LossTerms
from keras_saliency.models import compiling
from keras_saliency.steps import MapSteps


@keras.saving.register_keras_serializable("keras_saliency.models")
class SaliencyModel(keras.Model):
    """`keras.Model` from images to saliency maps.

    It takes images `(batch, height, width, 3)`, RGB in 0..255, its
    preprocessing inside, and returns maps `(batch, height, width, 1)`.

    With `compile(loss=CombinedLoss(...))` each term's mean shows in the logs
    of `fit` and `evaluate` under its own name (`kld`, `val_kld`, ...), computed
    once for the loss and the logs: `metrics.LossTerms`. Weights that the
    loss learns (`CombinedLoss(weighting=)`) show as `weight_kld`, ..., and are
    saved with the model as part of what it was compiled with.
    """

    _loss_terms: LossTerms | None = None
    _learned_weights: LearnedWeights | None = None

    @property
    def map_size(self) -> tuple[int, int]:
        """`(height, width)` of the output, which targets must have."""
        return tuple(self.output_shape[1:3])

    def saliency_map(self, image: ArrayLike, size: Size | None = None) -> Array:
        """Return the map of one image of any size.

        The image is prepared (`prepare_image`), the network predicts, and its
        output is finished (`finish_map`) and resized. `predict` and
        `evaluation.evaluate` make the same map: a model whose authors
        prescribe more than resizing overrides the steps (`map_steps`), not
        this method.

        Args:
            image: Array `(height, width, 3)`, RGB in 0..255.
            size: `(height, width)` of the map. Defaults to the image's.

        Returns:
            float32 array of that size, not negative.

        Raises:
            ValueError: If the image has another shape.
        """
        return inference.saliency_map(self, image, size)

    def map_steps(self) -> MapSteps:
        """Return what is done before the network and after, by name.

        Exported files hold these steps beside the network. Here an image is
        stretched to the input, and the output is taken as it is. A model
        whose steps have no names overrides `prepare_image` and `finish_map`.
        """
        return MapSteps()

    def prepare_image(self, image: Array) -> Array:
        """Return one image as the network's input, by the model's steps.

        Args:
            image: Array `(height, width, 3)`, RGB in 0..255.

        Returns:
            Array `(height, width, 3)` of the input's size.
        """
        size = inference.input_size(self)
        return self.map_steps().prepared(image, size)

    def map_network(self) -> keras.Model:
        """Return the network whose output is finished: the model itself."""
        # No property: Keras would take it for a part to save.
        return self

    def finish_map(self, map_: Array, size: Size) -> Array:
        """Return the map of an image, made of the network's output.

        Args:
            map_: float32 array `(height, width)`, output of `map_network`.
            size: `(height, width)` of the image.

        Returns:
            float32 array `(height, width)` of any size, which is resized to
            the size wanted.
        """
        return self.map_steps().finished(map_, size)

    def recommended_loss(self) -> keras.losses.Loss:
        """Return a new loss, the one that the model's authors used."""
        raise NotImplementedError(f"{type(self).__name__} names no loss.")

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return a new optimizer, the one that the model's authors used."""
        raise NotImplementedError(f"{type(self).__name__} names no optimizer.")

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """Compile; logs the terms of a `CombinedLoss`.

        Args:
            optimizer: See `keras.Model.compile`.
            loss: A loss of the package, its name for `losses.get` (`"KLD"`,
                `"mse"`), or a loss or function of your own that takes packed
                targets. Keras' own are refused: they would compare with both
                channels of a target.
            loss_weights: One number, or `None`. The weights of the terms of a
                loss are those of `CombinedLoss`.
            metrics: Metrics of the package, or their names (`"cc"`); names of
                losses, whose mean then shows (`"mse"`); metrics or functions
                of your own that take packed targets.
            weighted_metrics: The same, weighted by `sample_weight`.
            **kwargs: See `keras.Model.compile`.

        Raises:
            ValueError: If there are several losses or outputs, a name is not
                known, or one is Keras' own.
        """
        loss = compiling.loss_of(loss)
        if loss is not None:
            compiling.check_one_output(self)
        super().compile(
            optimizer=optimizer,
            loss=loss,
            loss_weights=compiling.loss_weight_of(loss_weights),
            # Keras keeps the metrics of an earlier compile() where it is given
            # None: an empty list replaces them.
            metrics=compiling.metrics_of(metrics),
            weighted_metrics=compiling.metrics_of(weighted_metrics),
            **kwargs,
        )
        # Not among `metrics`, which are saved with the model: the loss is
        # saved already. Nor a tracked attribute: a model that is built takes
        # none.
        terms = LossTerms(loss) if isinstance(loss, CombinedLoss) else None
        object.__setattr__(self, "_loss_terms", terms)
        learned = getattr(loss, "learned", None)
        object.__setattr__(self, "_learned_weights", learned)

    def fit(
        self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any
    ) -> keras.callbacks.History:
        """See `keras.Model.fit`; `sample_weight` may be a list or a number."""
        return super().fit(x, y, *args, **compiling.with_weights(y, kwargs))

    def evaluate(
        self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """See `keras.Model.evaluate`; `sample_weight` as for `fit`."""
        kwargs = compiling.with_weights(y, kwargs)
        if self._learned_weights is None:
            return super().evaluate(x, y, *args, **kwargs)
        # Keras' eighth argument, if it is not named.
        as_dictionary = [*args[5:], kwargs.pop("return_dict", False)][0]
        logs = super().evaluate(x, y, *args[:5], return_dict=True, **kwargs)
        # The weights of terms are those of training, and in its logs.
        for name in self._learned_weights.result():
            logs.pop(name, None)
        return logs if as_dictionary else self._flatten_metrics_in_order(logs)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Keras' list of metrics, at the end what the loss reports."""
        own = [self._loss_terms, self._learned_weights]
        return super().metrics + [
            metric for metric in own if metric is not None
        ]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """See `keras.Model.compute_loss`; weights of terms may learn."""
        learned = self._learned_weights
        step = nullcontext() if learned is None else learned.step(training)
        with step:
            return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """See `keras.Model.compute_metrics`."""
        if self._loss_terms is not None:
            self._loss_terms.update_state(y, y_pred, sample_weight)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as saved; see `keras.Model.compile_from_config`."""
        config = keras.saving.deserialize_keras_object(config)
        self.compile(**config)
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)
