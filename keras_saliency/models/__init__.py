"""Models of saliency, and what they are made of."""

from keras_saliency.models import classic, importers
from keras_saliency.models.adversarial_training import AdversarialTraining
from keras_saliency.models.backbones import hub_backbone
from keras_saliency.models.base import SaliencyModel
from keras_saliency.models.baseline import Baseline
from keras_saliency.models.deep_conv_net import DeepConvNet
from keras_saliency.models.deep_gaze import DeepGazeI, DeepGazeII
from keras_saliency.models.density_net import DensityNet
from keras_saliency.models.dsclrcn import DSCLRCN
from keras_saliency.models.eml_net import EMLNet
from keras_saliency.models.ensemble import Ensemble
from keras_saliency.models.exports import export
from keras_saliency.models.fast_net import FastNet
from keras_saliency.models.fixation_density import FixationDensity
from keras_saliency.models.icf import ICF
from keras_saliency.models.ml_net import MLNet, MLNetLoss
from keras_saliency.models.names import MODELS, get
from keras_saliency.models.pdp import PDP
from keras_saliency.models.pysaliency_models import to_pysaliency
from keras_saliency.models.salgan import SalGAN, SalGANDiscriminator
from keras_saliency.models.salicon_net import SALICONNet
from keras_saliency.models.sam import SAMVGG, SAMResNet
from keras_saliency.models.shallow_net import ShallowNet

__all__ = [
    "DSCLRCN",
    "MODELS",
    "AdversarialTraining",
    "Baseline",
    "DeepConvNet",
    "DeepGazeI",
    "DeepGazeII",
    "DensityNet",
    "EMLNet",
    "Ensemble",
    "FastNet",
    "FixationDensity",
    "ICF",
    "MLNet",
    "MLNetLoss",
    "PDP",
    "SALICONNet",
    "SAMResNet",
    "SAMVGG",
    "SalGAN",
    "SalGANDiscriminator",
    "SaliencyModel",
    "ShallowNet",
    "classic",
    "export",
    "get",
    "hub_backbone",
    "importers",
    "to_pysaliency",
]
