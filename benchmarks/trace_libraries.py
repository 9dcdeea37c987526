"""Does `nanlint trace` leave the models of libraries alone? Random weights, as their authors initialise them.

    python benchmarks/trace_libraries.py [--most 160] [--seeds 3] [--only words timm_resnet]

Takes what is installed of torchvision, timm and transformers (through configurations, at tiny sizes; nothing is
downloaded). Every finding is a false alarm or a discovery, so each is printed, to be read.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path

from nanlint.cards import load_cards
from nanlint.config import Settings
from nanlint.trace.protocol import Job, Options, Target
from nanlint.trace.results import collect
from nanlint.trace.session import Event, events

VISION = """\
alexnet convnext_tiny densenet121 efficientnet_b0 efficientnet_v2_s googlenet mnasnet0_5 mnasnet1_0 mobilenet_v2
mobilenet_v3_large mobilenet_v3_small regnet_x_400mf regnet_x_800mf regnet_y_400mf regnet_y_800mf resnet18 resnet34
resnet50 resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 squeezenet1_0 squeezenet1_1 swin_t swin_v2_t vgg11
vgg11_bn wide_resnet50_2""".split()
# names in timm: one of each family, the smallest where there are several
TIMM = """\
bat_resnext26ts botnet26t_256 caformer_s18 cait_xxs24_224 coat_tiny coatnet_nano_rw_224 convformer_s18
convit_tiny convmixer_768_32 convnext_atto convnextv2_atto crossvit_tiny_240 cspresnet50 cs3darknet_s darknet17
deit_tiny_patch16_224 deit3_small_patch16_224 densenet121 dla34 dla46_c dpn48b eca_resnet33ts edgenext_xx_small
efficientformer_l1 efficientformerv2_s0 efficientnet_b0 efficientnet_lite0 efficientvit_b0 efficientvit_m0
ese_vovnet19b_dw
fbnetc_100 fastvit_t8 flexivit_small gcresnet33ts gcvit_xxtiny gernet_s ghostnet_050 ghostnetv2_100 hardcorenas_a
hgnet_tiny hgnetv2_b0 inception_next_atto lcnet_050 levit_128s mambaout_femto maxvit_nano_rw_256 mixer_s32_224 mixnet_s
mnasnet_small mobilenetv2_050 mobilenetv3_small_050 mobilenetv4_conv_small mobileone_s0 mobilevit_xxs mobilevitv2_050
nest_tiny nf_regnet_b0 nfnet_l0 pit_ti_224 poolformer_s12 poolformerv2_s12 pvt_v2_b0 regnetx_002 regnety_002 regnetz_005
repghostnet_050 repvgg_a0 repvit_m0_9 res2net50_14w_8s resmlp_12_224 resnet10t resnet14t resnet18 resnet26 resnetv2_18
resnext26ts rexnet_100 selecsls42 semnasnet_075 seresnet18 shvit_s1 skresnet18 spnasnet_100 starnet_s1
swiftformer_xs swin_tiny_patch4_window7_224 test_vit tf_mixnet_s tiny_vit_5m_224 tinynet_e tnt_s_legacy_patch16_224
twins_svt_small vgg11 visformer_tiny vit_tiny_patch16_224 vovnet39a xcit_nano_12_p16_224""".split()
WORDS = """\
Albert Bart Bert BigBird Bloom CTRL Camembert CodeGen ConvBert Cohere Deberta DebertaV2 DistilBert Electra Ernie Esm
FNet Falcon Flaubert Funnel GPT2 GPTBigCode GPTNeo GPTNeoX GPTJ Gemma Gemma2 Granite IBert Llama LayoutLM Longformer
MBart MPNet MT5 Mamba Marian MegatronBert Mistral Mixtral MobileBert Mpt Nystromformer OPT Olmo Olmo2 OpenAIGPT PLBart
Pegasus Persimmon Phi Phi3 ProphetNet Qwen2 Qwen3 RemBert RoCBert RoFormer Roberta Rwkv SqueezeBert StableLm Starcoder2
T5 UMT5 XGLM XLM XLMRoberta XLNet Xmod Yoso""".split()
PIXELS = """\
Beit BitModel Convnext ConvNextV2 Cvt DPT Data2VecVision DeiT Dinov2 EfficientNet FocalNet GLPN Levit MobileNetV1
MobileNetV2 MobileViT PoolFormer Pvt RegNet ResNet SegFormer SwiftFormer Swin Swinv2 VanModel ViT ViTHybrid ViTMAE
ViTMSN
VitDet Yolos""".split()

IMAGES = """\
import torch
import {library}


