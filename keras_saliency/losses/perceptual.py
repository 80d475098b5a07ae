"""Perceptual losses (paper, section 3.2.4): distances in a frozen VGG-16."""

import functools
import threading
from typing import Any

import keras
from keras import ops

from keras_saliency import functional, targets
from keras_saliency._utils.config import plainly
from keras_saliency._utils.resizing import resize_bilinear
from keras_saliency._utils.types import PathName, Tensor
from keras_saliency.functional.maps import bounded
from keras_saliency.losses.base import PACKAGE, SaliencyLoss
from keras_saliency.losses.checks import checked

# VGG-16 halves a map five times.
_SMALLEST_SIDE = 32
# Values beyond count as this: the features are raised to the fourth power.
_LARGEST_VALUE = 1e5
_FEATURE_DTYPES = ("float32", "bfloat16")


class _PerceptualLoss(SaliencyLoss):
    family = "Perceptual-based"

    def __init__(
        self,
        *,
        weights: PathName | None = "imagenet",
        feature_scale: float = 1.0 / 255.0,
        feature_dtype: str = "float32",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.weights = None if weights is None else str(weights)
        if feature_dtype not in _FEATURE_DTYPES:
            raise ValueError(
                f"{self.name}: feature_dtype must be one of "
                f"{_FEATURE_DTYPES}, received {feature_dtype!r}."
            )
        self.feature_dtype = feature_dtype
        self.feature_scale = checked(
            self, "feature_scale", feature_scale, 0.0, inclusive=False
        )

    def _per_image(
        self, y_true: Tensor, y_pred: Tensor, shared: dict[Any, Any]
    ) -> Tensor:
        arguments = (self.weights, self.feature_dtype)
        key = (_PerceptualLoss, *arguments, self.feature_scale)
        if key not in shared:
            network = _pooling_outputs(*arguments)
            shared[key] = [
                [
                    self.feature_scale * ops.cast(features, "float32")
                    for features in network(_as_image(maps))
                ]
                for maps in (targets.density(y_true), y_pred)
            ]
        return self.compute(*shared[key])


@keras.saving.register_keras_serializable(PACKAGE)
class DeepFeatures(_PerceptualLoss):
    """DF (eq. 13): squared distance of the deep features of the two maps.

    The maps, in [0, 1], are given to a frozen VGG-16 as gray images: scaled to
    0..255, repeated to three channels and preprocessed as VGG-16 expects. A
    side below 32 pixels is enlarged to 32 (bilinear), VGG-16's smallest. The
    features are the outputs of the five pooling layers (1,472 filters; the
    paper says 1,920).

    The features are proportional to an image's 0..255 range; they are divided
    by 255, so that the loss is in the maps' own unit. With features as they
    come (`feature_scale=1`) it is 65,025 times larger, `GramMatrices` 4e9
    times, and no combination with unit weights has a use for its other terms.

    The network is loaded once, at the first call, shared by all losses, never
    trained and not part of a saved model.

    Args:
        weights: VGG-16's weights: `"imagenet"` (Keras downloads them at the
            first call), the path of a weights file, or `None` for random ones.
        feature_scale: Factor on all features.
        feature_dtype: Precision of VGG-16, `"float32"` or `"bfloat16"`. The
            latter changes a loss by some 0.1 % and takes half the time on
            processors and GPUs that compute in bfloat16; on JAX's CPU backend
            it takes longer. Distances are in float32 in any case.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "df"

    def compute(
        self, true_features: list[Tensor], pred_features: list[Tensor]
    ) -> Tensor:
        """See `functional.deep_feature_distance`."""
        return functional.deep_feature_distance(true_features, pred_features)


@keras.saving.register_keras_serializable(PACKAGE)
class GramMatrices(_PerceptualLoss):
    """GM (eq. 14, 15): distance of the Gram matrices of the deep features.

    See `DeepFeatures` for the features and the arguments.
    """

    default_name = "gm"

    def compute(
        self, true_features: list[Tensor], pred_features: list[Tensor]
    ) -> Tensor:
        """See `functional.gram_matrix_distance`."""
        return functional.gram_matrix_distance(true_features, pred_features)


def _as_image(maps: Tensor) -> Tensor:
    maps = bounded(maps, -_LARGEST_VALUE, _LARGEST_VALUE)
    sides = maps.shape[1:3]
    if None in sides or min(sides) < _SMALLEST_SIDE:
        maps = resize_bilinear(
            maps, tuple(map(_enlarged, ops.shape(maps)[1:3]))
        )
    # VGG-16's preprocessing: the channels' ImageNet means, in BGR order.
    means = ops.convert_to_tensor([103.939, 116.779, 123.68], dtype="float32")
    return 255.0 * maps - means


def _enlarged(side: Any) -> Any:
    """Return a side that VGG-16 takes, also of what a graph makes."""
    if isinstance(side, int):
        return max(side, _SMALLEST_SIDE)
    return ops.maximum(side, _SMALLEST_SIDE)


@functools.cache
def _pooling_outputs(weights: str | None, dtype: str) -> keras.Model:
    """Load VGG-16, its five pooling layers as outputs, for images of any size.

    The first call comes from inside a traced training step, where no variable
    may be made. Tracing is a state of the thread: another thread is free.
    """
    result: dict[str, Any] = {}

    def build() -> None:
        # The policy is a state of the thread, too.
        keras.config.set_dtype_policy(dtype)
        try:
            result["network"] = _build_pooling_outputs(weights)
        except Exception as error:
            result["error"] = error

    thread = threading.Thread(target=build)
    thread.start()
    thread.join()
    if "error" in result:
        raise ValueError(
            f"The perceptual losses could not load VGG-16 from {weights!r}. "
            'Give weights="imagenet", which needs a network the first time, '
            "or the path of vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5."
        ) from result["error"]
    return result["network"]


@plainly
def _build_pooling_outputs(weights: str | None) -> keras.Model:
    vgg = keras.applications.VGG16(
        include_top=False, weights=weights, input_shape=(None, None, 3)
    )
    vgg.trainable = False
    return keras.Model(
        vgg.input,
        [vgg.get_layer(f"block{i}_pool").output for i in range(1, 6)],
    )
