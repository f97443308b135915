"""Object detection: SSD-MobileNetV2 and its parts, small and verified."""

from keras_tricks.detection.annotations import Annotations
from keras_tricks.detection.box_iou import box_iou
from keras_tricks.detection.box_loss import BoxLoss
from keras_tricks.detection.check_anchors import check_anchors
from keras_tricks.detection.coco_evaluation import CocoEvaluation
from keras_tricks.detection.decode_boxes import decode_boxes
from keras_tricks.detection.decode_detections import DecodeDetections
from keras_tricks.detection.draw_detections import draw_detections
from keras_tricks.detection.encode_boxes import encode_boxes
from keras_tricks.detection.encode_targets import EncodeTargets
from keras_tricks.detection.focal_crossentropy import FocalCrossentropy
from keras_tricks.detection.fpn_anchors import fpn_anchors
from keras_tricks.detection.hard_negative_crossentropy import HardNegativeCrossentropy
from keras_tricks.detection.match_anchors import match_anchors
from keras_tricks.detection.mean_average_precision import MeanAveragePrecision
from keras_tricks.detection.non_max_suppression import non_max_suppression
from keras_tricks.detection.read_coco import read_coco
from keras_tricks.detection.read_voc import read_voc
from keras_tricks.detection.ssd_anchors import ssd_anchors
from keras_tricks.detection.ssd_mobile_net_v2 import SSDMobileNetV2

__all__ = [
    "Annotations",
    "BoxLoss",
    "CocoEvaluation",
    "DecodeDetections",
    "EncodeTargets",
    "FocalCrossentropy",
    "HardNegativeCrossentropy",
    "MeanAveragePrecision",
    "SSDMobileNetV2",
    "box_iou",
    "check_anchors",
    "decode_boxes",
    "draw_detections",
    "encode_boxes",
    "fpn_anchors",
    "match_anchors",
    "non_max_suppression",
    "read_coco",
    "read_voc",
    "ssd_anchors",
]
