"""`python -m keras_saliency` is the command `keras-saliency`."""

import sys

from keras_saliency.cli import main

sys.exit(main())
