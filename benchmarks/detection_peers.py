"""The detectors of `detection.py`, and what a step of each is.

A function of images `(batch, height, width, 3)`, 0 to 255, boxes `(batch, boxes, 4)`,
corners in pixels, and labels `(batch, boxes)` returns `{what: function that does it
once}` and some facts.
"""

import os

import numpy as np

CORES = len(os.sched_getaffinity(0))
SIZE = 320  # torchvision's detector knows no other
CLASSES = 3
RATE, MOMENTUM = 1e-3, 0.9
TRIVIAL = "ours, trivial loss"


def ours(images, boxes, labels, freeze_batch_norm=False):
    import keras_tricks as kt

    model = kt.detection.SSDMobileNetV2(
        CLASSES, image_size=SIZE, freeze_batch_norm=freeze_batch_norm
    )
    model.compile(keras_sgd())
    detector, network = model.detector(), network_of(model)
    detector.jit_compile = model.jit_compile
    targets = {"boxes": boxes, "labels": labels}
    return {
        "train": lambda: model.train_on_batch(images, targets),
        "detect": lambda: detector.predict_on_batch(images),
        "network": lambda: network.predict_on_batch(images),
    }, facts_of(model, len(model.anchors))


def frozen_norms(*drawn):
    return ours(*drawn, freeze_batch_norm=True)


def ours_without_loss(images, boxes, labels):
    """Train on the mean of the outputs: what is left out is matching and loss."""
    from keras import ops

    import keras_tricks as kt

    def mean(_, outputs):
        return ops.mean(outputs)

    model = kt.detection.SSDMobileNetV2(CLASSES, image_size=SIZE)
    model.compile(keras_sgd(), loss={"boxes": mean, "classes": mean})
    targets = dict.fromkeys(("boxes", "classes"), np.zeros((len(images), 1)))
    return {"train": lambda: model.train_on_batch(images, targets)}, {}


def keras_hub(images, boxes, labels, jit_compile="auto"):
    import keras
    import keras_hub

    encoder = keras.applications.MobileNetV2(
        images.shape[1:], include_top=False, weights=None
    )
    layers = {"P3": "block_6_expand_relu", "P4": "block_13_expand_relu"}
    encoder.pyramid_outputs = {
        level: encoder.get_layer(name).output
        for level, name in {**layers, "P5": "out_relu"}.items()
    }
    backbone = keras_hub.models.RetinaNetBackbone(
        encoder, min_level=3, max_level=7, use_p5=False, image_shape=images.shape[1:]
    )
    model = keras_hub.models.RetinaNetObjectDetector(
        backbone, CLASSES, bounding_box_format="xyxy"
    )
    model.compile(keras_sgd(), jit_compile=jit_compile)
    network = network_of(model)
    scaled = keras.ops.convert_to_tensor(images / 127.5 - 1)  # its preprocessor's work
    targets = {"boxes": boxes, "labels": labels}
    anchors = model.output["cls_logits"].shape[1]

    # 0.32's own `train_on_batch` takes no dict, its `predict_on_batch` cannot decode.
    def train():
        return keras.Model.train_on_batch(model, scaled, targets)

    def detect():
        model.make_predict_function()
        return np.asarray(model.predict_function([scaled])["boxes"])

    return {
        "train": train,
        "detect": detect,
        "network": lambda: network.predict_on_batch(scaled),
    }, facts_of(model, anchors)


def without_xla(*drawn):
    return keras_hub(*drawn, jit_compile=False)


def keras_sgd():
    import keras

    return keras.optimizers.SGD(RATE, MOMENTUM)


def network_of(model):
    import keras

    network = keras.Model(model.inputs, model.outputs)
    network.jit_compile = model.jit_compile
    return network


def facts_of(model, anchors):
    return {"parameters": model.count_params(), "anchors": anchors}


def torchvision(images, boxes, labels, channels_last=False):
    import torch

    torch.set_num_threads(CORES)
    library = import_torchvision(torch)
    from torchvision.models import detection

    model = detection.ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=CLASSES + 1
    )
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), RATE, MOMENTUM)
    images = list(torch.from_numpy(images.transpose(0, 3, 1, 2) / 255))
    targets = [
        {"boxes": torch.from_numpy(b), "labels": torch.from_numpy(c).long() + 1}
        for b, c in zip(boxes, labels, strict=True)
    ]
    postprocess = model.postprocess_detections

    def train():
        model.train()
        optimizer.zero_grad()
        loss = sum(model(images, targets).values())
        loss.backward()
        optimizer.step()
        return loss.item()

    @torch.no_grad()
    def detect():
        model.eval()
        model.postprocess_detections = postprocess
        return model(images)

    @torch.no_grad()
    def network():
        model.eval()
        model.postprocess_detections = lambda *_: []
        return model(images)

    return {"train": train, "detect": detect, "network": network}, {
        "parameters": sum(p.numel() for p in model.parameters()),
        "anchors": 6 * sum(side**2 for side in (20, 10, 5, 3, 2, 1)),
        "library": library,  # its definitions live as long as it does
    }


def channels_last(*drawn):
    return torchvision(*drawn, channels_last=True)


def import_torchvision(torch):
    """Import it, with a suppression in PyTorch where it was built for another."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    try:
        import torchvision  # noqa: F401
    except RuntimeError:  # the import looks for these two
        library.define("nms(Tensor x) -> Tensor")
        library.define("qnms(Tensor x) -> Tensor")
        from torchvision.ops import boxes

        boxes.nms = greedy
    return library


def greedy(boxes, scores, threshold):
    """Return what is kept: sweeps until nothing kept overlaps one before it."""
    import torch

    order = torch.argsort(scores, descending=True)
    boxes = boxes[order]
    sides = [
        torch.minimum(boxes[:, None, i + 2], boxes[:, i + 2])
        - torch.maximum(boxes[:, None, i], boxes[:, i])
        for i in (0, 1)
    ]
    common = sides[0].clamp(min=0) * sides[1].clamp(min=0)
    area = torch.diagonal(common)
    overlap = common > threshold * (area[:, None] + area - common)
    overlap = overlap.float().triu(1)
    keep, before = torch.ones(len(boxes)), None
    while before is None or not torch.equal(keep, before):
        keep, before = (keep @ overlap == 0).float(), keep
    return order[keep.bool()]


PEERS = {
    "ours": ours,
    "ours, frozen norms": frozen_norms,
    TRIVIAL: ours_without_loss,  # beside ours, whose share it tells
    "torchvision": torchvision,
    "torchvision, channels last": channels_last,
    "KerasHub": keras_hub,
    "KerasHub, no XLA": without_xla,
}
