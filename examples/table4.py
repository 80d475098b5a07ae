"""Table 4: SAM-VGG trained with W-MSE, LC1 and LC2.

    python examples/table4.py --data MIT1003 --backbone-weights FILE

trains SAM-VGG on the training part once with each loss, with table1.py's
recipe, and measures five metrics on the test part at the pictures' own
sizes. A row that is done is kept in `RESULTS/table4` and not done again; a
training that was stopped goes on after the last epoch it finished. On a CPU

    --precision mixed_bfloat16 --upsampling 2 --input-size 120x160

each make a step cheaper: half precision, losses on a map of 60x80 in place of
480x640 (which DF and GM send through VGG-16), and smaller pictures.

Prints and writes (`table4.json`, `.csv`, `.md`) the paper's numbers beside
ours; `figure4.png` shows the stimulus, the ground truth and the map of each
loss for `--images` pictures.
"""

import argparse

import common
import networks
import training

from keras_saliency import losses

# The paper's rows, and their names in `losses.get`.
ROWS = {"W-MSE": "W-MSE", "LC 1": "LC1", "LC 2": "LC2"}
NETWORK = "sam_vgg"


def main():
    """Train and measure what is missing, then report."""
    arguments = parsed()
    parts = common.load(arguments.data)
    train = parts["train"].subset(slice(0, arguments.train_images))
    networks.report(
        "table4",
        lambda row: system(row, arguments, train),
        parts,
        arguments,
        "figure4.png",
    )


def parsed():
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    training.add_arguments(parser)
    networks.add_arguments(parser)
    parser.add_argument(
        "--rows", nargs="+", default=ROWS, choices=ROWS, metavar="ROW"
    )
    parser.add_argument("--train-images", type=int, help="default: all")
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument(
        "--learning-rate",
        type=networks.learning_rate,
        default=networks.LEARNING_RATE,
        help="of Adam, which falls to zero along a half cosine; authors: "
        "their optimizer; default: %(default)s",
    )
    parser.add_argument(
        "--input-size", default="240x320", metavar="HEIGHTxWIDTH"
    )
    parser.add_argument(
        "--upsampling",
        type=int,
        default=16,
        help="how many times as large as the features the map is that the "
        "losses see; LC 2 needs 32 pixels each way",
    )
    parser.add_argument("--frozen-blocks", type=int, default=0)
    return parser.parse_args()


def system(row, arguments, train):
    """SAM-VGG trained with a row's loss: its predictions, and the facts."""
    facts = {
        "model": NETWORK,
        "loss": ROWS[row],
        "data": train.name,
        "images": len(train),
        "epochs": arguments.epochs,
        "batch_size": arguments.batch_size,
        "learning_rate": arguments.learning_rate,
        "input": arguments.input_size,
        "upsampling": arguments.upsampling,
        "frozen_blocks": arguments.frozen_blocks,
        "precision": arguments.precision,
        "seed": arguments.seed,
    }
    options = {
        "input_shape": networks.size(arguments.input_size),
        "upsampling": arguments.upsampling,
        "frozen_blocks": arguments.frozen_blocks,
    }

    def loss(model):
        return losses.get(
            ROWS[row],
            prior=train.mean_density(model.map_size),
            vgg_weights=arguments.backbone_weights,
        )

    folder = arguments.results / "runs" / f"table4_{training.slug(row)}"
    model, run = networks.fitted(
        NETWORK, folder, arguments, facts, train, options, loss
    )
    spent = networks.spent(run, train, model)
    return networks.predictor(model), {**facts, "spent": spent}


if __name__ == "__main__":
    main()
