"""Small networks of every class."""

# Arguments that make each model small, without weights from elsewhere.
SMALL = {
    "baseline": {"input_shape": (32, 48, 3), "backbone": "tiny"},
    "deep_conv_net": {"input_shape": (32, 48, 3), "filters": (4,) * 8},
    "deepgaze1": {"input_shape": (32, 48, 3), "backbone": "tiny"},
    "deepgaze2": {
        "input_shape": (32, 48, 3),
        "backbone_weights": None,
        "filters": (4, 4, 4, 4, 4),
        "readout": (4, 6, 2),
    },
    "density_net": {
        "input_shape": (32, 48, 3),
        "backbone": "efficientnet_lite0",
        "backbone_weights": None,
        # A backbone of random weights is no place to start training from.
        "frozen_stages": 3,
        "levels": 1,
        "filters": 4,
        "depth": 2,
    },
    "dsclrcn": {
        "input_shape": (32, 48, 3),
        "backbone_weights": None,
        "filters": (4, 4, 4, 4),
        "blocks": (1, 1, 1, 1),
        "depth": 4,
        "units": 3,
        "context": 4,
    },
    "eml_net": {
        "input_shape": (32, 48, 3),
        "backbones": ("efficientnet_lite0",),
        "backbone_weights": None,
    },
    "fast_net": {
        "input_shape": (32, 48, 3),
        "filters": (4, 4, 6, 6, 8),
        "depth": 4,
    },
    "icf": {"input_shape": (32, 48, 3), "scales": 2, "readout": (4, 2)},
    "ml_net": {
        "input_shape": (32, 48, 3),
        "backbone_weights": None,
        "filters": (4, 4, 4, 4, 4),
        "depth": 4,
    },
    "pdp": {
        "input_shape": (32, 48, 3),
        "backbone_weights": None,
        "filters": (4, 4, 4, 4, 4),
        "reduction": (6, 4),
    },
    "salgan": {
        "input_shape": (32, 48, 3),
        "backbone_weights": None,
        "filters": (4, 4, 4, 4, 4),
    },
    "salicon_net": {
        "input_shape": (32, 48, 3),
        "backbone_weights": None,
        "filters": (4, 4, 4, 4, 4),
    },
    "sam_resnet": {
        "input_shape": (32, 48, 3),
        "backbone_weights": None,
        "filters": (4, 4, 4, 4),
        "blocks": (1, 1, 1, 1),
        "depth": 4,
        "steps": 2,
    },
    "sam_vgg": {
        "input_shape": (32, 48, 3),
        "backbone_weights": None,
        "filters": (4, 4, 4, 4, 4),
        "depth": 4,
        "steps": 2,
    },
    "shallow_net": {"input_shape": (32, 48, 3), "filters": (4, 4, 4)},
}
