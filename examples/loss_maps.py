"""Maps of the published heads on generated images, side by side.

    python examples/loss_maps.py --backbone-weights FILE --out maps.jpg

One network, one recipe, four losses: the heads `baseline-...` of the published
weights. The other rows of table 2 have no published head.
"""

from keras_saliency import datasets, models, plot
from keras_saliency.experiments import command_line

HEADS = {
    "MSE": "baseline-mse",
    "MLNET-MSE": "baseline-mlnet-mse",
    "LC1": "baseline-lc1",
    "LC2": "baseline-lc2",
}
SIZE = (300, 400)


def main(arguments=None):
    """Make the maps and draw them."""
    parser = command_line.parser(__doc__)
    parser.add_argument(
        "--backbone-weights",
        type=command_line.weights_file,
        default="imagenet",
        help="weights file of VGG-16; default: Keras downloads ImageNet's",
    )
    parser.add_argument("--images", type=command_line.count, default=3)
    parser.add_argument("--out", default="loss_maps.jpg", help="file to write")
    arguments = parser.parse_args(arguments)
    dataset = datasets.generate(arguments.images, SIZE, seed=1)
    numbers = range(len(dataset))
    images = [dataset.image(i) for i in numbers]
    columns = [images, [dataset.density(i) for i in numbers]]
    for name in HEADS.values():
        model = models.get(name, backbone_weights=arguments.backbone_weights)
        columns.append([model.saliency_map(image) for image in images])
    plot.maps(
        list(zip(*columns, strict=True)),
        ["image", "density map", *HEADS],
        arguments.out,
        overlay=True,
        height=1.2,
    )
    print(arguments.out)


if __name__ == "__main__":
    command_line.run(main)
