"""The published weights of keras_saliency, which finds them by this package."""