def nanlint_example():
    return {make}, torch.randn(4, 3, {size}, {size})
"""
SENTENCES = """\
import torch
import transformers
from nanlint.trace.child.configured import configuration


def nanlint_example():
    model = transformers.{name}Model(configuration(transformers.{name}Config))
    return model, {inputs}
"""
PICTURES = """\
import torch
import transformers
from nanlint.trace.child.configured import configuration


def nanlint_example():
    model = transformers.{name}Model(configuration(transformers.{name}Config))
    size = getattr(model.config, "image_size", 96)
    size = size if isinstance(size, int) else 96
    return model, {{"pixel_values": torch.randn(4, 3, size, size)}}
"""


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=400, help="models")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=[""], help="models whose names begin so: words timm_resnet")
    options = parser.parse_args()
    wanted = ((name, text) for name, text in _texts() if name.startswith(tuple(options.only)))
    texts = dict(islice(wanted, options.most))
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            (Path(folder) / f"{name}.py").write_text(text, encoding="utf-8")
        targets = tuple(Target(f"{name}.py", str(Path(folder) / f"{name}.py")) for name in texts)
        job = Job(targets, Options(seeds=options.seeds, budget=120.0), (folder,), folder)
        results = collect(_told(job), job, load_cards(), Settings())
    names, run, flagged = list(texts), len(results.models), len(results.found)
    for name, found in results.found.items():
        for one in found:
            print(f"{name}: {one.code} {one.severity} {one.message}")
    for trouble in results.troubles:
        print(f"not run: {names[trouble.target]}: {trouble.text[:160]}")
    print(f"{run} of {len(texts)} models run, {flagged} flagged ({flagged / max(run, 1):.1%}), {options.seeds} seeds")


def _told(job: Job) -> Iterator[Event]:
    """What the child says, said at once: the whole takes an hour."""
    word = ""
    for event in events(job):
        if event["event"] == "load":
            word = job.targets[event["target"]].word
        elif event["event"] == "found":
            print("   ", word, event["code"], event["words"], flush=True)
        elif event["event"] == "model":
            print("   ", word, f"{event['seconds']:.0f} s", flush=True)
        yield event


def _texts() -> Iterator[tuple[str, str]]:
    """A file for each model, those first that take seconds; of the others one library after another in turn."""
    yield from (*_words(), *_pixels())
    for pair in zip_longest(_vision(), _timm()):
        yield from filter(None, pair)


def _vision() -> Iterator[tuple[str, str]]:
    if importlib.util.find_spec("torchvision"):
        for name in VISION:
            more = ", init_weights=True, aux_logits=False" if name == "googlenet" else ""
            make = f"torchvision.models.{name}(weights=None{more})"
            size = 96 if name.startswith(("alex", "squeeze", "goo")) else 64
            yield f"vision_{name}", IMAGES.format(library="torchvision", make=make, size=size)


def _timm() -> Iterator[tuple[str, str]]:
    if importlib.util.find_spec("timm"):
        for name in TIMM:
            sized = [part for part in name.split("_") if part in {"224", "240", "256"}]
            size = (
                sized[0]
                if sized
                else "224"
                if name.startswith(("fast", "lev", "swift", "effic", "gc", "max"))
                else "64"
            )
            yield f"timm_{name}", IMAGES.format(library="timm", make=f"timm.create_model('{name}')", size=size)


def _words() -> Iterator[tuple[str, str]]:
    if importlib.util.find_spec("transformers"):
        ids = "{'input_ids': torch.randint(2, 99, (8, 16))}"
        both = "{'input_ids': torch.randint(2, 99, (8, 16)), 'decoder_input_ids': torch.randint(2, 99, (8, 16))}"
        pairs = {"Bart", "MBart", "MT5", "Marian", "PLBart", "Pegasus", "ProphetNet", "T5", "UMT5"}
        for name in WORDS:
            yield f"words_{name}", SENTENCES.format(name=name, inputs=both if name in pairs else ids)


def _pixels() -> Iterator[tuple[str, str]]:
    if importlib.util.find_spec("transformers"):
        for name in PIXELS:
            yield f"pixels_{name}", PICTURES.format(name=name.removesuffix("Model"))


if __name__ == "__main__":
    main()
